"""What was decoded a moment ago: a loop over bands, or a window that moves by a pixel, should not
decode a chunk again and again.

Keys are digests of all the bytes that a value follows from, so that nothing is ever out of date.
"""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

DEFAULT_BYTES = 256 * 2**20


class Cache:
    """At most `limit` bytes of values; those that were not asked for longest go first. Any thread
    may use it."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a forked process has to, which may find the locks taken."""
        self._lock = threading.Lock()
        self._values: collections.OrderedDict[bytes, tuple[Any, int]] = collections.OrderedDict()
        self._size = 0
        self._busy: dict[bytes, tuple[threading.Lock, int]] = {}

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
            self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return self._size

    @property
    def limit(self) -> int:
        """Bytes that may be held."""
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        with self._lock:
            self._limit = value
            self._shrink()

    def get(self, key: bytes) -> Any:
        """The value of a key; None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: bytes, value: Any, size: int) -> None:
        """Hold a value of so many bytes, which nobody changes any more."""
        with self._lock:
            before = self._values.pop(key, None)
            if before is not None:
                self._size -= before[1]
            if size > self._limit:
                return
            self._values[key] = (value, size)
            self._size += size
            self._shrink()

    def _shrink(self) -> None:
        while self._size > self._limit:
            _, (_, size) = self._values.popitem(last=False)
            self._size -= size

    @contextlib.contextmanager
    def alone(self, key: bytes) -> Iterator[None]:
        """One thread at a time for each key: those that come second find what the first one put
        here."""
        with self._lock:
            lock, waiting = self._busy.get(key, (threading.Lock(), 0))
            self._busy[key] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._busy[key]
                if waiting == 1:
                    del self._busy[key]
                else:
                    self._busy[key] = (lock, waiting - 1)


CACHE = Cache()
