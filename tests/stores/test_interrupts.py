"""Ctrl-C while a store is written."""

import _thread
import asyncio
import os
import signal
import time

import pytest
from zarr.storage import LocalStore

from tec_zarr.stores.interrupts import finish
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


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
