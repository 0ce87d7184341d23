"""What reads through xarray and Dask decode, counted."""

import warnings

import numpy as np
import pytest
import xarray as xr

import tec_zarr
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
