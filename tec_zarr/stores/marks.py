"""The mark in a store that is being written: who writes there, and what is left of those who were
stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import socket
import uuid
from collections.abc import Iterator
from typing import Self

from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore

from tec_zarr.errors import StoreInUseError
from tec_zarr.stores.interrupts import finish

MARK = ".tec_writing"
"""A key that is there while a store is written, and after a process was killed that wrote it."""

SAID = "tec_zarr writes here, or was stopped while it did; readers see what was there before."

_alive: set[str] = set()
"""Names of the writes of this process that have not ended."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """One write: of a group (None: nobody knows which), on a machine, by a process, with a name of
    its own."""

    group: str | None
    machine: str
    process: int
    name: str

    @classmethod
    def of(cls, group: str) -> Self:
        """The mark of a write by this process."""
        return cls(group, socket.gethostname(), os.getpid(), uuid.uuid4().hex)

    @classmethod
    async def read(cls, store: Store) -> Self | None:
        """The mark in a store; None where there is none."""
        found = await store.get(MARK, default_buffer_prototype())
        if found is None:
            return None
        lines = found.to_bytes().decode(errors="replace").splitlines()
        told = dict(line.partition(": ")[::2] for line in lines[1:])
        try:
            return cls(told["group"], told["machine"], int(told["process"]), told["name"])
        except (KeyError, ValueError):
            # Cut short, where a disk was full say: somebody wrote, and nobody knows what.
            return cls(None, "", 0, "")

    def text(self) -> str:
        """The mark as the store holds it."""
        lines = [f"{name}: {value}\n" for name, value in dataclasses.asdict(self).items()]
        return f"{SAID}\n{''.join(lines)}"

    def is_alive(self) -> bool:
        """Whether that write goes on, as far as this machine can tell: of other machines it knows
        nothing, and neither of processes where it is no POSIX system."""
        if self.machine != socket.gethostname() or os.name != "posix":
            return False
        if self.process == os.getpid():
            return self.name in _alive
        try:
            # Signal 0 asks whether there is such a process.
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    async def put(self, store: Store) -> None:
        """Put the mark into a store. Raises StoreInUseError where another write goes on there."""
        there = await self.read(store)
        if there is not None and there.is_alive():
            raise there._in_use(store)
        _alive.add(self.name)
        text = default_buffer_prototype().buffer.from_bytes(self.text().encode())
        # Of two that come here at the same time, the second one changes nothing. A mark that is
        # there is never away: it is what tells of a write that was killed.
        put = store.set_if_not_exists if there is None else store.set
        await put(MARK, text)
        there = await self.read(store)
        if there is not None and there != self:
            self.forget()
            raise there._in_use(store)

    def forget(self) -> None:
        """That the write has ended, well or not."""
        _alive.discard(self.name)

    def _in_use(self, store: Store) -> StoreInUseError:
        return StoreInUseError(
            f"{store}: process {self.process} of this machine writes there, and only one at a time "
            f"can; wait until it ends. If it is no process of tec_zarr, remove the key {MARK} there"
        )


@contextlib.contextmanager
def kept_from_others(folder: pathlib.Path) -> Iterator[None]:
    """Let nobody write to a store in a folder, where there is one, before another has its place.

    Raises StoreInUseError where a write goes on there.
    """
    if not folder.is_dir():
        yield
        return
    file = folder / MARK
    left = file.read_bytes() if file.exists() else None
    mark = Mark.of("")
    store = LocalStore(folder)
    try:
        finish(mark.put(store))
        yield
    except BaseException:
        if finish(Mark.read(store)) == mark:
            # What is left of a write that was killed goes on to be known.
            if left is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(left)
        raise
    finally:
        mark.forget()
