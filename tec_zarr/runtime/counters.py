"""What this process has coded, counted."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Iterator


class Counters:
    """Numbers by name. Any thread may add to them."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin at 0, as a forked process does."""
        self._lock = threading.Lock()
        self._values: collections.defaultdict[str, float] = collections.defaultdict(int)

    def add(self, name: str, value: float = 1) -> None:
        """Add to a number."""
        with self._lock:
            self._values[name] += value

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the seconds that something takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def snapshot(self) -> dict[str, float]:
        """All numbers as they are now, by name."""
        with self._lock:
            return dict(sorted(self._values.items()))


COUNTERS = Counters()
