"""Weights in the folder of the array that needs them, `.tec/<SHA-256>.safetensors`, for archives
that must decode alone.

A codec sees chunks and not their store, so weights do not load from there by themselves:
`install_weights` puts them into the cache folder, where codecs look for what is not shipped. A
store's word is not taken for them: a file must have the hash that the codec's settings name,
which every chunk repeats, and it is read without running any code.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import zarr
from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import registry
from tec_zarr.plugins.v2 import TerraCodec
from tec_zarr.plugins.v3 import NAME as SERIALIZER
from tec_zarr.stores.places import is_session


def keep_weights(store: Any, name: str = NAME) -> str:
    """Write the weights of an array into its store, which must not be read-only; gives the key that
    holds them.

    Raises InvalidInputError where the array was not written with tec_zarr, or the store is one of
    Icechunk, WeightsError where they are not on this machine.
    """
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    if is_session(group.store):
        raise InvalidInputError(
            "a store of Icechunk takes no other keys than those of Zarr: keep the file of weights "
            "that `tec-zarr models list` names beside the repository"
        )
    model, sha256 = _weights_of(group, name)
    entry = registry.find(model, sha256)
    buffer = default_buffer_prototype().buffer.from_bytes(entry.read())
    key = _key(group, name, entry.sha256)
    sync(group.store.set(key, buffer))
    return key


def install_weights(store: Any, name: str = NAME) -> registry.Entry:
    """Put the weights that an array's store holds into the cache folder, so that the array can be
    read.

    Raises InvalidInputError where the array was not written with tec_zarr, WeightsError where
    the store holds no weights or others than the array names.
    """
    group = zarr.open_group(store, mode="r", use_consolidated=False)
    model, sha256 = _weights_of(group, name)
    data = _read(group.store, _key(group, name, sha256))
    if data is None:
        raise WeightsError(
            f"{name} holds no weights {sha256}; write them with `tec-zarr models keep` where they "
            "are known"
        )
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise WeightsError(
            f"the weights that {name} holds as {sha256} are {actual}: they were changed or cut"
        )
    registry.cache(model, sha256, data)
    return registry.find(model, sha256)


def _weights_of(group: zarr.Group, name: str) -> tuple[str, str]:
    """Model and hash that an array's metadata name; read as JSON, because the codec cannot be
    made without its weights."""
    for document in (".zarray", "zarr.json"):
        if (data := _read(group.store, _path(group, name, document))) is not None:
            fields = json.loads(data)
            listed = [
                fields.get("compressor"),
                *(fields.get("filters") or ()),
                *fields.get("codecs", ()),
            ]
            for codec in filter(None, listed):
                if codec.get("id") == TerraCodec.codec_id:
                    return codec["model"], codec["weights"]
                if codec.get("name") == SERIALIZER:
                    return codec["configuration"]["model"], codec["configuration"]["weights"]
    raise InvalidInputError(f"{name!r} of {group.store} is no array that was written with tec_zarr")


def _key(group: zarr.Group, name: str, sha256: str) -> str:
    return _path(group, name, f".tec/{sha256}.safetensors")


def _path(group: zarr.Group, *parts: str) -> str:
    return "/".join(filter(None, (group.path, *parts)))


def _read(store: Store, key: str) -> bytes | None:
    found = sync(store.get(key, default_buffer_prototype()))
    return None if found is None else found.to_bytes()
