"""A store that shows nothing of what is written before all of it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Self

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import MemoryStore

from tec_zarr.errors import TecError
from tec_zarr.stores.documents import Grid, is_document, is_within
from tec_zarr.stores.gated import GatedStore
from tec_zarr.stores.marks import MARK


class StagedStore(GatedStore):
    """Lets chunks through and keeps metadata documents back, which `tec_zarr.stores.changes`
    writes at the end.

    Where `begins_at` is given, what the store holds below it is hidden: a new group is written
    there. Chunks that readers of what is hidden look for wait, too. Otherwise those are saved
    before they are changed, to be put back where the rest fails.

    Copies in other processes, as Dask makes them, write chunks alone.
    """

    def __init__(
        self, store: Store, *, begins_at: str | None = None, visible: Sequence[Grid] = ()
    ) -> None:
        super().__init__(store)
        self.begins_at = begins_at
        self.visible = visible
        self.waiting: dict[str, Buffer] = {}
        self.saved: dict[str, Buffer | None] = {}
        self._is_copy = False
        self._waiting_store = MemoryStore(self.waiting)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_is_copy": True}

    def _with_store(self, store: Store) -> Self:
        made = super()._with_store(store)
        made._is_copy = self._is_copy
        return made

    @property
    def supports_consolidated_metadata(self) -> bool:
        return self._store.supports_consolidated_metadata

    def is_visible(self, key: str) -> bool:
        """Whether readers of the store as it is look for a chunk under this key."""
        return any(grid.holds(key) for grid in self.visible)

    def _waits(self, key: str) -> bool:
        return is_document(key) or (self._is_hidden(key) and self.is_visible(key))

    def _is_hidden(self, key: str) -> bool:
        return self.begins_at is not None and is_within(key, self.begins_at)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        if key in self.waiting:
            return await self._waiting_store.get(key, prototype, byte_range)
        # A new group is written from nothing: what lies there is of an attempt that was killed.
        if self._is_hidden(key):
            return None
        return await self._store.get(key, prototype, byte_range)

    async def exists(self, key: str) -> bool:
        if key in self.waiting or self._is_hidden(key):
            return key in self.waiting
        return await self._store.exists(key)

    async def set(self, key: str, value: Buffer) -> None:
        if self._waits(key):
            self._check_original(key)
            self.waiting[key] = value
            return
        await self._change(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        if not await self.exists(key):
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        if self._waits(key):
            # What readers see is taken away when all else is there.
            self._check_original(key)
            self.waiting.pop(key, None)
            return
        await self._change(key, None)

    def _check_original(self, key: str) -> None:
        if self._is_copy:
            raise TecError(
                f"{key} must be written by the process that writes the store: use Dask's threads, "
                "or write to a new place"
            )

    async def _change(self, key: str, value: Buffer | None) -> None:
        """Write a chunk, or take it away where there is no value."""
        with self.gate.passed(key):
            if not self._is_copy and key not in self.saved and self.is_visible(key):
                self.saved[key] = await self._store.get(key, default_buffer_prototype())
            if value is None:
                await self._store.delete(key)
            else:
                await self._store.set(key, value)

    async def is_empty(self, prefix: str) -> bool:
        async for _ in self.list_prefix(prefix):
            return False
        return True

    async def list(self) -> AsyncIterator[str]:
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in list(self.waiting):
            if key.startswith(prefix):
                yield key
        if self._is_hidden(f"{prefix.rstrip('/')}/"):
            return
        async for key in self._store.list_prefix(prefix):
            if key not in self.waiting and key != MARK and not self._is_hidden(key):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        inside = prefix.strip("/")
        names = set()
        for key in self.waiting:
            if is_within(key, inside):
                below = key[len(inside) + 1 :] if inside else key
                names.add(below.partition("/")[0])
        if not self._is_hidden(f"{inside}/"):
            async for name in self._store.list_dir(prefix):
                names.add(name.rstrip("/"))
        for name in sorted(names - {MARK, ""}):
            yield name

    async def delete_dir(self, prefix: str) -> None:
        await Store.delete_dir(self, prefix)

    async def clear(self) -> None:
        raise NotImplementedError("a store that is being written is not cleared")

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def _get_many(self, requests: Any) -> Any:
        async for found in Store._get_many(self, requests):
            yield found
