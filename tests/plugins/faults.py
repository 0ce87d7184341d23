"""What goes wrong once while a cube is written, and what runs at the same time meanwhile."""

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

from tec_zarr.runtime import service


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
    """Looks at each batch of networks that a process runs: how many at the same time, and on how
    many threads of torch each."""

    def __init__(self) -> None:
        self.batches = 0
        self.most_at_once = 0
        self.most_threads = 0
        self._running = 0
        self._lock = threading.Lock()
        self._run = service._timed

    def __enter__(self) -> Self:
        service._timed = self._look
        return self

    def __exit__(self, *_: object) -> None:
        service._timed = self._run

    def _look(self, batch: list[service.Job]) -> list[Any]:
        import torch

        with self._lock:
            self.batches += 1
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            self.most_threads = max(self.most_threads, torch.get_num_threads())
        try:
            return self._run(batch)
        finally:
            with self._lock:
                self._running -= 1


_watches: list[Watch] = []


def start_watch() -> None:
    """Begin to watch this process, which may be one of Dask's workers."""
    _watches.append(Watch().__enter__())


def end_watch() -> tuple[int, int, int]:
    """What was seen: batches, the most at the same time, and threads of torch."""
    watch = _watches.pop()
    watch.__exit__()
    return watch.batches, watch.most_at_once, watch.most_threads
