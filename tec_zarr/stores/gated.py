"""A store that can be closed to changes while some are under way."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Iterable, Iterator
from typing import Self

from zarr.abc.store import Store
from zarr.core.buffer import Buffer
from zarr.storage import WrapperStore

from tec_zarr.errors import TecError


def too_late(key: str) -> TecError:
    """What a change raises that comes after the end of its write."""
    return TecError(f"{key} came too late: the write has ended, and is undone if it failed")


class Gate:
    """Lets changes through until it is shut. All of them are made in zarr's own thread."""

    def __init__(self) -> None:
        self._is_shut = False
        self._under_way = 0

    @contextlib.contextmanager
    def passed(self, key: str) -> Iterator[None]:
        """One change; raises TecError where the gate is shut."""
        if self._is_shut:
            raise too_late(key)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def shut(self) -> None:
        """Let no more changes through, and wait for those under way."""
        self._is_shut = True
        while self._under_way:
            await asyncio.sleep(0.01)


class GatedStore(WrapperStore[Store]):
    """Changes go through a gate: what an interrupted write has begun goes on in zarr's thread, and
    must not come back after it was cleaned up."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.gate = Gate()

    def _with_store(self, store: Store) -> Self:
        made = copy.copy(self)
        made._store = store
        return made

    async def set(self, key: str, value: Buffer) -> None:
        with self.gate.passed(key):
            await self._store.set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        with self.gate.passed(key):
            await self._store.set_if_not_exists(key, value)

    async def delete(self, key: str) -> None:
        with self.gate.passed(key):
            await self._store.delete(key)

    async def delete_dir(self, prefix: str) -> None:
        with self.gate.passed(prefix):
            await self._store.delete_dir(prefix)

    async def clear(self) -> None:
        with self.gate.passed("all"):
            await self._store.clear()

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        await Store._set_many(self, values)
