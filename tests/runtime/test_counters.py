"""Numbers of a process."""

from concurrent.futures import ThreadPoolExecutor

from tec_zarr.runtime.counters import Counters


def test_threads_count_together():
    counters = Counters()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counters.add("dates"), range(1000)))
    counters.add("bytes", 5)
    with counters.timed("seconds"):
        pass
    found = counters.snapshot()
    assert (found["dates"], found["bytes"]) == (1000, 5)
    assert 0 <= found["seconds"] < 1
    counters.reset()
    assert counters.snapshot() == {}
