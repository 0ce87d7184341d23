"""Where Dask computes what is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask

THREADED = (None, "threads", "threading")
"""Schedulers of Dask that compute in threads of this process."""

HERE = (*THREADED, "sync", "synchronous", "single-threaded")
"""Those that compute in this process at all."""


def is_here() -> bool:
    """Whether all that Dask computes now is computed in this process."""
    return dask.config.get("scheduler", None) in HERE


@contextlib.contextmanager
def own_threads() -> Iterator[dict[str, Any]]:
    """What Dask is told to compute in threads that have all ended when this has: where one task
    fails, others go on writing for a while, and nothing may be cleaned up under them.

    It is told so call by call: a setting of Dask's would hold for writes of other threads, too.
    """
    is_threaded = dask.config.get("scheduler", None) in THREADED
    if not is_threaded or dask.config.get("pool", None) is not None:
        yield {}
        return
    workers = dask.config.get("num_workers", None) or dask.system.CPU_COUNT
    with ThreadPoolExecutor(workers) as pool:
        yield {"pool": pool}
