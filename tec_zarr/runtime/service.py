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

import atexit
import collections
import contextlib
import dataclasses
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from tec_zarr.errors import DeviceLostError
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS

MOST_WAITING = 256
"""Jobs that may wait; who brings another one waits until there is room."""

MOST_SECONDS_TO_END = 5.0

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
    """Threads start with the first job, and end with the process.

    Parameters
    ----------
    workers
        How many threads run batches.
    most_cost
        Of a batch, unless one job alone has more.
    settle
        Called once in each thread before it runs anything.
    device
        What the batches run on; None for the CPU.
    """

    def __init__(
        self,
        workers: int = 1,
        most_cost: int = MAX_BATCH_COST,
        settle: Callable[[], None] = lambda: None,
        device: Any = None,
    ) -> None:
        self._workers = workers
        self._most_cost = most_cost
        self._settle = settle
        self._device = device
        self.reset()

    def reset(self) -> None:
        """Forget threads and jobs, as a forked process has to."""
        self._changed = threading.Condition()
        self._waiting: collections.deque[Job] = collections.deque()
        self._threads: list[threading.Thread] = []
        self._ends = False

    def close(self, seconds: float = MOST_SECONDS_TO_END) -> None:
        """Let the threads end what they are at, and no more; wait so long for them at most."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    def submit(
        self, run: Callable[[list[Any]], list[Any]], key: Hashable, item: Any, cost: int
    ) -> Future:
        """Queue a job; its future gives the result or raises what `run` raised for it.

        Where no thread can be had the job is done here: at the end of Python, or where a process
        may have no more of them.
        """
        job = Job(run, key, item, cost)
        with self._changed:
            self._changed.wait_for(lambda: self._ends or len(self._waiting) < MOST_WAITING)
            is_queued = not self._ends and self._has_threads()
            if is_queued:
                self._waiting.append(job)
                self._changed.notify_all()
        if not is_queued:
            self._run([job])
        return job.done

    def _has_threads(self) -> bool:
        """Start another thread where there may be more; whether there are any."""
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=self._work, name="tec-zarr", daemon=True)
            with contextlib.suppress(RuntimeError):  # the system has no more
                thread.start()
                self._threads.append(thread)
        return bool(self._threads)

    def _work(self) -> None:
        batch: list[Job] = []
        try:
            self._settle()
            while batch := self._next_batch():
                wanted = [job for job in batch if job.done.set_running_or_notify_cancel()]
                if wanted:
                    self._run(wanted)
        except BaseException as error:
            # What found no memory, say: nobody may wait for a thread that has ended.
            self._give_up(batch, error)

    def _next_batch(self) -> list[Job]:
        """Wait for jobs; none where the service ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ends)
            if self._ends:
                return []
            batch, rest = _take_batch(list(self._waiting), self._most_cost)
            self._waiting = collections.deque(rest)
            self._changed.notify_all()
        return batch

    def _give_up(self, batch: list[Job], error: BaseException) -> None:
        """End this thread; where it was the last one, those who wait get its error."""
        with self._changed:
            self._threads.remove(threading.current_thread())
            if not self._threads:
                batch = [*batch, *self._waiting]
                self._waiting.clear()
            self._changed.notify_all()
        for job in batch:
            if not job.done.done():
                job.done.set_exception(error)

    def _run(self, batch: list[Job]) -> None:
        """Run a batch; where it fails, its halves, so that one bad chunk fails only itself, and
        what has no room together is done in parts."""
        try:
            results = _timed(batch)
            pairs = list(zip(batch, results, strict=True))
        except BaseException as error:
            if len(batch) == 1:
                batch[0].done.set_exception(self._explained(error))
                return
            half = len(batch) // 2
            self._run(batch[:half])
            self._run(batch[half:])
            return
        for job, result in pairs:
            job.done.set_result(result)

    def _explained(self, error: BaseException) -> BaseException:
        """The error that a caller gets: that of a device is told from that of a chunk."""
        if self._device is None:
            return error
        from tec_zarr.runtime.devices import is_lost

        if not is_lost(error, self._device):
            return error
        lost = DeviceLostError(self._device, str(error))
        lost.__cause__ = error
        return lost


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


def _timed(batch: list[Job]) -> list[Any]:
    """Run a batch, and count it."""
    with COUNTERS.timed("seconds in batches"):
        results = batch[0].run([job.item for job in batch])
    COUNTERS.add("batches")
    COUNTERS.add("jobs in batches", len(batch))
    return results


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

_gpu_services: dict[str, Service] = {}


def service_of(device: Any, *, by_core: bool = False) -> Service:
    """The service that runs batches on a device of torch; `by_core`: on a CPU that of many small
    steps."""
    if device.type == "cpu":
        return CORE_SERVICE if by_core else SERVICE
    return _gpu_services.setdefault(str(device), Service(device=device))


def _services() -> list[Service]:
    return [SERVICE, CORE_SERVICE, *_gpu_services.values()]


def _restart_after_fork() -> None:
    for service in _services():
        service.reset()
    CACHE.reset()
    COUNTERS.reset()


@atexit.register
def _end() -> None:
    """Nothing may be in the middle of a network when the interpreter takes itself apart."""
    for service in _services():
        service.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_after_fork)
