"""Products of small matrices over bands with many samples, on the calling thread alone.

Chunks are coded by many threads at once; a library that divides such products among threads of
its own makes them all wait for each other.
"""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.compiling import compile_with
from tec_zarr.transform.lapped import fused

BLOCK = 1024
"""Samples at a time, so that those of all bands stay in the cache. Loops go over slices of them:
numba makes vectors only of indices that it knows are not negative."""

# What an encoder alone computes may be summed in any order.
reordered = compile_with(fastmath=True)


@fused
def _mix(matrix, samples, out):
    for first in range(0, samples.shape[1], BLOCK):
        last = min(first + BLOCK, samples.shape[1])
        for row in range(matrix.shape[0]):
            sums = out[row, first:last]
            sums[:] = 0
            for band in range(matrix.shape[1]):
                weight = matrix[row, band]
                added = samples[band, first:last]
                for i in range(len(sums)):
                    sums[i] += weight * added[i]


def mix(matrix: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """`matrix` (C, B) times `samples` (B, n), float32 (C, n)."""
    out = np.empty((len(matrix), samples.shape[1]), np.float32)
    _mix(np.ascontiguousarray(matrix, np.float32), np.ascontiguousarray(samples, np.float32), out)
    return out


@reordered
def _gram(samples, out):
    bands, count = samples.shape
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        for one in range(bands):
            left = samples[one, first:last]
            for other in range(one, bands):
                right = samples[other, first:last]
                total = np.float32(0)
                for i in range(len(left)):
                    total += left[i] * right[i]
                out[one, other] += total
    for one in range(bands):
        for other in range(one):
            out[one, other] = out[other, one]


def gram(samples: np.ndarray) -> np.ndarray:
    """Sums of products of the rows of `samples` float32 (B, n): float64 (B, B)."""
    out = np.zeros((len(samples), len(samples)))
    _gram(np.ascontiguousarray(samples, np.float32), out)
    return out
