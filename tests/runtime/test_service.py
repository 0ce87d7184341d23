import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tec_zarr.runtime import service
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.runtime.service import MAX_BATCH_COST, Service

WAIT = 10


class Recorder:
    """A run function that notes its batches; the item "hold" keeps the service busy until
    `release` is set."""

    def __init__(self):
        self.batches, self.started, self.release = [], threading.Event(), threading.Event()

    def __call__(self, items):
        self.batches.append(list(items))
        if items == ["hold"]:
            self.started.set()
            assert self.release.wait(WAIT)
        if any(isinstance(item, Exception) for item in items):
            raise next(item for item in items if isinstance(item, Exception))
        return [("result", item) for item in items]


@pytest.fixture
def busy():
    """A service held busy, and its recorder: what is submitted now waits together."""
    made, recorder = Service(), Recorder()
    hold = made.submit(recorder, "held", "hold", 1)
    assert recorder.started.wait(WAIT)
    yield made, recorder
    recorder.release.set()
    assert hold.result(WAIT) == ("result", "hold")


def python(code):
    """Run a program in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def finish(recorder, futures):
    recorder.release.set()
    return [future.result(WAIT) for future in futures]


def test_a_job_alone_runs_at_once():
    recorder = Recorder()
    assert Service().submit(recorder, "key", 5, 1).result(WAIT) == ("result", 5)
    assert recorder.batches == [[5]]


def test_nobody_waits_for_a_thread_that_could_not_begin():
    failures = [MemoryError("no room for torch")]

    def settle():
        if failures:
            raise failures.pop()

    made = Service(settle=settle)
    recorder = Recorder()
    with pytest.raises(MemoryError, match="no room for torch"):
        made.submit(recorder, "key", 1, 1).result(WAIT)
    assert made.submit(recorder, "key", 2, 1).result(WAIT) == ("result", 2)


def no_room(batch):
    raise MemoryError


def test_nobody_waits_for_a_thread_that_ended_on_the_way(monkeypatch):
    made = Service()
    recorder = Recorder()
    with monkeypatch.context() as patched:
        patched.setattr(made, "_run", no_room)
        future = made.submit(recorder, "key", 1, 1)
        with pytest.raises(MemoryError):
            future.result(WAIT)
    assert made.submit(recorder, "key", 2, 1).result(WAIT) == ("result", 2)


def test_jobs_that_wait_together_become_one_batch_in_their_order(busy):
    made, recorder = busy
    futures = [made.submit(recorder, "key", i, 1) for i in range(20)]
    assert finish(recorder, futures) == [("result", i) for i in range(20)]
    assert recorder.batches == [["hold"], list(range(20))]


def test_results_go_to_the_right_callers_from_many_threads():
    made, recorder = Service(), Recorder()

    def call(i):
        return made.submit(recorder, i % 3, i, 1).result(WAIT)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(call, range(500))) == [("result", i) for i in range(500)]
    assert sorted(i for batch in recorder.batches for i in batch) == list(range(500))
    assert all(len({i % 3 for i in batch}) == 1 for batch in recorder.batches)
    assert sum(t.name == "tec-zarr" and t.is_alive() for t in threading.enumerate()) >= 1


def test_one_thread_runs_all_jobs():
    made, threads = Service(), set()

    def run(items):
        threads.add(threading.get_ident())
        return items

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: made.submit(run, "key", i, 1).result(WAIT), range(100)))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_several_workers_run_jobs_side_by_side():
    """Two jobs that wait for each other can only end where two threads run them."""
    made = Service(workers=2, most_cost=1)
    both = threading.Barrier(2, timeout=WAIT)

    def run(items):
        both.wait()
        return items

    futures = [made.submit(run, "key", i, 1) for i in range(2)]
    assert [future.result(WAIT) for future in futures] == [0, 1]


def test_each_thread_settles_once_before_it_runs_anything():
    settled = []
    made = Service(workers=3, settle=lambda: settled.append(threading.get_ident()))
    seen = [
        made.submit(lambda items: [threading.get_ident()], i, i, 1).result(WAIT) for i in range(20)
    ]
    assert len(settled) == len(set(settled)) <= 3
    assert set(seen) <= set(settled)


def test_a_batch_keeps_to_the_cost_limit(busy):
    made, recorder = busy
    third = MAX_BATCH_COST // 3
    finish(recorder, [made.submit(recorder, "key", i, third) for i in range(7)])
    assert recorder.batches[1:] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_job_beyond_the_cost_limit_runs_alone(busy):
    made, recorder = busy
    costs = [1, 10 * MAX_BATCH_COST, 1, 10 * MAX_BATCH_COST]
    finish(recorder, [made.submit(recorder, "key", i, cost) for i, cost in enumerate(costs)])
    assert recorder.batches[1:] == [[0, 2], [1], [3]]


def test_unlike_keys_and_functions_are_not_mixed(busy):
    made, recorder = busy
    other = Recorder()
    keys = [(1, (4, 4)), (1, (4, 8)), (2, (4, 4))]
    futures = [made.submit(recorder, keys[i % 3], i, 1) for i in range(6)]
    futures += [made.submit(other, keys[0], i, 1) for i in range(6, 8)]
    assert finish(recorder, futures) == [("result", i) for i in range(8)]
    assert recorder.batches[1:] == [[0, 3], [1, 4], [2, 5]]
    assert other.batches == [[6, 7]]


def test_a_job_that_fails_fails_alone(busy):
    made, recorder = busy
    error = ValueError("bad chunk")
    items = [1, 2, error, 3]
    futures = [made.submit(recorder, "key", item, 1) for item in items]
    recorder.release.set()
    assert [futures[i].result(WAIT) for i in (0, 1, 3)] == [
        ("result", 1),
        ("result", 2),
        ("result", 3),
    ]
    assert futures[2].exception(WAIT) is error
    assert recorder.batches[1] == items
    assert made.submit(recorder, "key", 4, 1).result(WAIT) == ("result", 4)


def test_a_batch_that_has_no_room_is_done_in_halves(busy):
    made, recorder = busy
    sizes = []

    def run(items):
        sizes.append(len(items))
        if len(items) > 3:
            raise MemoryError("no room for all of these")
        return items

    futures = [made.submit(run, "key", i, 1) for i in range(8)]
    assert finish(recorder, futures) == list(range(8))
    assert sizes == [8, 4, 2, 2, 4, 2, 2]


def test_the_queue_is_bounded(busy, monkeypatch):
    """Who brings one job too many waits until there is room."""
    made, recorder = busy
    monkeypatch.setattr(service, "MOST_WAITING", 5)
    for i in range(5):
        made.submit(recorder, "key", i, 1)
    late = threading.Thread(target=made.submit, args=(recorder, "key", 5, 1))
    late.start()
    late.join(0.2)
    assert late.is_alive()
    recorder.release.set()
    late.join(WAIT)
    assert not late.is_alive()


def test_batches_are_counted(busy):
    made, recorder = busy
    COUNTERS.reset()
    finish(recorder, [made.submit(recorder, "key", i, 1) for i in range(20)])
    made.close()
    counted = COUNTERS.snapshot()
    assert counted["batches"] == 2
    assert counted["jobs in batches"] == 21
    assert counted["seconds in batches"] > 0


def test_a_service_ends_after_the_batch_it_is_at(busy):
    made, recorder = busy
    later = made.submit(recorder, "key", 1, 1)
    closing = threading.Thread(target=made.close)
    closing.start()
    recorder.release.set()
    closing.join(WAIT)
    assert not closing.is_alive()
    assert not later.done()
    made.reset()
    assert made.submit(recorder, "key", 2, 1).result(WAIT) == ("result", 2)


def test_a_process_ends_cleanly_in_the_middle_of_a_batch():
    code = (
        "import threading, time\n"
        "from tec_zarr.runtime.service import SERVICE\n"
        "started = threading.Event()\n"
        "def run(items):\n"
        "    started.set()\n"
        "    time.sleep(0.5)\n"
        "    print('done', flush=True)\n"
        "    return items\n"
        "SERVICE.submit(run, 1, 1, 1)\n"
        "started.wait()\n"
    )
    done = python(code)
    assert done.returncode == 0
    assert done.stdout == "done\n"
    assert not done.stderr


def test_a_job_that_fails_alone_runs_once():
    recorder = Recorder()
    with pytest.raises(KeyError):
        Service().submit(recorder, "key", KeyError("bad"), 1).result(WAIT)
    assert len(recorder.batches) == 1


def test_a_cancelled_job_does_not_stop_the_service(busy):
    made, recorder = busy
    futures = [made.submit(recorder, "key", i, 1) for i in range(3)]
    assert futures[1].cancel()
    recorder.release.set()
    assert futures[2].result(2) == ("result", 2)
    assert futures[0].result(2) == ("result", 0)
    assert made.submit(recorder, "key", 9, 1).result(2) == ("result", 9)


def test_too_few_results_are_an_error_of_their_callers_only():
    made, recorder = Service(), Recorder()
    error = made.submit(lambda items: [], "key", 1, 1).exception(2)
    assert isinstance(error, Exception)
    assert made.submit(recorder, "key", 2, 1).result(2) == ("result", 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_a_service_of_its_own():
    code = (
        "import os\n"
        "from tec_zarr.runtime.service import SERVICE\n"
        "run = lambda items: [os.getpid() for _ in items]\n"
        "assert SERVICE.submit(run, 1, 1, 1).result(5) == os.getpid()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if SERVICE.submit(run, 1, 1, 1).result(5) == os.getpid() else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_the_process_has_a_service():
    assert service.SERVICE.submit(Recorder(), "key", 1, 1).result(WAIT) == ("result", 1)


def test_what_is_asked_after_the_end_is_done_by_who_asks(busy):
    """What runs at the end of Python may still encode, and must not wait for threads that are no
    more."""
    made, recorder = busy
    recorder.release.set()
    made.close()
    assert made.submit(recorder, "key", 1, 1).result(WAIT) == ("result", 1)


def test_who_waits_for_room_at_the_end_does_the_job(busy, monkeypatch):
    made, recorder = busy
    monkeypatch.setattr(service, "MOST_WAITING", 0)
    done = []

    def late():
        done.append(made.submit(recorder, "key", 1, 1).result(WAIT))

    waiting = threading.Thread(target=late)
    waiting.start()
    made.close(0)
    waiting.join(WAIT)
    assert done == [("result", 1)]


def test_encoding_goes_on_at_the_end_of_python():
    code = (
        "import atexit, numpy as np, tec_zarr\n"
        "chunk = np.arange(2 * 32 * 32, dtype='uint16').reshape(2, 1, 32, 32)\n"
        "codec = tec_zarr.TerraCodec(quality=40)\n"
        "first = []\n"
        "atexit.register(lambda: print(codec.encode(chunk) == first[0]))\n"
        "first.append(codec.encode(chunk))\n"
    )
    done = python(code)
    assert done.stdout == "True\n", done.stderr


def test_a_thread_that_does_not_start_does_not_count(monkeypatch):
    made, recorder = Service(), Recorder()
    start = threading.Thread.start

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert made.submit(recorder, "key", 1, 1).result(WAIT) == ("result", 1)
    monkeypatch.setattr(threading.Thread, "start", start)
    seen = made.submit(lambda items: [threading.get_ident()], "key", 2, 1).result(WAIT)
    assert seen != threading.get_ident()
