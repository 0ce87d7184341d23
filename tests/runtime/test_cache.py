"""What was decoded a moment ago."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tec_zarr.runtime.cache import Cache


def test_what_was_not_asked_for_longest_goes_first():
    cache = Cache(100)
    for name in (b"a", b"b", b"c"):
        cache.put(name, name.decode(), 40)
    assert cache.get(b"a") is None
    assert cache.get(b"b") == "b"
    cache.put(b"d", "d", 40)
    assert (cache.get(b"b"), cache.get(b"c"), cache.get(b"d")) == ("b", None, "d")
    assert cache.size == 80


def test_bytes_are_bounded():
    cache = Cache(100)
    cache.put(b"a", 1, 60)
    cache.put(b"b", 2, 101)
    assert (cache.get(b"a"), cache.get(b"b"), cache.size) == (1, None, 60)
    cache.put(b"a", 3, 10)
    assert (cache.get(b"a"), cache.size) == (3, 10)
    cache.limit = 5
    assert (cache.get(b"a"), cache.size) == (None, 0)


def test_one_thread_at_a_time_makes_a_value():
    cache = Cache()
    made = []

    def value(key):
        with cache.alone(key):
            found = cache.get(key)
            if found is None:
                time.sleep(0.01)
                found = threading.get_ident()
                made.append(key)
                cache.put(key, found, 1)
            return found

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(value, [b"a", b"b", b"c"] * 20))
    assert sorted(made) == [b"a", b"b", b"c"]
    assert not cache._busy
