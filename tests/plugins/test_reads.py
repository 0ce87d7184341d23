"""What reads through xarray and Dask decode, counted."""

import asyncio
import warnings

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore, StorePath, WrapperStore

import tec_zarr
from tec_zarr.errors import DamagedChunkError
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.synthetic import series

DATES = 16
KEY = 4


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Sixteen dates of 128 x 128 pixels in chunks of 64, a key date every four."""
    path = tmp_path_factory.mktemp("reads") / "cube.zarr"
    cube = series(DATES, 128, seed=6).to_dataset(name="B").drop_vars("band")
    settings = {"context": "none", "quality": 40}
    cube.to_zarr(
        path,
        encoding={"B": tec_zarr.encoding(chunks=(DATES, 12, 64, 64), **settings)},
        consolidated=False,
    )
    learned = tmp_path_factory.mktemp("reads") / "learned.zarr"
    cube.isel(y=slice(0, 32), x=slice(0, 32)).to_zarr(
        learned,
        encoding={"B": tec_zarr.encoding(chunks=(DATES, 12, 32, 32), quality=40, key_interval=KEY)},
        consolidated=False,
    )
    return path, learned


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    CACHE.reset()
    COUNTERS.reset()


def decoded() -> int:
    return COUNTERS.snapshot().get("dates decoded", 0)


def opened(path, chunks=None):
    with warnings.catch_warnings():
        # That Dask's chunks are parts of the store's is what is tested.
        warnings.filterwarnings("ignore", "The specified chunks separate the stored chunks")
        return xr.open_zarr(path, consolidated=False, chunks=chunks)["B"]


@pytest.mark.parametrize("chunks", [None, {}, {"time": 1}], ids=["numpy", "dask", "dask by date"])
@pytest.mark.parametrize("date", [0, 3, 4, 9, 15])
def test_one_date_decodes_no_more_than_the_key_interval(store, chunks, date):
    _, learned = store
    values = opened(learned, chunks).isel(time=date).values
    if chunks == {}:
        # Dask reads its chunk, which is all of the store's, unless a slice comes before.
        assert decoded() <= DATES
    else:
        assert decoded() == date % KEY + 1
    np.testing.assert_array_equal(values, opened(learned).values[date])


def test_a_window_touches_only_its_chunks(store):
    path, _ = store
    opened(path).isel(time=5, y=slice(10, 50), x=slice(70, 110)).load()
    assert decoded() == 1
    COUNTERS.reset()
    opened(path).isel(time=5, y=slice(60, 70), x=slice(60, 70)).load()
    assert decoded() == 3


def test_bands_in_a_loop_decode_once(store):
    path, learned = store
    array = opened(learned)
    for band in range(12):
        array.isel(band=band).load()
    assert decoded() == DATES
    COUNTERS.reset()
    lazy = opened(path, {"time": DATES, "band": 1, "y": 64, "x": 64})
    for band in range(12):
        lazy.isel(band=band).load(scheduler="threads")
    assert decoded() == 4 * DATES


def test_a_pixel_over_time_and_windows_that_move_decode_once(store):
    _, learned = store
    array = opened(learned)
    for x in range(10):
        array.isel(y=slice(x, x + 9), x=slice(x, x + 9)).load()
        array.isel(y=x, x=3).load()
    assert decoded() == DATES


def test_threads_that_want_the_same_chunk_decode_it_once(store):
    _, learned = store
    lazy = opened(learned, {"time": 1, "band": 1, "y": 32, "x": 32})
    lazy.isel(time=slice(0, KEY)).load(scheduler="threads", num_workers=8)
    assert decoded() == KEY


def test_the_cache_can_be_switched_off(store):
    _, learned = store
    tec_zarr.set_cache_limit(0)
    try:
        for band in range(3):
            opened(learned).isel(time=0, band=band).load()
        assert decoded() == 3
    finally:
        tec_zarr.set_cache_limit(256 * 2**20)
    with pytest.raises(tec_zarr.InvalidInputError, match="a number of bytes, 0 or more"):
        tec_zarr.set_cache_limit(-1)


class Grows(WrapperStore):
    """Gets another date between the two steps in which a chunk is read."""

    def __init__(self, store, grow):
        super().__init__(store)
        self.grow = grow

    def _with_store(self, store):
        return type(self)(store, self.grow)

    def _grow_once(self, key):
        if key.startswith("c/") and self.grow:
            self.grow.pop()()

    async def get(self, key, prototype, byte_range=None):
        found = await self._store.get(key, prototype, byte_range)
        await asyncio.to_thread(self._grow_once, key)
        return found

    def get_sync(self, key, *, prototype=None, byte_range=None):
        found = self._store.get_sync(key, prototype=prototype, byte_range=byte_range)
        self._grow_once(key)
        return found


def read_with_tasks(store):
    return zarr.open_array(store, mode="r")[1]


def read_without_tasks(store):
    """As the pipeline of later releases of Zarr does it."""
    array = zarr.open_array(store, mode="r")
    config = array.async_array.config
    spec = array.metadata.get_chunk_spec((0,) * 4, config, default_buffer_prototype())
    chunk = StorePath(store, "c/0/0/0/0")
    found = array.serializer._decode_partial_sync(chunk, (1, slice(None)), spec)
    return found.as_numpy_array()


@pytest.mark.parametrize("read", [read_with_tasks, read_without_tasks])
def test_a_date_that_is_added_while_another_is_read_does_no_harm(read):
    noise = np.random.default_rng(1).integers(1000, 9000, (3, 2, 128, 128)).astype("uint16")
    store = MemoryStore()
    how = tec_zarr.encoding(context="none", quality=90, offset_dn=0)
    array = zarr.create_array(store, shape=noise.shape, chunks=noise.shape, dtype="uint16", **how)
    array[:2] = noise[:2]
    expected = array[1]
    CACHE.reset()

    def add():
        array[2] = noise[2]
        CACHE.reset()

    additions = [add]
    np.testing.assert_array_equal(read(Grows(store, additions)), expected)
    assert not additions
    assert array[2].any()


def test_what_is_damaged_in_the_store_stays_an_error_of_two_steps():
    noise = np.random.default_rng(1).integers(1000, 9000, (3, 2, 128, 128)).astype("uint16")
    store = MemoryStore()
    how = tec_zarr.encoding(context="none", quality=90, offset_dn=0)
    array = zarr.create_array(store, shape=noise.shape, chunks=noise.shape, dtype="uint16", **how)
    array[...] = noise
    CACHE.reset()
    data = bytearray(store._store_dict["c/0/0/0/0"].to_bytes())
    data[-1] ^= 1
    damaged = default_buffer_prototype().buffer.from_bytes(bytes(data))
    store._store_dict["c/0/0/0/0"] = damaged
    opened_array = zarr.open_array(store, mode="r")
    assert opened_array[1].any()
    with pytest.raises(DamagedChunkError, match="checksum of date 2"):
        opened_array[2]
