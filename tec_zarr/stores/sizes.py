"""What arrays of a store take, one by one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import zarr
from zarr.core.sync import sync

AT_ONCE = 64
"""Chunks that are asked for at the same time."""


def arrays_of(group: zarr.Group) -> dict[str, zarr.Array]:
    """All arrays of a group and of the groups in it, by path."""
    found = {}
    for name, member in group.members(max_depth=None):
        if isinstance(member, zarr.Array):
            found[name] = member
    return dict(sorted(found.items()))


def places_of(array: zarr.Array) -> Iterator[list[tuple[int, ...]]]:
    """Places of what is stored as one piece, chunks or shards, `AT_ONCE` at a time."""
    piece = array.shards or array.chunks
    counts = []
    for length, step in zip(array.shape, piece, strict=True):
        counts.append(math.ceil(length / step))
    places = list(np.ndindex(*counts))
    for first in range(0, len(places), AT_ONCE):
        yield places[first : first + AT_ONCE]


def stored_bytes(array: zarr.Array) -> int:
    """Bytes of an array's chunks or shards; its metadata do not count."""
    total = 0
    for places in places_of(array):
        keys = [array.metadata.encode_chunk_key(place) for place in places]
        total += sum(_sizes(array, keys))
    return total


def _sizes(array: zarr.Array, keys: Sequence[str]) -> list[int]:
    """Bytes under each key, all asked for at once; 0 where there is nothing."""

    async def size(key: str) -> int:
        try:
            return await array.store.getsize(f"{array.store_path.path}/{key}".lstrip("/"))
        except FileNotFoundError:
            return 0

    async def sizes() -> list[int]:
        return await asyncio.gather(*(size(key) for key in keys))

    return sync(sizes())


def codec_of(array: zarr.Array) -> str | None:
    """The names of what makes an array smaller, joined; None where nothing does."""
    names = []
    for codec in (array.serializer, *array.filters, *array.compressors):
        name = _name(codec)
        if name not in (None, "bytes", "vlen-utf8", "vlen-bytes"):
            names.append(name)
    return " + ".join(names) or None


def _name(codec: Any) -> str | None:
    if codec is None:
        return None
    if hasattr(codec, "codec_id"):  # of numcodecs, as format 2 has them
        return str(codec.codec_id)
    return str(codec.to_dict()["name"])
