"""The shipped codec: filled frames to coded ones and back.

frames -> spectra -> side information, coefficients at a step -> symbols, streams -> coded frames
coded frames  ->  side information and streams  ->  values  ->  frames

Only the network needs torch; with context="none" nothing imports it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tec_zarr.bitstream.frame import Coded
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.layer import LayerResult
from tec_zarr.codec.quality import step_of
from tec_zarr.codec.settings import ALL_GROUPS, Settings
from tec_zarr.codec.steps import ErrorBudget, FixedStep, step_for
from tec_zarr.entropy.symbols import Stream
from tec_zarr.errors import DamagedChunkError
from tec_zarr.prior.channels import group_of_frequency
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.static import decode_static, encode_static, expected_rms
from tec_zarr.transform import side_coding
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.frame import Frame
from tec_zarr.transform.side import Side
from tec_zarr.transform.synthesis import synthesize

if TYPE_CHECKING:
    from tec_zarr.runtime.loading import PriorModel


@dataclasses.dataclass(frozen=True, eq=False)
class _Ready:
    """A date at a step, ready to be coded: coefficients (C, 256, P) in steps at positions (h,
    w)."""

    side: Side
    coefficients: np.ndarray
    size: tuple[int, int]
    groups: int
    key: bool


class SpectralLayer:
    """Codes the filled frames of an array.

    Parameters
    ----------
    frames
        DN without offset, float32 (band, y, x), of each date that has a valid sample.
    times
        Which dates of the chunk these are.
    total
        How many dates the chunk has.
    """

    def __init__(
        self,
        settings: Settings,
        frames: Sequence[np.ndarray],
        times: Sequence[int],
        total: int,
        device: str,
    ):
        self._settings = settings
        self._device = device
        self._spectra = [Spectrum.of(frame) for frame in frames]
        self._size = frames[0].shape[1:]
        groups = settings.groups_of(total)
        self._groups = [groups[time] for time in times]
        self._keys = key_dates(settings, times)

    def encode(self, quality: float, reconstruct: bool) -> LayerResult:
        """Code at a quality, 1 to 100; also what comes of it, where `reconstruct` asks for that."""
        return self._encode(FixedStep(step_of(quality)), reconstruct)

    def encode_toward(self, squared_error: float) -> LayerResult:
        """Code so that the mean squared error over all pixels, DN², comes close to this, as far
        as steps go."""
        first = step_for(squared_error, self._spectra)
        budget = ErrorBudget(squared_error, self._spectra, self._expected_factor(first))
        return self._encode(budget, reconstruct=True)

    def _expected_factor(self, step: float) -> float:
        """How many times the error of plain rounding coding is expected to leave, from the first
        date."""
        if not self._settings.effort:
            return 1.0
        ready = self._ready(0, step, None)
        _, values = encode_static(
            ready.coefficients, ready.side, ready.groups, self._settings.effort
        )
        difference = ready.coefficients - values
        found = float(np.vdot(difference, difference)) / difference.size * step**2
        plain = self._spectra[0].squared_error(step)
        return found / plain if found and plain else 1.0

    def _encode(self, steps: FixedStep | ErrorBudget, reconstruct: bool) -> LayerResult:
        coder = _make_coder(self._settings.context, self._settings.model, self._device)
        coded = []
        reconstructed = []
        chosen = []
        dates = range(len(self._spectra))
        before = None
        ready = self._ready(0, steps.step(0), None)
        for i in dates:
            waiting = coder.encode(ready, self._settings.effort, reconstruct)
            following = None
            if i + 1 in dates and not steps.learns:
                # While this date is being coded the next one can be made ready.
                following = self._ready(i + 1, steps.step(i + 1), ready.side)
            stream, values = waiting()
            steps.learn(i, ready.coefficients, values)
            if i + 1 in dates and steps.learns:
                following = self._ready(i + 1, steps.step(i + 1), ready.side)
            coded.append(_coded(ready, stream, None if ready.key else before))
            if reconstruct:
                shaped = values.reshape(*values.shape[:2], *ready.size)
                reconstructed.append(synthesize(shaped, ready.side, self._size))
            chosen.append(ready.side.step)
            before = ready.side
            ready = following
        return LayerResult(coded, reconstructed, tuple(chosen))

    def _ready(self, i: int, step: float, before: Side | None) -> _Ready:
        key = self._keys[i]
        side, coefficients = self._spectra[i].at(step, None if key else before)
        size = coefficients.shape[2:]
        flat = coefficients.reshape(*coefficients.shape[:2], -1)
        live = live_channels(flat, expected_rms(side), self._settings.effort)
        live &= group_of_frequency() < self._groups[i]
        return _Ready(side.with_live(live), flat, size, self._groups[i], key)


def _coded(ready: _Ready, stream: Stream, before: Side | None) -> Coded:
    """The coded frame of a date, its side information told from the date before."""
    kept = None if ready.groups == ALL_GROUPS else ready.groups
    side = side_coding.pack(ready.side, before)
    return Coded(stream.grid_offset, stream.rows_crc, stream.data, side, kept, ready.key)


Result = tuple[Stream, np.ndarray]
"""A date's stream, and its values float32 (C, 256, P) in steps."""


