"""The shipped codec: filled frames to coded ones and back, at any step.

frames  ->  spectra  ->  side information and coefficients at a step  ->  symbols and streams  ->  coded frames
coded frames  ->  side information and streams  ->  values  ->  frames

Only the network needs torch; with context="none" nothing imports it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tec_zarr.bitstream.frame import Coded
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.layer import LayerResult
from tec_zarr.codec.quality import COARSEST_STEP, FINEST_STEP, as_float32, step_of
from tec_zarr.codec.settings import ALL_GROUPS, Settings
from tec_zarr.entropy.symbols import Stream
from tec_zarr.errors import DamagedChunkError
from tec_zarr.prior.channels import group_of_frequency
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.rounding import PLAIN_DEAD_ZONE, quantize
from tec_zarr.prior.static import decode_static, encode_static, expected_rms
from tec_zarr.transform import side_coding
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.frame import Frame
from tec_zarr.transform.side import Side
from tec_zarr.transform.synthesis import synthesize

PILOT_POSITIONS = 64
"""Positions below which a pilot would be no cheaper than coding everything."""

BISECTIONS = 24


@dataclasses.dataclass(frozen=True, eq=False)
class _Ready:
    """A date at a step, ready to be coded: coefficients (C, 256, h, w) in steps."""

    side: Side
    coefficients: np.ndarray
    groups: int
    key: bool

    @property
    def flat(self) -> np.ndarray:
        """Coefficients (C, 256, P)."""
        return self.coefficients.reshape(*self.coefficients.shape[:2], -1)


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
        self, settings: Settings, frames: Sequence[np.ndarray], times: Sequence[int], total: int, device: str
    ):
        self._settings = settings
        self._device = device
        self._spectra = [Spectrum.of(frame) for frame in frames]
        self._size = frames[0].shape[1:]
        groups = settings.groups_of(total)
        self._groups = [groups[time] for time in times]
        self._keys = key_dates(settings, times)

    def encode(self, quality: float, reconstruct: bool) -> LayerResult:
        """Code at a quality, 1 to 100."""
        return self.encode_step(step_of(quality), reconstruct)

    def encode_step(self, step: float, reconstruct: bool) -> LayerResult:
        """Code with a quantization step in DN."""
        ready = self._ready(step)
        streams, values = self._code(ready, reconstruct)
        coded = []
        before = None
        for date, stream in zip(ready, streams, strict=True):
            before = None if date.key else before
            kept = None if date.groups == ALL_GROUPS else date.groups
            side = side_coding.pack(date.side, before)
            coded.append(Coded(stream.grid_offset, stream.rows_crc, stream.data, side, kept, date.key))
            before = date.side
        reconstructed = []
        if reconstruct:
            for date, value in zip(ready, values, strict=True):
                reconstructed.append(synthesize(value, date.side, self._size))
        return LayerResult(coded, reconstructed)

    def step_for(self, squared_error: float) -> float:
        """The step in DN whose plain rounding leaves this mean squared error (DN²), as far as steps go."""
        total = sum(spectrum.samples for spectrum in self._spectra)
        low = math.log(FINEST_STEP)
        high = math.log(COARSEST_STEP)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            found = sum(spectrum.squared_error(math.exp(middle)) for spectrum in self._spectra)
            if found < squared_error * total:
                low = middle
            else:
                high = middle
        return min(max(as_float32(math.exp(high)), FINEST_STEP), COARSEST_STEP)

    def pilot(self, step: float) -> float:
        """How many times the squared error of plain rounding coding leaves, found on a quarter of the positions."""
        ready = self._ready(step)
        shapes = {date.coefficients.shape[2:] for date in ready}
        height, width = min(shapes)
        if len(shapes) > 1 or height * width < PILOT_POSITIONS:
            return 1.0
        rows = slice(height // 4, height // 4 + height // 2)
        columns = slice(width // 4, width // 4 + width // 2)
        part = []
        for date in ready:
            inner = np.ascontiguousarray(date.coefficients[:, :, rows, columns])
            part.append(dataclasses.replace(date, coefficients=inner))
        _, values = self._code(part, reconstruct=True)
        coded = 0.0
        plain = 0.0
        for date, value in zip(part, values, strict=True):
            coded += float(((value - date.coefficients) ** 2).sum(dtype=np.float64))
            rounded = quantize(date.coefficients, PLAIN_DEAD_ZONE)
            plain += float(((rounded - date.coefficients) ** 2).sum(dtype=np.float64))
        return coded / plain if plain else 1.0

    def _ready(self, step: float) -> list[_Ready]:
        out = []
        before = None
        effort = self._settings.effort
        for spectrum, groups, key in zip(self._spectra, self._groups, self._keys, strict=True):
            before = None if key else before
            side, coefficients = spectrum.at(step, before)
            flat = coefficients.reshape(*coefficients.shape[:2], -1)
            live = live_channels(flat, expected_rms(side), effort)
            live &= group_of_frequency() < groups
            side = side.with_live(live)
            out.append(_Ready(side, coefficients, groups, key))
            before = side
        return out

    def _code(self, ready: list[_Ready], reconstruct: bool) -> tuple[list[Stream], list[np.ndarray]]:
        """Streams of dates, and values (C, 256, h, w) in steps, which are right only where `reconstruct` asks for them."""
        effort = self._settings.effort
        if self._settings.context == "none":
            streams = []
            values = []
            for date in ready:
                stream, value = encode_static(date.flat, date.side, date.groups, effort)
                streams.append(stream)
                values.append(value.reshape(date.coefficients.shape))
            return streams, values
        from tec_zarr.codec import runtime, series

        model = runtime.load_prior(self._settings.model, self._device)
        plans = []
        for date in ready:
            plans.append(series.DatePlan(date.side, date.coefficients.shape[2:], date.groups, date.key))
        coded = series.encode_series(model, plans, [date.flat for date in ready], effort, reconstruct)
        values = []
        for date, result in zip(ready, coded, strict=True):
            values.append(result.values.reshape(date.coefficients.shape))
        return [result.stream for result in coded], values


def key_dates(settings: Settings, times: Sequence[int]) -> list[bool]:
    """Which of the dates `times` of a chunk, those that are coded, are key dates: the first one after each that is due."""
    keys = []
    due = False
    last = -1
    for time in times:
        due = any(settings.is_key(each) for each in range(last + 1, time + 1))
        keys.append(due)
        last = time
    return keys


def reconstruct_spectral(header: Header, coded: list[Coded], device: str) -> list[np.ndarray]:
    """DN without offset, float32 (band, y, x), of each coded frame.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    size = header.shape[2:]
    sides = _parse_sides(header, coded)
    streams = [Stream(frame.grid_offset, frame.rows_crc, frame.stream) for frame in coded]
    groups = [ALL_GROUPS if frame.kept is None else frame.kept for frame in coded]
    shapes = [Frame(size, side.origin).positions for side in sides]
    if header.model == "":
        values = []
        for side, stream, kept, shape in zip(sides, streams, groups, shapes, strict=True):
            values.append(decode_static(stream, side, kept, math.prod(shape)))
    else:
        from tec_zarr.codec import runtime, series

        model = runtime.load_prior_for(header.model, header.weights, device)
        plans = []
        for side, kept, frame, shape in zip(sides, groups, coded, shapes, strict=True):
            plans.append(series.DatePlan(side, shape, kept, frame.key))
        values = [date.values for date in series.decode_series(model, plans, streams)]
    out = []
    for side, value, shape in zip(sides, values, shapes, strict=True):
        out.append(synthesize(value.reshape(*value.shape[:2], *shape), side, size))
    return out


def _parse_sides(header: Header, coded: list[Coded]) -> list[Side]:
    """The side information of each coded frame; raises DamagedChunkError where it does not fit."""
    sides = []
    before = None
    for frame in coded:
        before = None if frame.key else before
        if before is None and not frame.key:
            raise DamagedChunkError("the first date that is coded must be a key date")
        if frame.kept is not None and not 1 <= frame.kept < ALL_GROUPS:
            raise DamagedChunkError(f"groups kept must be 1 to {ALL_GROUPS - 1}, got {frame.kept}")
        before = side_coding.parse(frame.side, header.shape[1], before)
        sides.append(before)
    return sides
