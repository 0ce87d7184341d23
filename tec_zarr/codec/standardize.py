"""DN to the standardized bands that published models know, and back."""

from __future__ import annotations

import numpy as np

from tec_zarr.bitstream.header import Header
from tec_zarr.codec.samples import Gathered
from tec_zarr.models.bands import L2A, NATIVE_METERS
from tec_zarr.models.published.statistics import Statistics

RIDGE = 0.01
"""Noise variance that the prediction of missing bands expects in standardized bands."""


def standardized(gathered: Gathered, statistics: Statistics) -> np.ndarray:
    """Standardized frames, float32 (frames, model bands, y, x), of the times that are coded."""
    size = gathered.array.shape[2:]
    x = np.empty((len(gathered.coded), len(statistics.mean), *size), np.float32)
    for filled, out in zip(gathered.filled, x, strict=True):
        standardize(filled, gathered.header, statistics, out)
    return x


def model_bands(header: Header) -> list[int]:
    """Where a chunk's bands stand among the model's."""
    return list(header.bands if header.bands is not None else range(header.shape[1]))


def standardize(
    filled: np.ndarray, header: Header, statistics: Statistics, out: np.ndarray
) -> None:
    """Fill model bands `out` (bands, y, x) from a frame's own; those that are missing are
    predicted from the others."""
    present = model_bands(header)
    mean, std = (v[present, None, None] for v in (statistics.mean, statistics.std))
    known = (filled - mean) / std
    out[present] = known
    missing = [i for i in range(len(out)) if i not in present]
    if missing:
        out[missing] = predict_bands(known, present, missing, statistics)


def predict_bands(
    known: np.ndarray, present: list[int], missing: list[int], statistics: Statistics
) -> np.ndarray:
    """Missing bands (missing, y, x) as the best linear guess from the standardized ones present,
    each as smooth as its own ground sampling distance would make it."""
    center = statistics.center
    covariance = statistics.covariance.astype(np.float64)
    inner = covariance[np.ix_(present, present)] + RIDGE * np.eye(len(present))
    predict = np.linalg.solve(inner, covariance[np.ix_(present, missing)]).T.astype(np.float32)
    residual = (known - center[present, None, None]).reshape(len(present), -1)
    guess = center[missing, None, None] + (predict @ residual).reshape(-1, *known.shape[1:])
    return np.stack(
        [_box(g, NATIVE_METERS[L2A[i]] // 10) for g, i in zip(guess, missing, strict=True)]
    )


def _box(plane: np.ndarray, side: int) -> np.ndarray:
    """Mean over `side` x `side` samples about each one; the border repeats."""
    for axis in (0, 1):
        pad = [(side // 2 + 1, (side - 1) // 2) if i == axis else (0, 0) for i in (0, 1)]
        total = np.pad(plane, pad, mode="edge").cumsum(axis, dtype=np.float64)
        ends = total.take(range(side, total.shape[axis]), axis)
        plane = ((ends - total.take(range(total.shape[axis] - side), axis)) / side).astype(
            np.float32
        )
    return plane


def reconstructed_dn(x_hat: np.ndarray, header: Header, statistics: Statistics) -> np.ndarray:
    """DN without offset, (bands, y, x), of a reconstructed frame x_hat (model bands, y, x)."""
    present = model_bands(header)
    mean, std = (v[present, None, None] for v in (statistics.mean, statistics.std))
    return x_hat[present] * std + mean