class _StaticCoder:
    """Codes dates without a network."""

    def encode(self, ready: _Ready, effort: int, reconstruct: bool) -> Callable[[], Result]:
        result = encode_static(ready.coefficients, ready.side, ready.groups, effort)
        return lambda: result

    def decode(
        self, side: Side, size: tuple[int, int], groups: int, key: bool, stream: Stream
    ) -> Callable[[], np.ndarray]:
        values = decode_static(stream, side, groups, math.prod(size))
        return lambda: values


class _NetworkCoder:
    """Codes dates with the network, each in the context of those before it.

    What `encode` and `decode` return waits for the date, which has to be done before the next one.
    """

    def __init__(self, model: PriorModel):
        from tec_zarr.runtime import series

        self._model = model
        self._series = series
        self._context = series.Context()

    def encode(self, ready: _Ready, effort: int, reconstruct: bool) -> Callable[[], Result]:
        date = self._context.inputs(ready.side, ready.size, ready.groups, ready.key)
        future = self._series.encode_date(
            self._model, date, ready.coefficients, effort, reconstruct
        )

        def wait() -> Result:
            coded = future.result()
            self._context.add(coded)
            return coded.stream, coded.values

        return wait

    def decode(
        self, side: Side, size: tuple[int, int], groups: int, key: bool, stream: Stream
    ) -> Callable[[], np.ndarray]:
        date = self._context.inputs(side, size, groups, key)
        future = self._series.decode_date(self._model, date, stream)

        def wait() -> np.ndarray:
            coded = future.result()
            self._context.add(coded)
            return coded.values

        return wait


def _make_coder(context: str, model: str, device: str) -> _StaticCoder | _NetworkCoder:
    if context == "none":
        return _StaticCoder()
    from tec_zarr.runtime import loading

    return _NetworkCoder(loading.load_prior(model, device))


def key_dates(settings: Settings, times: Sequence[int]) -> list[bool]:
    """Which of the dates `times` of a chunk, those that are coded, are key dates.

    They are the first ones that are coded from each date on that is due to be one.
    """
    keys = []
    last = -1
    for time in times:
        keys.append(any(settings.is_key(each) for each in range(last + 1, time + 1)))
        last = time
    return keys


def reconstruct_spectral(header: Header, coded: list[Coded], device: str) -> list[np.ndarray]:
    """DN without offset, float32 (band, y, x), of each coded frame.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    size = header.shape[2:]
    sides = _parse_sides(header, coded)
    coder: _StaticCoder | _NetworkCoder = _StaticCoder()
    if header.model:
        from tec_zarr.runtime import loading

        coder = _NetworkCoder(loading.load_prior_for(header.model, header.weights, device))
    out = []
    done = None
    for side, frame in zip(sides, coded, strict=True):
        shape = Frame(size, side.origin).positions
        groups = ALL_GROUPS if frame.kept is None else frame.kept
        stream = Stream(frame.grid_offset, frame.rows_crc, frame.stream)
        waiting = coder.decode(side, shape, groups, frame.key, stream)
        if done is not None:
            # While this date is being decoded the one before it can be finished.
            out.append(synthesize(*done, size))
        values = waiting()
        done = (values.reshape(*values.shape[:2], *shape), side)
    out.append(synthesize(*done, size))
    return out


def _parse_sides(header: Header, coded: list[Coded]) -> list[Side]:
    """The side information of each coded frame; raises DamagedChunkError where it does not fit."""
    sides = []
    before = None
    for frame in coded:
        if before is None and not frame.key:
            raise DamagedChunkError("the first date that is coded must be a key date")
        if frame.kept is not None and not 1 <= frame.kept < ALL_GROUPS:
            raise DamagedChunkError(f"groups kept must be 1 to {ALL_GROUPS - 1}, got {frame.kept}")
        before = side_coding.parse(frame.side, header.shape[1], None if frame.key else before)
        sides.append(before)
    return sides
