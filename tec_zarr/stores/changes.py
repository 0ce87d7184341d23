"""Writes and appends that readers see as a whole or not at all, in any store that zarr can write.

Chunks are written first, under keys that no reader looks for. What readers see changes with one
document, that of the root with all metadata: it is written last.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import zarr
from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync

from tec_zarr.errors import InvalidInputError, StoreInUseError
from tec_zarr.stores.documents import (
    FOUND_BY,
    ROOTS,
    Grid,
    consolidated,
    grids,
    in_order,
    is_document,
    is_within,
    within,
)
from tec_zarr.stores.leftovers import (
    AT_ONCE,
    Listed,
    disagreeing,
    documents_of,
    is_known,
    keys_of,
    of_another_group,
)
from tec_zarr.stores.marks import MARK, Mark
from tec_zarr.stores.staging import StagedStore

Result = TypeVar("Result")


class Change:
    """One write into `staged`: `start` it, then `commit` or `undo` it, and `end` it.

    `root` is what the documents of the root were when the change was planned, `before` are the
    keys of what is replaced; `leftovers` are those of a process that was killed.
    """

    def __init__(
        self,
        staged: StagedStore,
        group: str,
        root: Mapping[str, bytes],
        before: set[str] | None,
        leftovers: Iterable[str] = (),
    ):
        self.staged = staged
        self.is_whole = False
        self._mark = Mark.of(group)
        self._root = root
        self._before = before
        self._leftovers = leftovers
        self._is_started = False

    @property
    def _store(self) -> Store:
        return self.staged._store

    @property
    def root_format(self) -> int | None:
        """The format of Zarr of the store; None where there is none."""
        if not self._root:
            return None
        return 3 if "zarr.json" in self._root else 2

    def start(self) -> None:
        """Put a mark there, by which what is left of a process that was killed is known; take away
        what is left of an earlier one, and let arrays be as the root says.

        Raises StoreInUseError where another process or thread writes there, or has written since
        the change was planned.
        """
        finish(self._start())

    async def _start(self) -> None:
        await self._mark.put(self._store)
        if await _root(self._store) != self._root:
            # What is there now is not this write's, and is not to be undone.
            await self._store.delete(MARK)
            raise StoreInUseError(
                f"{self._store}: it was changed while this write was prepared; try again"
            )
        self._is_started = True
        # Now, because the mark that tells of it is this write's from here on.
        for key, document in self.staged.waiting.items():
            await self._store.set(key, document)
        await self._delete(self._leftovers)

    def commit(self) -> None:
        """Show what was written. Where this fails, `undo` leads back."""
        finish(self._commit())

    def undo(self) -> None:
        """Leave what was there before; nothing where all of it is shown already."""
        if self._is_started and not self.is_whole:
            finish(self._undo())

    def end(self) -> None:
        """Let others write."""
        self._mark.forget()

    async def _commit(self) -> None:
        waiting = self.staged.waiting
        before = self._before or set()
        roots = [within(self.staged.begins_at or "", name) for name in ROOTS]
        chunks = [key for key in waiting if not is_document(key)]
        if chunks:
            # Their keys are those of the store that is replaced: for a moment there is none.
            for key in reversed(in_order(before.intersection(roots), self.staged.begins_at or "")):
                await self._put(key, None)
        for key in chunks:
            await self._put(key, waiting[key])
        for key in in_order(filter(is_document, waiting)):
            await self._put(key, waiting[key])
        # Documents of the other format, which readers may prefer.
        for key in before.intersection(roots) - set(waiting):
            await self._put(key, None)
        self.is_whole = True
        shown = await self._grids()
        stale = []
        for key in before - set(waiting):
            if not any(grid.holds(key) for grid in shown):
                stale.append(key)
        await self._delete([*stale, MARK])

    async def _put(self, key: str, value: Buffer | None) -> None:
        saved = self.staged.saved
        there = await self._store.get(key, default_buffer_prototype())
        saved.setdefault(key, there)
        if value is None:
            await self._store.delete(key)
        elif there is None or there.to_bytes() != value.to_bytes():
            await self._store.set(key, value)

    async def _grids(self) -> list[Grid]:
        documents = {}
        for key, value in self.staged.waiting.items():
            if is_document(key):
                documents[key] = json.loads(value.to_bytes())
        return grids(documents)

    async def _undo(self) -> None:
        self.staged.is_closed = True
        while self.staged.in_flight:
            await asyncio.sleep(0.01)
        saved = self.staged.saved
        # What readers go by, first; then what nobody looks for, which makes room on a full disk.
        for key in reversed(in_order(filter(is_document, saved))):
            await self._put_back(key, saved[key])
        await self._delete(await self._written())
        for key, value in saved.items():
            if not is_document(key):
                await self._put_back(key, value)
        await self._store.delete(MARK)

    async def _put_back(self, key: str, value: Buffer | None) -> None:
        if value is None:
            await self._store.delete(key)
            return
        there = await self._store.get(key, default_buffer_prototype())
        if there is None or there.to_bytes() != value.to_bytes():
            await self._store.set(key, value)

    async def _written(self) -> list[str]:
        """Keys that may have been written."""
        written = []
        if self._before is not None:
            async for key in keys_of(self._store, self.staged.begins_at):
                if key not in self._before:
                    written.append(key)
            return written
        for grid in await self._grids():
            written += [key for key in grid.keys() if not self.staged.is_visible(key)]  # noqa: SIM118
        return written

    async def _delete(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            await asyncio.gather(*(self._store.delete(key) for key in some))


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
    root = await _root(store)
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
    root = await _root(store)
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


def consolidated_documents(store: Store) -> dict[str, dict[str, Any]] | None:
    """What the root of a store says of all below it, by key; None where it says nothing or there
    is none."""
    return consolidated(sync(_root(store)))


async def _root(store: Store) -> dict[str, bytes]:
    """Documents of the root, where readers find one."""
    found = await documents_of(store, ROOTS)
    return found if set(found).intersection(FOUND_BY) else {}


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run something to its end: Ctrl-C waits for it, and is raised then."""
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread is interrupted; a handler that is None is not one of Python's.
    if threading.current_thread() is not threading.main_thread() or before is None:
        return sync(work)
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        return sync(work)
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)
