"""What a write that was killed left in a store: arrays that name more dates than readers see, and
chunks of a group that nobody finds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype

from tec_zarr.stores.documents import is_within, shapes
from tec_zarr.stores.keys import documents_of, keys_of
from tec_zarr.stores.marks import Mark

Listed = Mapping[str, Mapping[str, Any]]
"""What the root says of all below it, by key."""


async def disagreeing(store: Store, listed: Listed) -> tuple[dict[str, Buffer], str]:
    """Documents of arrays as the root has them, where the arrays have others, by key; and in words
    how they differ."""
    told = shapes(listed)
    right = {}
    differ = []
    for key, data in (await documents_of(store, told)).items():
        found = json.loads(data).get("shape")
        if found != told[key]:
            differ.append(f"{found} in {key}, {told[key]} in the root")
            text = json.dumps(listed[key]).encode()
            right[key] = default_buffer_prototype().buffer.from_bytes(text)
    return right, "; ".join(differ)


def is_known(group: str, root: Mapping[str, bytes], listed: Listed) -> bool:
    """Whether the root lists a group, or lists nothing."""
    return any(is_within(key, group) for key in listed) or bool(root and not listed)


async def of_another_group(
    store: Store, mark: Mark | None, group: str, root: Mapping[str, bytes], listed: Listed
) -> list[str]:
    """Keys of the group that a mark names, where it is not `group` and nobody finds it: who writes
    next puts a mark of its own there, and then nothing would tell of them."""
    if mark is None or not mark.group or mark.group == group or is_known(mark.group, root, listed):
        return []
    found = []
    async for key in keys_of(store, mark.group):
        if not (group and is_within(key, group)):
            found.append(key)
    return found
