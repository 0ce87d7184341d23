"""Two writes of one store at the same time: one is refused, and the store is whole."""

import asyncio
import dataclasses
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore, WrapperStore

from tec_zarr.errors import InvalidInputError, StoreInUseError
from tec_zarr.stores.documents import is_document
from tec_zarr.stores.marks import MARK, Mark, kept_from_others
from tec_zarr.stores.preparing import grown_store, new_store
from tec_zarr.synthetic.observations import dataset

OPTIONS = {"chunks": {"time": 8, "y": 16, "x": 16}, "context": "none", "progress": False}


@pytest.fixture(scope="module")
def dates() -> xr.Dataset:
    return dataset(4, 16, seed=3)


def leave_mark(store, mark: Mark) -> None:
    sync(store.set(MARK, default_buffer_prototype().buffer.from_bytes(mark.text().encode())))


class Waiting(WrapperStore):
    """Waits before its first chunk until it may go on."""

    def __init__(self, store):
        super().__init__(store)
        self.is_reached = threading.Event()
        self.may_go_on = threading.Event()

    async def set(self, key, value):
        if not is_document(key) and key != MARK:
            self.is_reached.set()
            while not self.may_go_on.is_set():
                await asyncio.sleep(0.01)
        await self._store.set(key, value)


def test_threads_that_append_are_kept_apart(dates):
    store = MemoryStore()
    dates.isel(time=[0]).tec.to_zarr(store, **OPTIONS)
    waiting = Waiting(store)
    work = {"store": waiting, "progress": False}
    first = threading.Thread(target=dates.isel(time=[1]).tec.append, kwargs=work)
    first.start()
    assert waiting.is_reached.wait(60)
    with pytest.raises(StoreInUseError, match=r"process \d+ .* only one at a time"):
        dates.isel(time=[2]).tec.append(store, progress=False)
    with pytest.raises(StoreInUseError, match=r"process \d+ .* only one at a time"):
        dates.isel(time=[2]).tec.to_zarr(store, mode="w", **OPTIONS)
    waiting.may_go_on.set()
    first.join()
    assert xr.open_zarr(store).sizes["time"] == 2
    assert not sync(store.exists(MARK))
    dates.isel(time=[2]).tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 3


def append(path: str, dates: xr.Dataset, said) -> None:
    try:
        dates.tec.append(path, progress=False)
        said.put("appended")
    except StoreInUseError:
        said.put("refused")
    except InvalidInputError as error:
        # A later date was there already.
        said.put("older" if "older than" in str(error) else repr(error))


def test_processes_that_append_are_kept_apart(dates, tmp_path):
    path = str(tmp_path / "a.zarr")
    dates.isel(time=[0]).tec.to_zarr(path, **OPTIONS)
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    workers = []
    for number in (1, 2, 3):
        work = (path, dates.isel(time=[number]), said)
        workers.append(context.Process(target=append, args=work))
    for worker in workers:
        worker.start()
    answers = [said.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    opened = xr.open_zarr(path).load()
    assert set(answers) <= {"appended", "refused", "older"}
    assert opened.sizes["time"] == 1 + answers.count("appended")
    assert opened.equals(xr.open_zarr(path, consolidated=False).load())


@pytest.mark.parametrize("kind", ["dead", "other machine", "half a mark"])
def test_what_a_write_that_ended_left_is_no_hindrance(dates, tmp_path, kind):
    store = LocalStore(tmp_path / "a.zarr")
    dates.isel(time=[0]).tec.to_zarr(store, **OPTIONS)
    ended = multiprocessing.get_context("spawn").Process(target=print)
    ended.start()
    ended.join()
    mark = dataclasses.replace(Mark.of(""), process=ended.pid)
    if kind == "other machine":
        mark = dataclasses.replace(Mark.of(""), machine="elsewhere")
    leave_mark(store, mark)
    if kind == "half a mark":
        half = (tmp_path / "a.zarr" / MARK).read_bytes()[:130]
        (tmp_path / "a.zarr" / MARK).write_bytes(half)
    dates.isel(time=[1]).tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 2
    assert not sync(store.exists(MARK))


def waiting_blocks(dates: xr.Dataset) -> tuple[xr.Dataset, threading.Event, threading.Event]:
    """Dates whose values come when they may, and events that say that they are asked for, and that
    they may come."""
    is_reached = threading.Event()
    may_go_on = threading.Event()

    def wait(block):
        is_reached.set()
        assert may_go_on.wait(60)
        return block

    lazy = dates.chunk({"time": 1})
    for name in lazy.data_vars:
        blocks = lazy[name].data
        meta = np.array((), blocks.dtype)
        lazy[name] = lazy[name].copy(data=blocks.map_blocks(wait, dtype=blocks.dtype, meta=meta))
    return lazy, is_reached, may_go_on


def write_to(path, dates, kind) -> None:
    if kind == "append":
        dates.tec.append(path, progress=False)
    else:
        dates.tec.to_zarr(path, mode=kind, **OPTIONS)


@pytest.mark.parametrize(("first", "second"), [("append", "w"), ("w", "append"), ("w", "w")])
def test_a_folder_has_one_write_at_a_time(dates, tmp_path, first, second):
    path = tmp_path / "a.zarr"
    dates.isel(time=[0]).tec.to_zarr(path, **OPTIONS)
    lazy, is_reached, may_go_on = waiting_blocks(dates.isel(time=[1, 2]))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_to, path, lazy, first)
        assert is_reached.wait(60)
        try:
            with pytest.raises(StoreInUseError, match=r"process \d+ .* only one at a time"):
                write_to(path, dates.isel(time=[3]), second)
        finally:
            may_go_on.set()
        writing.result()
    assert xr.open_zarr(path).load().sizes["time"] == (3 if first == "append" else 2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]
    assert not (path / MARK).exists()
    dates.isel(time=[3]).tec.append(path, progress=False)


