"""A cube as users hold it to standardized frames, and back: dtype, radiometry, bands, nodata. Plain arrays, no torch.

array (time, band, y, x)  ->  DN without offset, valid  ->  filled  ->  standardized, missing bands predicted  ->  x
x_hat  ->  DN  ->  the array's own numbers  ->  invalid samples restored  ->  array
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.bitstream.header import Header
from tec_zarr.codec.fill import fill
from tec_zarr.codec.layout import make_header
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.validity import decode_validity, encode_validity
from tec_zarr.models.bands import L2A, NATIVE_METERS

MAX_DN = 100_000.0
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
class Prepared:
    """Standardized frames x, float32 (frames, model bands, y, x), of the times in `coded`; a validity section a time."""

    header: Header
    x: np.ndarray
    coded: list[int]
    validity: list[bytes]


def prepare(array: np.ndarray, settings: Settings, statistics: Statistics) -> Prepared:
    """Everything that encoding does before the network. `array` (time, band, y, x) is not changed."""
    header = make_header(array.shape, array.dtype, settings)
    validity, coded, frames = [], [], []
    for t, frame in enumerate(array):
        dn = to_dn(frame, header)
        invalid = _invalid(frame, dn, header)
        validity.append(encode_validity(frame, invalid))
        if not invalid.all():
            coded.append(t)
            frames.append(_standardize(dn, ~invalid, header, statistics))
    x = np.stack(frames) if frames else np.empty((0, len(statistics.mean), *array.shape[2:]), np.float32)
    return Prepared(header, x, coded, validity)


def to_dn(values: np.ndarray, header: Header) -> np.ndarray:
    """DN without offset, float32, of an array's own numbers."""
    if header.is_float:
        with np.errstate(over="ignore", invalid="ignore"):
            return (values / header.scale).astype(np.float32)
    return values.astype(np.float32) + np.float32(header.offset_dn)


def from_dn(dn: np.ndarray, header: Header) -> np.ndarray:
    """The array's own numbers of DN without offset, rounded and limited to integer dtypes."""
    dtype = np.dtype(header.dtype)
    if header.is_float:
        return (dn.astype(np.float64) * header.scale).astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(dn - np.float32(header.offset_dn)), limits.min, limits.max).astype(dtype)


def _invalid(frame: np.ndarray, dn: np.ndarray, header: Header) -> np.ndarray:
    invalid = ~(np.abs(dn) <= MAX_DN) if header.is_float else np.zeros(frame.shape, bool)
    if header.nodata:
        invalid |= frame == np.frombuffer(header.nodata, header.dtype)[0]
    return invalid


def _indices(header: Header) -> list[int]:
    return list(header.bands if header.bands is not None else range(len(L2A)))


def _standardize(dn: np.ndarray, valid: np.ndarray, header: Header, statistics: Statistics) -> np.ndarray:
    """Model bands (12, y, x) from a frame's bands; gaps filled, missing bands predicted from those present."""
    present = _indices(header)
    mean, std = (v[present] for v in (statistics.mean, statistics.std))
    filled = np.stack([fill(*band) for band in zip(dn, valid, mean + std * statistics.center[present], strict=True)])
    known = (filled - mean[:, None, None]) / std[:, None, None]
    x = np.empty((len(statistics.mean), *dn.shape[1:]), np.float32)
    x[present] = known
    missing = [i for i in range(len(x)) if i not in present]
    if missing:
        x[missing] = predict_bands(known, present, missing, statistics)
    return x


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


def restore(
    x_hat: np.ndarray, coded: list[int], validity: list[bytes], header: Header, statistics: Statistics
) -> np.ndarray:
    """The array of a chunk from reconstructed frames x_hat (frames, model bands, y, x)."""
    out = np.zeros(header.shape, header.dtype)
    present = _indices(header)
    mean, std = (v[present, None, None] for v in (statistics.mean, statistics.std))
    for t, frame in zip(coded, x_hat, strict=True):
        out[t] = from_dn(frame[present] * std + mean, header)
        if header.nodata:
            _keep_off_nodata(out[t], header)
    for frame, section in zip(out, validity, strict=True):
        decode_validity(section, frame)
    return out


def _keep_off_nodata(frame: np.ndarray, header: Header) -> None:
    """Move reconstructed measurements that fell on the nodata value to its neighbor, in place."""
    nodata = np.frombuffer(header.nodata, header.dtype)[0]
    if header.is_float:
        neighbor = np.nextafter(nodata, np.array(np.inf, frame.dtype))
    else:
        neighbor = nodata - 1 if nodata == np.iinfo(frame.dtype).max else nodata + 1
    frame[frame == nodata] = neighbor
