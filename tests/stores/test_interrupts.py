"""Ctrl-C while a store is written."""

import _thread
import asyncio
import os
import pickle
import signal
import time

import pytest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from tec_zarr.errors import TecError
from tec_zarr.stores.interrupts import finish
from tec_zarr.stores.moving import written_beside
from tec_zarr.synthetic import series


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, which processes in the background ignore otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_is_finished_is_not_interrupted_halfway():
    reached = []

    async def work():
        reached.append("begun")
        _thread.interrupt_main()
        await asyncio.sleep(0.2)
        reached.append("ended")

    with pytest.raises(KeyboardInterrupt):
        finish(work())
    assert reached == ["begun", "ended"]


@pytest.mark.parametrize("name", ["cube.zarr", "cube.zip"])
@pytest.mark.parametrize("is_there", [False, True])
def test_what_was_begun_does_not_come_back(tmp_path, monkeypatch, name, is_there):
    """Zarr writes in a thread of its own, which goes on."""
    path = tmp_path / name
    options = {"context": "none", "progress": False}
    if is_there:
        series(1, 16).tec.to_zarr(path, **options)
    before = files(tmp_path)
    put = LocalStore.set
    begun = []

    async def slow(store, key, value):
        begun.append(key)
        # Before the first one is the mark in the store that is replaced.
        if len(begun) == 2 + (is_there and name == "cube.zarr"):
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.2)
        await put(store, key, value)

    monkeypatch.setattr(LocalStore, "set", slow)
    with pytest.raises(KeyboardInterrupt):
        series(4, 16).tec.to_zarr(path, mode="w", **options)
    assert files(tmp_path) == before
    time.sleep(0.5)
    assert files(tmp_path) == before


def test_a_worker_that_goes_on_after_a_failure_leaves_nothing(tmp_path):
    one = default_buffer_prototype().buffer.from_bytes(b"1")
    workers = []

    def write():
        with written_beside(tmp_path / "cube.zarr") as store:
            workers.append(pickle.loads(pickle.dumps(store)))
            sync(workers[0].set("B/c/0", one))
            assert [path.name for path in files(tmp_path)] == ["0"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
    for put in (workers[0].set, workers[0].set_if_not_exists):
        with pytest.raises(TecError, match="B/c/1 came too late"):
            sync(put("B/c/1", one))
    assert list(tmp_path.iterdir()) == []


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
