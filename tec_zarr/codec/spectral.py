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
from tec_zarr.codec.layer import CodedDate, LayerResult, Seen
from tec_zarr.codec.quality import step_of
from tec_zarr.codec.settings import ALL_GROUPS, Settings
from tec_zarr.codec.steps import ErrorBudget, FixedStep, step_for
from tec_zarr.entropy.symbols import Stream
from tec_zarr.errors import DamagedChunkError
from tec_zarr.prior.channels import group_of_frequency
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.static import decode_static, encode_static, expected_rms
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.transform import side_coding
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.frame import Frame
from tec_zarr.transform.side import Side
from tec_zarr.transform.synthesis import synthesize

if TYPE_CHECKING:
    from tec_zarr.runtime.loading import PriorModel


TRANSFORMS = "seconds of transforms"


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
    """Codes filled frames.

    Parameters
    ----------
    frames
        DN without offset, float32 (band, y, x), of each date that has a valid sample.
    groups
        How many groups of each date are sent.
    keys
        Which of them are coded without a look at those before.
    seen
        What came before the first one.
    """

    def __init__(
        self,
        settings: Settings,
        frames: Sequence[np.ndarray],
        groups: Sequence[int],
        keys: Sequence[bool],
        seen: Seen,
        device: str,
    ):
        self._settings = settings
        self._device = device
        with COUNTERS.timed(TRANSFORMS):
            self._spectra = [Spectrum.of(frame) for frame in frames]
        self._size = frames[0].shape[1:]
        self._groups = groups
        self._keys = keys
        self._seen = seen

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
        ready = self._ready(0, step, self._seen.side)
        _, values = encode_static(
            ready.coefficients, ready.side, ready.groups, self._settings.effort
        )
        difference = ready.coefficients - values
        found = float(np.vdot(difference, difference)) / difference.size * step**2
        plain = self._spectra[0].squared_error(step)
        return found / plain if found and plain else 1.0

    def _encode(self, steps: FixedStep | ErrorBudget, reconstruct: bool) -> LayerResult:
        coder = self._make_coder()
        coded = []
        reconstructed = []
        chosen = []
        dates = range(len(self._spectra))
        before = self._seen.side
        ready = self._ready(0, steps.step(0), before)
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
                reconstructed.append(_finished(True, shaped, ready.side, self._size))
            chosen.append(ready.side.step)
            before = ready.side
            ready = following
        seen = Seen(coder.seen(before.bands), before)
        return LayerResult(coded, reconstructed, tuple(chosen), seen)

    def _make_coder(self) -> _StaticCoder | _NetworkCoder:
        if self._settings.context == "none":
            return _StaticCoder()
        from tec_zarr.runtime import loading

        model = loading.load_prior(self._settings.model, self._device)
        return _NetworkCoder(model, self._seen)

    def _ready(self, i: int, step: float, before: Side | None) -> _Ready:
        key = self._keys[i]
        with COUNTERS.timed(TRANSFORMS):
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
    return Coded(stream.grid_offset, stream.rows_crc, stream.data, side, kept)


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

    def seen(self, bands: int) -> tuple:
        """Nothing that it codes looks at earlier dates."""
        return ()


class _NetworkCoder:
    """Codes dates with the network, each in the context of those before it.

    What `encode` and `decode` return waits for the date, which has to be done before the next one.
    """

    def __init__(self, model: PriorModel, seen: Seen):
        from tec_zarr.runtime import series

        self._model = model
        self._series = series
        self._context = series.Context(seen.dates)

    def seen(self, bands: int) -> tuple:
        """The dates that the next one can look at."""
        return self._context.seen(bands)

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


def reconstruct_spectral(
    header: Header, run: Sequence[CodedDate], seen: Seen, device: str
) -> tuple[list[np.ndarray | None], Seen]:
    """DN without offset, float32 (band, y, x), of each date of a run that is wanted, else None;
    and what a date after them sees.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    size = header.shape[2:]
    sides = _parse_sides(header, run, seen.side)
    coder: _StaticCoder | _NetworkCoder = _StaticCoder()
    if header.model:
        from tec_zarr.runtime import loading

        coder = _NetworkCoder(loading.load_prior_for(header.model, header.weights, device), seen)
    out: list[np.ndarray | None] = []
    done = None
    for side, date in zip(sides, run, strict=True):
        frame = date.coded
        shape = Frame(size, side.origin).positions
        groups = ALL_GROUPS if frame.kept is None else frame.kept
        stream = Stream(frame.grid_offset, frame.rows_crc, frame.stream)
        waiting = coder.decode(side, shape, groups, date.key, stream)
        if done is not None:
            # While this date is being decoded the one before it can be finished.
            out.append(_finished(*done, size))
        values = waiting()
        done = (date.wanted, values.reshape(*values.shape[:2], *shape), side)
    out.append(_finished(*done, size))
    return out, Seen(coder.seen(header.shape[1]), sides[-1])


def _finished(
    wanted: bool, values: np.ndarray, side: Side, size: tuple[int, int]
) -> np.ndarray | None:
    if not wanted:
        return None
    with COUNTERS.timed(TRANSFORMS):
        return synthesize(values, side, size)


def _parse_sides(header: Header, run: Sequence[CodedDate], before: Side | None) -> list[Side]:
    """The side information of each date; raises DamagedChunkError where it does not fit."""
    sides = []
    for date in run:
        frame = date.coded
        if before is None and not date.key:
            raise DamagedChunkError("the first date that is coded must be a key date")
        if frame.kept is not None and not 1 <= frame.kept < ALL_GROUPS:
            raise DamagedChunkError(f"groups kept must be 1 to {ALL_GROUPS - 1}, got {frame.kept}")
        before = side_coding.parse(frame.side, header.shape[1], None if date.key else before)
        sides.append(before)
    return sides
