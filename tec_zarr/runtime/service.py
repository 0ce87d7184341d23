"""Threads of their own that run the networks, and take together what callers ask for at the same
time.

Zarr and Dask encode and decode from many threads, a chunk each. Side by side they would fight for
cores and launch each layer once a chunk; here like-sized chunks that wait together become one
batch. Nobody waits for a batch to fill.

The shipped prior is many small steps, which a core is fastest with alone: on a CPU it has a
thread for each core, and batches that are no larger than one date of a usual chunk. Everything
else has one thread, which torch may divide.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

MAX_BATCH_COST = 256
"""Most blocks of latents (64 x 64 pixels) in a batch, unless one job alone has more."""

DATE_COST = 16
"""The same where each core works on batches of its own: a date of 256 x 256 pixels."""


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """`run` maps the `item` of several jobs with the same `run` and `key` to a list of results;
    `cost` is in blocks."""

    run: Callable[[list[Any]], list[Any]]
    key: Hashable
    item: Any
    cost: int
    done: Future = dataclasses.field(default_factory=Future)


class Service:
    """Threads start with the first job; as daemons they end with the process.

    Parameters
    ----------
    workers
        How many threads run batches.
    most_cost
        Of a batch, unless one job alone has more.
    settle
        Called once in each thread before it runs anything.
    """

    def __init__(
        self,
        workers: int = 1,
        most_cost: int = MAX_BATCH_COST,
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._workers = workers
        self._most_cost = most_cost
        self._settle = settle
        self.reset()

    def reset(self) -> None:
        """Forget threads and jobs, as a forked process has to."""
        self._changed = threading.Condition()
        self._waiting: collections.deque[Job] = collections.deque()
        self._threads: list[threading.Thread] = []

    def submit(
        self, run: Callable[[list[Any]], list[Any]], key: Hashable, item: Any, cost: int
    ) -> Future:
        """Queue a job; its future gives the result or raises what `run` raised for it."""
        job = Job(run, key, item, cost)
        with self._changed:
            if len(self._threads) < self._workers:
                thread = threading.Thread(target=self._work, name="tec-zarr", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._waiting.append(job)
            self._changed.notify()
        return job.done

    def _work(self) -> None:
        self._settle()
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch, rest = _take_batch(list(self._waiting), self._most_cost)
                self._waiting = collections.deque(rest)
            wanted = [job for job in batch if job.done.set_running_or_notify_cancel()]
            if wanted:
                _run(wanted)


def _take_batch(waiting: list[Job], most_cost: int) -> tuple[list[Job], list[Job]]:
    """Of the jobs like the first one as many as the cost allows, and the rest in their order."""
    first = waiting[0]
    cost = 0
    batch = []
    rest = []
    for job in waiting:
        alike = job.run is first.run and job.key == first.key
        if alike and (not batch or cost + job.cost <= most_cost):
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


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _keep_to_one_core() -> None:
    """Let torch use no further threads from this one; others are not concerned."""
    import torch
    from threadpoolctl import threadpool_limits

    # Torch sets a thread's number when it is first asked for it, and not again.
    torch.get_num_threads()
    threadpool_limits(1, user_api="openmp")


SERVICE = Service()

CORE_SERVICE = Service(cores(), DATE_COST, _keep_to_one_core)


def _restart_after_fork() -> None:
    SERVICE.reset()
    CORE_SERVICE.reset()


os.register_at_fork(after_in_child=_restart_after_fork)
