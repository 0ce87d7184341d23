"""Changes of stores before anything is written: what is there, and what stands in the way."""

from __future__ import annotations

import json

import zarr
from zarr.abc.store import Store
from zarr.core.sync import sync

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.changes import Change
from tec_zarr.stores.documents import FOUND_BY, consolidated, grids, is_document, is_within, within
from tec_zarr.stores.keys import consolidated_documents, documents_of, keys_of, root_of
from tec_zarr.stores.leftovers import Listed, disagreeing, is_known, of_another_group
from tec_zarr.stores.marks import Mark
from tec_zarr.stores.staging import StagedStore


def new_store(store: Store, name: str, group: str, mode: str) -> Change:
    """What writes a new store, or a group of one; nothing is written yet. `name` is what errors
    call the store.

    Raises FileExistsError where something is in the way.
    """
    return sync(_new_store(store, name, group, mode))


async def _new_store(store: Store, name: str, group: str, mode: str) -> Change:
    here = await documents_of(store, [within(group, name) for name in FOUND_BY])
    mark = await Mark.read(store)
    is_marked = mark is not None and mark.group == group
    root = await root_of(store)
    listed = consolidated(root) or {}
    # A group that the root does not list may be of an attempt that was killed.
    is_there = bool(here) and not (group and is_marked and not is_known(group, root, listed))
    what = within(name, group)
    if is_there and mode == "w-":
        raise FileExistsError(
            f'{what} is there already; mode="w" replaces it, append() adds dates to it'
        )
    before = set()
    async for key in keys_of(store, group):
        if not (is_there or is_marked):
            raise FileExistsError(
                f"{what} is no Zarr store, but {key!r} is there, and nothing else is replaced: "
                "choose another place, or remove it yourself"
            )
        before.add(key)
    others = await of_another_group(store, mark, group, root, listed)
    if not is_there:
        staged = StagedStore(store, begins_at=group)
        await _set_right(staged, mark, listed)
        return Change(staged, group, root, set(), [*before, *others])
    documents = {}
    for key, data in (await documents_of(store, filter(is_document, before))).items():
        documents[key] = json.loads(data)
    # Where an append was killed, the root knows how many dates readers see.
    documents |= {key: known for key, known in listed.items() if is_within(key, group)}
    staged = StagedStore(store, begins_at=group, visible=grids(documents))
    await _set_right(staged, mark, listed)
    return Change(staged, group, root, before, others)


async def _set_right(staged: StagedStore, mark: Mark | None, listed: Listed) -> None:
    """Let arrays beside a new group be as the root says, where an append was killed: the root is
    written anew, and would go by the arrays."""
    if mark is None:
        return
    right, _ = await disagreeing(staged._store, listed)
    for key, document in right.items():
        if not is_within(key, staged.begins_at or ""):
            staged.waiting[key] = document


def key_encoding(change: Change, zarr_format: int) -> dict[str, str] | None:
    """How chunks of a new store are named so that none is one of the store that it replaces; None
    for Zarr's own way."""
    visible = change.staged.visible
    if zarr_format == 2:
        # Chunks of one dim have one name either way: they wait.
        is_nested = any(grid.separator == "/" for grid in visible if len(grid.counts) > 1)
        return {"name": "v2", "separator": "." if is_nested else "/"} if visible else None
    if any(grid.prefix.endswith(("c", "c/", "c.")) for grid in visible):
        return {"name": "v2", "separator": "/"}
    return None


def grown_store(store: Store, name: str, group: str) -> Change:
    """What appends to a store; nothing is written yet.

    Raises FileNotFoundError where there is none, InvalidInputError where its arrays have other
    shapes than its root says, and no append that was killed is the reason.
    """
    return sync(_grown_store(store, name, group))


async def _grown_store(store: Store, name: str, group: str) -> Change:
    root = await root_of(store)
    if not root:
        raise FileNotFoundError(f"{name}: no Zarr store is there; to_zarr() begins one")
    staged = StagedStore(store)
    listed = consolidated(root)
    if listed is None:
        return Change(staged, group, root, None)
    staged.visible = grids(listed)
    right, differ = await disagreeing(store, listed)
    staged.waiting |= right
    mark = await Mark.read(store)
    if differ and mark is None:
        raise InvalidInputError(
            f"{name}: the consolidated metadata of the root are not those of the arrays: {differ}. "
            "Where the arrays are right, call zarr.consolidate_metadata() on the store first"
        )
    others = await of_another_group(store, mark, group, root, listed)
    return Change(staged, group, root, None, others)


def consolidate_first(change: Change) -> None:
    """Let one document say what readers see, in a store whose root says nothing of it."""
    store = change.staged._store
    if consolidated_documents(store) is None:
        zarr.consolidate_metadata(store)
    change.staged.visible = grids(consolidated_documents(store) or {})
