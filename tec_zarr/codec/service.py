"""One thread a process that runs the network, and takes together what callers ask for at the same time.

Zarr and Dask encode and decode from many threads, a chunk each. Side by side they would fight for cores and launch each
layer once a chunk; here like-sized chunks that wait together become one batch. Nobody waits for a batch to fill.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

MAX_BATCH_COST = 256
"""Most blocks of latents (64 x 64 pixels) in a batch, unless one job alone has more."""


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """`run` maps the `item` of several jobs with the same `run` and `key` to a list of results; `cost` is in blocks."""

    run: Callable[[list[Any]], list[Any]]
    key: Hashable
    item: Any
    cost: int
    done: Future = dataclasses.field(default_factory=Future)


class Service:
    """The thread starts with the first job; as a daemon it ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, run: Callable[[list[Any]], list[Any]], key: Hashable, item: Any, cost: int) -> Future:
        """Queue a job; its future gives the result or raises what `run` raised for it."""
        job = Job(run, key, item, cost)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="tec-zarr", daemon=True)
                self._thread.start()
        self._jobs.put(job)
        return job.done

    def _work(self) -> None:
        waiting: list[Job] = []
        while True:
            if not waiting:
                waiting.append(self._jobs.get())
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            batch, waiting = _take_batch(waiting)
            wanted = [job for job in batch if job.done.set_running_or_notify_cancel()]
            if wanted:
                _run(wanted)


def _take_batch(waiting: list[Job]) -> tuple[list[Job], list[Job]]:
    """Of the jobs like the first one as many as the cost allows, and the rest in their order."""
    first, cost, batch, rest = waiting[0], 0, [], []
    for job in waiting:
        alike = job.run is first.run and job.key == first.key
        if alike and (not batch or cost + job.cost <= MAX_BATCH_COST):
            batch.append(job)
            cost += job.cost
        else:
            rest.append(job)
    return batch, rest


def _run(batch: list[Job]) -> None:
    """Run a batch; where it fails, each job alone, so that one bad chunk fails only itself."""
    try:
        results = batch[0].run([job.item for job in batch])
        pairs = list(zip(batch, results, strict=True))
    except BaseException as error:
        if len(batch) == 1:
            batch[0].done.set_exception(error)
        else:
            for job in batch:
                _run([job])
        return
    for job, result in pairs:
        job.done.set_result(result)


SERVICE = Service()


def _restart_after_fork() -> None:
    SERVICE.__init__()


os.register_at_fork(after_in_child=_restart_after_fork)
