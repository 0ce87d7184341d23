"""What goes wrong once while a cube is written, and how busy a process is meanwhile."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
from typing import Any, Self

import numpy as np
import xarray as xr
from zarr.abc.store import Store
from zarr.core.buffer import Buffer
from zarr.storage import WrapperStore

SECONDS_BETWEEN_LOOKS = 0.01


def is_first(marker: pathlib.Path) -> bool:
    """Whether nobody asked before, in any process."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def kill(marker: pathlib.Path) -> None:
    """End this process as a lack of memory would, the first time only."""
    if is_first(marker):
        os.kill(os.getpid(), signal.SIGKILL)


def fail(marker: pathlib.Path) -> None:
    """Raise an error, the first time only."""
    if is_first(marker):
        raise OSError("a source that fails once")


def die(_: pathlib.Path) -> None:
    """End this process, every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def with_fault(cube: xr.Dataset, fault: Any, marker: pathlib.Path) -> xr.Dataset:
    """A lazy cube whose last chunk along y and x, of the first dates, runs into a fault."""

    def block(values: np.ndarray, block_info: Any = None) -> np.ndarray:
        place = block_info[0]["chunk-location"]
        counts = block_info[0]["num-chunks"]
        if place[0] == 0 and place[2:] == tuple(count - 1 for count in counts[2:]):
            fault(marker)
        return values

    bands = cube["B"]
    return cube.assign(B=bands.copy(data=bands.data.map_blocks(block, dtype=bands.dtype)))


class KillingStore(WrapperStore[Store]):
    """Kills the process that sets a key, once: before the value is there, or after it."""

    def __init__(self, store: Store, key: str, marker: pathlib.Path, *, is_after: bool) -> None:
        super().__init__(store)
        self.key = key
        self.marker = marker
        self.is_after = is_after

    def _with_store(self, store: Store) -> Self:
        return type(self)(store, self.key, self.marker, is_after=self.is_after)

    async def set(self, key: str, value: Buffer) -> None:
        if key == self.key and not self.is_after:
            kill(self.marker)
        await self._store.set(key, value)
        if key == self.key and self.is_after:
            kill(self.marker)


class Watch:
    """Counts the threads of a process that run, or could run if a core was free, from time to
    time. `ready` and `ended` are there for processes of Dask."""

    def __init__(self) -> None:
        self._looks: list[int] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> list[int]:
        """How many it were, each time that any was."""
        self._ends.set()
        self._thread.join()
        return self._looks

    def _look(self) -> None:
        while not self._ends.wait(SECONDS_BETWEEN_LOOKS):
            count = running_threads()
            if count:
                self._looks.append(count)


def running_threads() -> int:
    """Threads of this process that are not waiting for anything, but for the one that asks."""
    here = threading.get_native_id()
    count = 0
    for task in os.listdir("/proc/self/task"):
        if int(task) == here:
            continue
        try:
            text = pathlib.Path(f"/proc/self/task/{task}/stat").read_text()
        except OSError:
            # It has ended since.
            continue
        count += text.rpartition(")")[2].split()[0] == "R"
    return count


_watches: list[Watch] = []


def start_watch() -> None:
    """Begin to watch this process."""
    _watches.append(Watch())
    _watches[-1].start()


def end_watch() -> list[int]:
    """What the watch of this process saw."""
    return _watches.pop().end()