@pytest.mark.parametrize("name", ["a.zarr", "a.zip"])
@pytest.mark.parametrize("mode", ["w-", "w"])
def test_a_new_store_is_not_put_over_one_that_came_meanwhile(dates, tmp_path, name, mode):
    path = tmp_path / name
    lazy, is_reached, may_go_on = waiting_blocks(dates.isel(time=[1, 2]))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_to, path, lazy, mode)
        assert is_reached.wait(60)
        try:
            write_to(path, dates.isel(time=[3]), "w-")
        finally:
            may_go_on.set()
        with pytest.raises(StoreInUseError, match="another write has put something there"):
            writing.result()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    url = f"zip::{path}" if path.suffix == ".zip" else path
    assert xr.open_zarr(url).load().sizes["time"] == 1


def interrupt(mark) -> None:
    assert mark.exists()
    raise KeyboardInterrupt


def test_a_replacement_that_fails_leaves_no_mark_but_that_of_a_killed_write(dates, tmp_path):
    path = tmp_path / "a.zarr"
    dates.isel(time=[0]).tec.to_zarr(path, **OPTIONS)
    for left in (None, dataclasses.replace(Mark.of("r10m"), machine="elsewhere")):
        if left is not None:
            leave_mark(LocalStore(path), left)
        with pytest.raises(KeyboardInterrupt), kept_from_others(path):
            interrupt(path / MARK)
        assert sync(Mark.read(LocalStore(path))) == left


@pytest.mark.parametrize("mode", ["append", "w"])
@pytest.mark.parametrize("left", [b"", b"tec_zarr writes he", b"a\nprocess: x\n", b"\xff\xfe"])
def test_a_mark_that_nobody_can_read_is_no_hindrance(dates, left, mode):
    store = MemoryStore()
    dates.isel(time=[0]).tec.to_zarr(store, **OPTIONS)
    sync(store.set(MARK, default_buffer_prototype().buffer.from_bytes(left)))
    if mode == "append":
        dates.isel(time=[1]).tec.append(store, progress=False)
    else:
        dates.tec.to_zarr(store, mode="w", **OPTIONS)
    assert xr.open_zarr(store).sizes["time"] == (2 if mode == "append" else 4)
    assert not sync(store.exists(MARK))


def refused_and_undone(late, store) -> None:
    there = dict(store._store_dict)
    with pytest.raises(StoreInUseError, match="changed while this write was prepared"):
        late.start()
    late.undo()
    late.end()
    assert store._store_dict == there


def test_what_was_written_while_a_write_was_planned_stays(dates):
    store = MemoryStore()
    late = new_store(store, "a", "", "w-")
    dates.isel(time=[0]).tec.to_zarr(store, **OPTIONS)
    refused_and_undone(late, store)
    late = grown_store(store, "a", "")
    dates.isel(time=[1]).tec.append(store, progress=False)
    refused_and_undone(late, store)
