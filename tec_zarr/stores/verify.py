"""Every chunk of a store decoded, to find damaged ones."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import zarr

from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.stores import sizes
from tec_zarr.stores.opened import open_stored

AHEAD = 2
"""Chunks a thread that are decoded, or wait for it, at a time."""


@dataclasses.dataclass(frozen=True)
class Verified:
    """A chunk: its array, its place among chunks, the samples that it holds along each dim, its
    size when decoded, and what is wrong with it (None: nothing)."""

    array: str
    place: tuple[int, ...]
    samples: str
    raw_bytes: int
    damage: str | None


def arrays_of(store: Any) -> dict[str, zarr.Array]:
    """All arrays of a store by their names.

    Raises InvalidInputError where there are none.
    """
    arrays = sizes.arrays_of(open_stored(store))
    if not arrays:
        raise InvalidInputError(f"{store} holds no arrays")
    return arrays


def verified_chunks(arrays: Mapping[str, zarr.Array]) -> Iterator[Verified]:
    """Decode all chunks, with a thread a core, and tell of each what became of it, in order.

    Chunks that are not stored count as whole: Zarr leaves out those of nothing but the fill value.

    Raises WeightsError where the weights of an array are not on this machine.
    """
    work = ((name, place) for name in arrays for place in _places(arrays[name]))
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:

        def begin(item: tuple[str, tuple[int, ...]]) -> Future[Verified]:
            name, place = item
            return pool.submit(_verify, name, arrays[name], place)

        waiting = [begin(item) for item in itertools.islice(work, AHEAD * workers)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [begin(item) for item in itertools.islice(work, 1)]


def _places(array: zarr.Array) -> Iterator[tuple[int, ...]]:
    counts = []
    for length, step in zip(array.shape, array.chunks, strict=True):
        counts.append(range(-(-length // step)))
    return itertools.product(*counts)


def _verify(name: str, array: zarr.Array, place: tuple[int, ...]) -> Verified:
    window = []
    for index, step, length in zip(place, array.chunks, array.shape, strict=True):
        window.append(slice(index * step, min((index + 1) * step, length)))
    pairs = zip(_dims(array), window, strict=True)
    samples = ", ".join(f"{dim} {part.start}:{part.stop}" for dim, part in pairs)
    damage = None
    raw = 0
    try:
        raw = array[tuple(window)].nbytes
    except WeightsError:
        raise
    except Exception as error:
        # Bytes can be damaged in every way, and each codec has errors of its own.
        damage = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Verified(name, place, samples, raw, damage)


def _dims(array: zarr.Array) -> tuple[str, ...]:
    """Names of dims, of either format; numbers where there are none."""
    named = getattr(array.metadata, "dimension_names", None)
    if named is None:
        named = array.attrs.get("_ARRAY_DIMENSIONS")
    if named is None:
        named = [f"axis {axis}" for axis in range(array.ndim)]
    return tuple(map(str, named))
