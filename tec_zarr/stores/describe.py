"""What is in a store: sizes, settings, and of each chunk what its header says."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from tec_zarr.stores.opened import open_stored
from tec_zarr.stores.sizes import arrays_of, codec_of, places_of, stored_bytes

FRONT_BYTES = 512
"""Of a chunk that are read to describe it: more than header and directory of 30 dates have."""


def describe_store(
    store: Any,
    name: str | None = None,
    *,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a stored array has become, and what else its store holds. See `tec_zarr.info`."""
    return describe_group(open_stored(store, group, storage_options), name)


def describe_group(group: zarr.Group, name: str | None = None) -> dict[str, Any]:
    """The same of a group that is open."""
    arrays = arrays_of(group)
    name = _chosen(arrays, name, group)
    array = arrays[name]
    settings = settings_of(array)
    listed = {path: _listed(one) for path, one in arrays.items()}
    size = listed[name]["bytes"]
    samples = math.prod(array.shape)
    raw = sum(one["raw_bytes"] for one in listed.values())
    stored = sum(one["bytes"] for one in listed.values())
    return {
        **settings.to_dict(),
        "name": name,
        "shape": array.shape,
        "dtype": str(array.dtype),
        "chunk_shape": array.chunks,
        "bytes": size,
        "ratio": _ratio(listed[name]["raw_bytes"], size),
        "bppb": metrics.bppb(size, samples),
        "settings": settings.to_dict(),
        "chunks": [] if array.shards else list(_stored_chunks(array)),
        "arrays": listed,
        "beside": [path for path, one in arrays.items() if _is_beside(one)],
        "total": {"raw_bytes": raw, "bytes": stored, "ratio": _ratio(raw, stored)},
    }


def _chosen(arrays: Mapping[str, zarr.Array], name: str | None, group: zarr.Group) -> str:
    """The array that is meant: the one asked for, else the one that tec_zarr wrote, of several
    the cube."""
    ours = [path for path, array in arrays.items() if is_ours(array)]
    if name is not None and name not in arrays:
        raise InvalidInputError(
            f"{group.store_path} has no array {name!r}; it has {', '.join(arrays) or 'none'}"
        )
    if name is not None:
        return name
    if not ours:
        raise InvalidInputError(
            f"{group.store_path} holds nothing that was written with tec_zarr; its arrays are "
            f"{', '.join(arrays) or 'none'}"
        )
    if len(ours) > 1 and NAME not in ours:
        raise InvalidInputError(
            f"{group.store_path} has several arrays that were written with tec_zarr: say which "
            f"one with name=, of {', '.join(ours)}"
        )
    return NAME if NAME in ours else ours[0]


def _listed(array: zarr.Array) -> dict[str, Any]:
    """An array in short."""
    return {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "codec": codec_of(array),
        "raw_bytes": array.nbytes,
        "bytes": stored_bytes(array),
    }


def _is_beside(array: zarr.Array) -> bool:
    """Whether these are rasters, and not by tec_zarr."""
    return not is_ours(array) and len(array.shape) >= 2


def _ratio(raw: int, stored: int) -> float:
    return raw / stored if stored else math.inf


def settings_of(array: zarr.Array) -> Settings:
    """What an array is coded with; raises InvalidInputError where it is not by tec_zarr."""
    codec = _codec(array)
    if codec is None:
        raise InvalidInputError(
            f"{array.basename} was not written with tec_zarr; its codec is {codec_of(array)}"
        )
    return codec.settings


def is_ours(array: zarr.Array) -> bool:
    """Whether tec_zarr wrote an array."""
    return _codec(array) is not None


def _codec(array: zarr.Array) -> Any:
    """The codec of tec_zarr that an array has; None where it has none."""
    for codec in (array.serializer, *array.compressors):
        if hasattr(codec, "settings"):
            return codec
    return None


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
    for places in places_of(array):
        keys = [array.metadata.encode_chunk_key(place) for place in places]
        fronts = _read(array, keys, FRONT_BYTES)
        for place, key, front in zip(places, keys, fronts, strict=True):
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
