"""Writes and appends that readers see as a whole or not at all, in any store that zarr can write.

Chunks are written first, under keys that no reader looks for. What readers see changes with one
document, that of the root with all metadata: it is written last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype

from tec_zarr.errors import StoreInUseError
from tec_zarr.stores.documents import ROOTS, Grid, grids, in_order, is_document, within
from tec_zarr.stores.interrupts import finish
from tec_zarr.stores.keys import delete_keys, keys_of, root_of
from tec_zarr.stores.marks import MARK, Mark
from tec_zarr.stores.scheduling import is_here
from tec_zarr.stores.staging import StagedStore


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
        if await root_of(self._store) != self._root:
            # What is there now is not this write's, and is not to be undone.
            await self._store.delete(MARK)
            raise StoreInUseError(
                f"{self._store}: it was changed while this write was prepared; try again"
            )
        self._is_started = True
        # Now, because the mark that tells of it is this write's from here on.
        for key, document in self.staged.waiting.items():
            await self._store.set(key, document)
        await delete_keys(self._store, self._leftovers)

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
        await delete_keys(self._store, [*stale, MARK])

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
        await self.staged.gate.shut()
        saved = self.staged.saved
        # What readers go by, first; then what nobody looks for, which makes room on a full disk.
        for key in reversed(in_order(filter(is_document, saved))):
            await self._put_back(key, saved[key])
        await delete_keys(self._store, await self._written())
        for key, value in saved.items():
            if not is_document(key):
                await self._put_back(key, value)
        # Other processes may still write chunks: the mark tells who writes next of them.
        if is_here():
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
