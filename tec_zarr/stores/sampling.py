"""What coding a cube would give, from some of its chunks."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from tec_zarr.codec import metrics
from tec_zarr.codec.settings import Settings
from tec_zarr.cubes.terms import NAME
from tec_zarr.stores.options import Plan
from tec_zarr.stores.reading import Parts

SAMPLE = 16
"""Chunks that estimates and budgets begin with."""

GOLDEN_RATIO = 0.6180339887498949


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What writing a cube would give, found from `sampled` of `chunks`.

    Errors are in the cube's units, PSNR in dB. `spread` is the relative standard error of bytes
    or RMSE, the greater one, that comes of not having coded the others.
    """

    bytes: int
    raw_bytes: int
    bppb: float
    psnr: float
    rmse: float
    max_error: float
    chunks: int
    sampled: int
    spread: float

    @property
    def ratio(self) -> float:
        return self.raw_bytes / self.bytes


@dataclasses.dataclass(frozen=True)
class Coded:
    """What coding a chunk gave: its bytes, and of its valid samples the squared errors, how
    many, and the greatest error."""

    size: int
    squares: float = 0.0
    valid: int = 0
    worst: float = 0.0


@dataclasses.dataclass(frozen=True)
class Part:
    """So many chunks of one kind, inside or at an edge, of which some were coded."""

    count: int
    coded: list[Coded]


class ChunkSample:
    """The chunks of a cube, to be coded a few at a time; none is coded twice with the same
    settings, nor read twice while there is memory."""

    def __init__(self, planned: Plan):
        self._array = planned.cube[NAME]
        self._parts = Parts(self._array)
        self._shape = planned.chunk_shape
        self._device = planned.device
        self._kinds = self._corners_by_kind()
        self._coded: dict[tuple, Coded] = {}

    def _corners_by_kind(self) -> list[list[tuple[int, ...]]]:
        """First samples of chunks: of those inside, and of those cut by each edge; each list
        spread over the cube."""
        lengths = self._array.shape
        starts = []
        for length, step in zip(lengths, self._shape, strict=True):
            starts.append(range(0, length, step))
        kinds: dict[tuple[bool, ...], list[tuple[int, ...]]] = {}
        for corner in itertools.product(*starts):
            ends = np.add(corner, self._shape)
            is_whole = tuple(bool(fits) for fits in ends <= lengths)
            kinds.setdefault(is_whole, []).append(corner)
        spread = []
        for corners in kinds.values():
            spread.append([corners[i] for i in spread_out(len(corners))])
        return spread

    @property
    def count(self) -> int:
        return sum(map(len, self._kinds))

    def expect(self, settings: Settings, sample: int | None, errors: bool = False) -> Estimate:
        """Code about `sample` chunks (None: all), in proportion from inside and from each edge,
        and count for the whole."""
        share = 1.0 if sample is None else min(1.0, sample / self.count)
        parts = []
        for corners in self._kinds:
            # In the order in which they lie, so that neighbors are read together.
            picked = sorted(corners[: max(1, round(share * len(corners)))])
            coded = [self._code(corner, settings, errors) for corner in picked]
            parts.append(Part(len(corners), coded))
        return self._estimate(parts, settings)

    def _estimate(self, parts: list[Part], settings: Settings) -> Estimate:
        array = self._array
        scale = settings.scale if array.dtype.kind == "f" else 1.0
        size, size_error = _total(parts, "size")
        squares, squares_error = _total(parts, "squares")
        valid, _ = _total(parts, "valid")
        rmse = math.sqrt(squares / valid) if valid else math.nan
        psnr = metrics.psnr_of_rmse(rmse / scale) if valid else math.nan
        size_spread = size_error / size
        # Of a root the relative error is half as great.
        rmse_spread = squares_error / squares / 2 if squares else 0.0
        return Estimate(
            bytes=round(size),
            raw_bytes=array.nbytes,
            bppb=8 * size / array.size,
            psnr=psnr,
            rmse=rmse,
            max_error=max(coded.worst for part in parts for coded in part.coded),
            chunks=self.count,
            sampled=sum(len(part.coded) for part in parts),
            spread=max(size_spread, rmse_spread),
        )

    def _code(self, corner: tuple[int, ...], settings: Settings, errors: bool) -> Coded:
        key = (corner, settings, errors)
        if key not in self._coded:
            self._coded[key] = self._code_anew(corner, settings, errors)
        return self._coded[key]

    def _code_anew(self, corner: tuple[int, ...], settings: Settings, errors: bool) -> Coded:
        from tec_zarr.codec.chunk import decode_chunk, encode_chunk

        place = []
        for start, step, length in zip(corner, self._shape, self._array.shape, strict=True):
            place.append(slice(start, min(start + step, length)))
        inside = self._parts.read(tuple(place))
        chunk = _padded(inside, self._shape)
        data = encode_chunk(chunk, settings, self._device)
        if not errors:
            return Coded(len(data))
        nodata = None if settings.nodata is None else float(settings.nodata)
        seen = metrics.measured(inside, nodata)
        decoded = decode_chunk(data, self._device)[_beginning(inside.shape)]
        error = inside[seen].astype(np.float64) - decoded[seen]
        worst = float(np.abs(error).max(initial=0))
        return Coded(len(data), float(error @ error), error.size, worst)


def _total(parts: list[Part], name: str) -> tuple[float, float]:
    """Sum of a field over all chunks, and its standard error."""
    total = 0.0
    variance = 0.0
    for part in parts:
        values = [getattr(coded, name) for coded in part.coded]
        within = np.var(values, ddof=1) if len(values) > 1 else values[0] ** 2
        total += part.count * float(np.mean(values))
        variance += part.count * (part.count / len(values) - 1) * float(within)
    return total, math.sqrt(variance)


def spread_out(count: int) -> list[int]:
    """All numbers below `count`, in an order of which every beginning is spread over them
    evenly."""
    places = np.arange(count) * GOLDEN_RATIO % 1
    return np.argsort(np.argsort(places)).tolist()


def _beginning(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, length) for length in shape)


def _padded(chunk: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """As Zarr pads a chunk at an edge: with the array's fill value, which is 0, or NaN for
    floats."""
    if chunk.shape == shape:
        return chunk
    fill_value = np.nan if chunk.dtype.kind == "f" else 0
    out = np.full(shape, fill_value, chunk.dtype)
    out[_beginning(chunk.shape)] = chunk
    return out
