"""A cube as users hold it to standardized frames, and back: dtype, radiometry, bands, nodata. Plain arrays, no torch.

array (time, band, y, x)  ->  DN without offset, valid  ->  filled  ->  standardized, missing bands predicted  ->  x
x_hat  ->  DN  ->  the array's own numbers  ->  invalid samples restored  ->  array
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.cells import cell_values, find_kinds, repeat_cells
from tec_zarr.codec.fill import fill
from tec_zarr.codec.layout import make_header
from tec_zarr.codec.numbers import from_dn, off_nodata, to_dn
from tec_zarr.codec.residual import decode_residual
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.validity import decode_validity, encode_validity
from tec_zarr.models.bands import L2A, NATIVE_METERS

MAX_DN = 4_194_304.0
"""Values of float arrays beyond plus or minus this many DN are no reflectances: they are kept bit for bit."""

RIDGE = 0.01
"""Noise variance that the prediction of missing bands expects in standardized bands."""


@dataclasses.dataclass(frozen=True, eq=False)
class Statistics:
    """A model's bands in numbers, all float32: `mean` and `std` in DN, (bands,); `center` (bands,) and `covariance`
    (bands, bands) of standardized bands."""

    mean: np.ndarray
    std: np.ndarray
    center: np.ndarray
    covariance: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Gathered:
    """What is known of an array before a quality is: `invalid` (bool, like the array), the times in `coded`, where anything
    is valid, and their DN with gaps filled."""

    header: Header
    array: np.ndarray
    invalid: np.ndarray
    coded: list[int]
    filled: list[np.ndarray]

    def validity(self) -> list[bytes]:
        """A validity section a time."""
        return [encode_validity(frame, missing) for frame, missing in zip(self.array, self.invalid, strict=True)]

    def standardized(self, statistics: Statistics) -> np.ndarray:
        """Standardized frames x, float32 (frames, model bands, y, x), of the times in `coded`."""
        x = np.empty((len(self.coded), len(statistics.mean), *self.array.shape[2:]), np.float32)
        for frame, part in zip(self.filled, x, strict=True):
            _standardize(frame, self.header, statistics, part)
        return x


def gather(array: np.ndarray, settings: Settings) -> Gathered:
    """Everything that encoding does before it needs a quality. `array` (time, band, y, x) is not changed."""
    header = make_header(array.shape, array.dtype, settings)
    dn = [to_dn(frame, header) for frame in array]
    invalid = np.stack([_invalid(frame, numbers, header) for frame, numbers in zip(array, dn, strict=True)])
    coded = [t for t, missing in enumerate(invalid) if not missing.all()]
    filled = _filled([dn[t] for t in coded], [~invalid[t] for t in coded]) if coded else []
    return Gathered(header, array, invalid, coded, filled)


def _filled(frames: list[np.ndarray], valid: list[np.ndarray]) -> list[np.ndarray]:
    """Frames with gaps filled; a band without any valid sample in a frame takes its mean over the others, or 0."""
    counts = np.sum([v.sum((1, 2)) for v in valid], axis=0)
    masked = [np.where(v, f, 0).sum((1, 2), dtype=np.float64) for f, v in zip(frames, valid, strict=True)]
    means = np.sum(masked, axis=0) / np.maximum(counts, 1)
    out = []
    for frame, known in zip(frames, valid, strict=True):
        bands = [_filled_band(*band) for band in zip(frame, known, means, strict=True)]
        out.append(np.stack(bands))
    return out


def _filled_band(plane: np.ndarray, known: np.ndarray, default: float) -> np.ndarray:
    """A band (y, x) with gaps filled: on its own grid where it repeats its samples 2 x 2, so that it still does."""
    if known.all():
        return plane
    kind = int(find_kinds(plane[None], known[None])[0])
    if not kind:
        return fill(plane, known, default)
    values, seen = cell_values(plane, known, kind)
    return repeat_cells(fill(values, seen, default), plane.shape, kind)


def _invalid(frame: np.ndarray, dn: np.ndarray, header: Header) -> np.ndarray:
    invalid = ~(np.abs(dn) <= MAX_DN) if header.is_float else np.zeros(frame.shape, bool)
    if header.nodata:
        invalid |= frame == np.frombuffer(header.nodata, header.dtype)[0]
    return invalid


def _indices(header: Header) -> list[int]:
    return list(header.bands if header.bands is not None else range(header.shape[1]))


def _standardize(filled: np.ndarray, header: Header, statistics: Statistics, out: np.ndarray) -> None:
    """Fill model bands `out` (bands, y, x) from a frame's own; those that are missing are predicted from the others."""
    present = _indices(header)
    mean, std = (v[present, None, None] for v in (statistics.mean, statistics.std))
    known = (filled - mean) / std
    out[present] = known
    missing = [i for i in range(len(out)) if i not in present]
    if missing:
        out[missing] = predict_bands(known, present, missing, statistics)


def predict_bands(known: np.ndarray, present: list[int], missing: list[int], statistics: Statistics) -> np.ndarray:
    """Missing bands (missing, y, x) as the best linear guess from the standardized ones present, each as smooth as its
    own ground sampling distance would make it."""
    center, covariance = statistics.center, statistics.covariance.astype(np.float64)
    inner = covariance[np.ix_(present, present)] + RIDGE * np.eye(len(present))
    predict = np.linalg.solve(inner, covariance[np.ix_(present, missing)]).T.astype(np.float32)
    residual = (known - center[present, None, None]).reshape(len(present), -1)
    guess = center[missing, None, None] + (predict @ residual).reshape(-1, *known.shape[1:])
    return np.stack([_box(g, NATIVE_METERS[L2A[i]] // 10) for g, i in zip(guess, missing, strict=True)])


def _box(plane: np.ndarray, side: int) -> np.ndarray:
    """Mean over `side` x `side` samples about each one; the border repeats."""
    for axis in (0, 1):
        pad = [(side // 2 + 1, (side - 1) // 2) if i == axis else (0, 0) for i in (0, 1)]
        total = np.pad(plane, pad, mode="edge").cumsum(axis, dtype=np.float64)
        ends = total.take(range(side, total.shape[axis]), axis)
        plane = ((ends - total.take(range(total.shape[axis] - side), axis)) / side).astype(np.float32)
    return plane


def reconstructed_dn(x_hat: np.ndarray, header: Header, statistics: Statistics) -> np.ndarray:
    """DN without offset, (bands, y, x), of a reconstructed frame x_hat (model bands, y, x)."""
    present = _indices(header)
    mean, std = (v[present, None, None] for v in (statistics.mean, statistics.std))
    return x_hat[present] * std + mean


def restore(reconstructed: Iterable[np.ndarray], frames: list[Frame], header: Header) -> np.ndarray:
    """The array of a chunk from DN without offset, (band, y, x) each, of the frames that were coded.

    Raises DamagedChunkError where validity or residual do not fit.
    """
    out = np.zeros(header.shape, header.dtype)
    remaining = iter(reconstructed)
    past = None
    for frame, values in zip(frames, out, strict=True):
        dn = None
        if frame.coded is not None:
            dn = next(remaining)
            values[:] = off_nodata(from_dn(dn, header), header)
        invalid = decode_validity(frame.validity, values)
        if frame.residual:
            past = decode_residual(frame.residual, values, dn, invalid, past, header)
    return out
