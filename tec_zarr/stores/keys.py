"""Keys and documents that a store holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from tec_zarr.stores.documents import FOUND_BY, ROOTS, consolidated
from tec_zarr.stores.marks import MARK

AT_ONCE = 32
"""Keys that are read or deleted at the same time."""


async def documents_of(store: Store, keys: Iterable[str]) -> dict[str, bytes]:
    """What lies under some keys; those that are not there are left out."""
    wanted = list(keys)
    prototype = default_buffer_prototype()
    found = {}
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        values = await asyncio.gather(*(store.get(key, prototype) for key in some))
        for key, value in zip(some, values, strict=True):
            if value is not None:
                found[key] = value.to_bytes()
    return found


async def keys_of(store: Store, group: str | None) -> AsyncIterator[str]:
    """All keys of a store, or of a group in one, but the mark."""
    async for key in store.list_prefix(f"{group}/" if group else ""):
        if key != MARK:
            yield key


async def root_of(store: Store) -> dict[str, bytes]:
    """Documents of the root, where readers find one."""
    found = await documents_of(store, ROOTS)
    return found if set(found).intersection(FOUND_BY) else {}


def consolidated_documents(store: Store) -> dict[str, dict[str, Any]] | None:
    """What the root of a store says of all below it, by key; None where it says nothing or there
    is none."""
    return consolidated(sync(root_of(store)))


async def delete_keys(store: Store, keys: Iterable[str]) -> None:
    """Take away what lies under some keys."""
    wanted = list(keys)
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        await asyncio.gather(*(store.delete(key) for key in some))
