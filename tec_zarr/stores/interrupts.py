"""Ctrl-C while something goes on that must not end halfway."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from zarr.core.sync import sync

Result = TypeVar("Result")


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C wait until this has ended; it is raised then."""
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread is interrupted; a handler that is None is not one of Python's.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run something to its end: Ctrl-C waits for it."""
    with held_back():
        return sync(work)


def wait_for_the_rest() -> None:
    """Wait for what was interrupted and goes on in zarr's thread: what Python has to break off when
    it ends, it complains of. Only for a process in which no other thread waits for the same."""
    finish(_others())


async def _others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)
