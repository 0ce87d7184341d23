"""What is in a store: sizes, settings, and of each chunk what its header says."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync

from tec_zarr.bitstream import container
from tec_zarr.bitstream.header import Base, Header
from tec_zarr.codec import metrics
from tec_zarr.codec.settings import Settings
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError

FRONT_BYTES = 512
"""Of a chunk that are read to describe it: more than header and directory of 30 dates have."""

AT_ONCE = 64
"""Chunks that are read at the same time."""


def describe_store(store: Any, name: str = NAME) -> dict[str, Any]:
    """What a stored array has become. See `ds.tec.info`."""
    array = zarr.open_group(store, mode="r")[name]
    settings = settings_of(array)
    if array.shards:
        chunks = []
        size = _bytes_in_shards(array)
    else:
        chunks = list(_stored_chunks(array))
        size = sum(chunk["bytes"] for chunk in chunks)
    samples = math.prod(array.shape)
    return {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "chunk_shape": array.chunks,
        "bytes": size,
        "ratio": samples * array.dtype.itemsize / size if size else math.inf,
        "bppb": metrics.bppb(size, samples),
        **settings.to_dict(),
        "chunks": chunks,
    }


def settings_of(array: zarr.Array) -> Settings:
    """What an array is coded with; raises InvalidInputError where it is not by tec_zarr."""
    for codec in (array.serializer, *array.compressors):
        if hasattr(codec, "settings"):
            return codec.settings
    raise InvalidInputError(
        f"{array.basename} was not written with tec_zarr; its codecs are {array.metadata.to_dict()}"
    )


def _bytes_in_shards(array: zarr.Array) -> int:
    """What is stored but metadata and weights."""
    weights = sync(array.store.getsize_prefix(f"{array.store_path.path}/.tec"))
    [metadata] = _read(array, ["zarr.json"], None)
    return array.nbytes_stored() - weights - len(metadata or b"")


def _read(array: zarr.Array, keys: Sequence[str], most: int | None) -> list[bytes | None]:
    """The first `most` bytes (None: all) under each key, all asked for at once; None where there
    is nothing."""
    wanted = None if most is None else RangeByteRequest(0, most)
    prototype = default_buffer_prototype()

    async def read() -> list[Buffer | None]:
        return await asyncio.gather(
            *((array.store_path / key).get(prototype, wanted) for key in keys)
        )

    return [None if found is None else found.to_bytes() for found in sync(read())]


def _stored_chunks(array: zarr.Array) -> Iterator[dict[str, Any]]:
    places = list(np.ndindex(*array.cdata_shape))
    for first in range(0, len(places), AT_ONCE):
        some = places[first : first + AT_ONCE]
        keys = [array.metadata.encode_chunk_key(place) for place in some]
        fronts = _read(array, keys, FRONT_BYTES)
        for place, key, front in zip(some, keys, fronts, strict=True):
            if front is None:
                continue
            length = container.front_bytes(front)
            if length > len(front):
                [front] = _read(array, [key], length)  # noqa: PLW2901
            yield {"place": place, **_described(front)}


def _described(front: bytes) -> dict[str, Any]:
    parsed = container.parse_front(front)
    header = parsed.header
    return {
        "bytes": parsed.size,
        "quality": header.quality if _has_learned_layer(header) else None,
        "target_met": None if header.target is None else header.target.met,
    }


def _has_learned_layer(header: Header) -> bool:
    if header.bounds is None:
        return True
    return any(bound.base in (Base.NONE, Base.LEARNED) for bound in header.bounds)
