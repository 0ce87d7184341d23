"""Samples that say nothing by themselves and cost nothing to keep: those that were never written,
what pads an array at its edge, and bands that hold one value.

They come back bit for bit and count in no target.
"""

from __future__ import annotations

import numpy as np


def without_content(array: np.ndarray, absent: np.ndarray | None) -> np.ndarray:
    """Which samples of `array` (time, band, y, x) these are, bool alike; `absent` were never
    written."""
    empty = _margins(array) if absent is None else absent.copy()
    for date, known in zip(array, empty, strict=True):
        known[_flat(date, known)] = True
    return empty


def used_dates(array: np.ndarray) -> int:
    """How many dates of `array` (time, band, y, x) come before those that hold its very last value
    and nothing else; at least 1."""
    last = _bits(array[-1:, -1:, -1:, -1:])[0, 0, 0, 0]
    count = len(array)
    while count > 1 and (_bits(array[count - 1]) == last).all():
        count -= 1
    return count


def _margins(array: np.ndarray) -> np.ndarray:
    """The last dates, rows and columns, those that hold the very last value and nothing else: at
    the edges of an array Zarr pads chunks with one value, and a codec is not told where."""
    last = _bits(array[-1:, -1:, -1:, -1:])[0, 0, 0, 0]
    differs = _bits(array) != last
    out = np.zeros(array.shape, bool)
    for axis in (0, 2, 3):
        others = tuple(i for i in range(4) if i != axis)
        used = np.flatnonzero(differs.any(axis=others))
        beyond = [slice(None)] * 4
        beyond[axis] = slice(int(used[-1]) + 1 if used.size else 0, None)
        out[tuple(beyond)] = True
    return out


def _bits(array: np.ndarray) -> np.ndarray:
    """Bit patterns, in which NaN equals itself."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _flat(date: np.ndarray, known: np.ndarray) -> list[int]:
    """Bands of a date (band, y, x) whose samples, but those already `known`, have one value."""
    found = []
    for index, (band, skipped) in enumerate(zip(_bits(date), known, strict=True)):
        left = band[~skipped]
        if left.size and left[0] == left[-1] and (left == left[0]).all():
            found.append(index)
    return found
