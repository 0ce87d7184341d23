"""Parts of a lazy array, of which nothing is read twice."""

from __future__ import annotations

import itertools
from typing import Any

import dask
import dask.array
import numpy as np
import xarray as xr

MOST_KEPT = 1 << 30
"""Bytes of an array's blocks, and of parts of it, that are kept."""


class Parts:
    """Reads parts of an array, and keeps them and the blocks of Dask that they lie in, as far as
    memory is to be spent on them."""

    def __init__(self, array: xr.DataArray):
        self._array = array
        self._blocks = _Kept()
        self._parts = _Kept()

    def read(self, place: tuple[slice, ...]) -> np.ndarray:
        """The values at a place, which must not be changed."""
        key = tuple((part.start, part.stop) for part in place)
        part = self._parts.get(key)
        if part is None:
            part = np.ascontiguousarray(self._read_anew(place))
            self._parts.keep(key, part)
        return part

    def _read_anew(self, place: tuple[slice, ...]) -> np.ndarray:
        lazy = self._array.data
        if not isinstance(lazy, dask.array.Array):
            return self._array[place].values
        blocks = {}
        missing = []
        for index in _blocks_of(lazy, place):
            block = self._blocks.get(index)
            if block is None:
                missing.append(index)
            else:
                blocks[index] = block
        found = dask.compute(*(lazy.blocks[index] for index in missing))
        for index, block in zip(missing, found, strict=True):
            blocks[index] = block
            self._blocks.keep(index, block)
        graph = {(lazy.name, *index): block for index, block in blocks.items()}
        known = dask.array.Array(graph, lazy.name, lazy.chunks, lazy.dtype)
        return known[place].compute(scheduler="synchronous")


def _blocks_of(lazy: dask.array.Array, place: tuple[slice, ...]) -> list[tuple[int, ...]]:
    """Numbers of the blocks that a place touches."""
    touched = []
    for lengths, part in zip(lazy.chunks, place, strict=True):
        ends = np.cumsum(lengths)
        starts = ends - lengths
        touched.append(np.flatnonzero((starts < part.stop) & (ends > part.start)).tolist())
    return list(itertools.product(*touched))


class _Kept:
    """Arrays by key, the oldest of which go where they are too many."""

    def __init__(self) -> None:
        self._arrays: dict[Any, np.ndarray] = {}
        self._bytes = 0

    def get(self, key: Any) -> np.ndarray | None:
        return self._arrays.get(key)

    def keep(self, key: Any, array: np.ndarray) -> None:
        self._arrays[key] = array
        self._bytes += array.nbytes
        while self._bytes > MOST_KEPT:
            oldest = next(iter(self._arrays))
            self._bytes -= self._arrays.pop(oldest).nbytes
