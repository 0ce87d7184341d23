"""Stores in a bucket, by s3fs and by obstore: written, grown, and read a little at a time."""

import concurrent.futures
import multiprocessing
import warnings

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.codec.fetching import FIRST_BYTES
from tec_zarr.runtime.cache import CACHE
from tec_zarr.synthetic import series
from tests.stores import kills
from tests.stores.buckets import CountingStore, by_fsspec, by_obstore
from tests.stores.kills import BUCKET

pytest.importorskip("moto.server", reason="needs moto[server], an S3 server for tests")
pytest.importorskip("s3fs", reason="needs s3fs, which writes to S3")

LENGTH = 8
CHUNKS = {"time": LENGTH, "y": 32, "x": 32}
OPTIONS = {"chunks": CHUNKS, "context": "none", "quality": 90, "progress": False}


@pytest.fixture(scope="module")
def options():
    with kills.bucket() as made:
        yield made


@pytest.fixture(params=["fsspec", "obstore"])
def store(request, options):
    """An empty store of each test's own."""
    name = request.node.name
    if request.param == "obstore":
        pytest.importorskip("obstore", reason="needs obstore, another way to S3")
        return by_obstore(options, name)
    return by_fsspec(options, name)


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    """Twelve dates of 12 bands, 64 x 64 pixels, with a mask."""
    bands = series(12, 64, seed=5).assign_attrs(offset_dn=0)
    classes = np.arange(12, dtype="u1")[:, None, None] + np.zeros((12, 64, 64), "u1")
    return xr.Dataset({"B": bands, "SCL": xr.DataArray(classes, dims=("time", "y", "x"))})


@pytest.fixture(autouse=True)
def _nothing_remembered():
    CACHE.reset()


def dates(cube: xr.Dataset, first: int, end: int) -> xr.Dataset:
    return cube.isel(time=slice(first, end))


def test_a_store_grows_by_a_date_at_a_time(store, cube, tmp_path):
    """As it does in a folder, and dates that are there stay as they are."""
    dates(cube, 0, 6).tec.to_zarr(store, **OPTIONS)
    dates(cube, 0, 6).tec.to_zarr(tmp_path / "a.zarr", **OPTIONS)
    before = xr.open_zarr(store).load()
    for date in range(6, 9):
        dates(cube, date, date + 1).tec.append(store, progress=False)
        dates(cube, date, date + 1).tec.append(tmp_path / "a.zarr", progress=False)
        grown = xr.open_zarr(store).load()
        xr.testing.assert_identical(grown.isel(time=slice(0, -1)), before)
        before = grown
    xr.testing.assert_identical(grown, xr.open_zarr(tmp_path / "a.zarr").load())
    np.testing.assert_array_equal(grown["SCL"], cube["SCL"][:9])
    difference = grown["B"].astype(int) - cube["B"][:9].astype(int)
    assert float(np.sqrt((difference**2).mean())) < 40


def test_dates_that_fail_leave_the_store_as_it_was(store, cube):
    dates(cube, 0, 2).tec.to_zarr(store, **OPTIONS)
    before = xr.open_zarr(store).load()

    def broken(block: np.ndarray, block_info=None) -> np.ndarray:
        if block_info[0]["chunk-location"][2:] == (1, 1):
            raise ValueError("broken")
        return block

    more = dates(cube, 2, 4).chunk({**CHUNKS, "band": -1})
    bands = more["B"].data.map_blocks(broken, dtype="u2")
    with pytest.raises(ValueError, match="broken"):
        more.assign(B=more["B"].copy(data=bands)).tec.append(store, progress=False)
    xr.testing.assert_identical(xr.open_zarr(store).load(), before)
    more.tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 4


@pytest.fixture
def counting(store, cube):
    """A store of long chunks that are larger than what is read first."""
    options = {**OPTIONS, "chunks": {"time": LENGTH, "y": 64, "x": 32}, "quality": 100}
    cube.tec.to_zarr(store, **options)
    return CountingStore(store)


def sizes(counting: CountingStore, cube: xr.Dataset) -> dict[str, int]:
    """Bytes of all chunks by key."""
    CACHE.reset()
    xr.open_zarr(counting, chunks=None)["B"].load()
    whole = {key: size for key, _, size in counting.taken()}
    CACHE.reset()
    assert len(whole) == 4
    return whole


def test_one_date_fetches_the_front_and_one_range(counting, cube):
    whole = sizes(counting, cube)
    opened = xr.open_zarr(counting, chunks=None)["B"]
    assert counting.taken() == []
    for date in (0, 3, 7):
        opened[date].load()
        got = counting.taken()
        keys = {key for key, _, _ in got}
        assert keys == {"B/c/0/0/0/0", "B/c/0/0/0/1"}
        for key in keys:
            ranges = [wanted for name, wanted, _ in got if name == key]
            fetched = sum(size for name, _, size in got if name == key)
            assert len(ranges) == 2
            assert ranges[0] == (0, FIRST_BYTES)
            assert fetched < FIRST_BYTES + 1.6 * whole[key] / LENGTH
            assert fetched < whole[key] / 2


def test_a_window_touches_its_chunks_alone(counting, cube):
    opened = xr.open_zarr(counting, chunks=None)["B"]
    opened[9, :, 3:20, 40:60].load()
    keys = {key for key, _, _ in counting.taken()}
    assert keys == {"B/c/1/0/0/1"}


def test_a_loop_over_bands_decodes_a_date_once(counting, cube):
    opened = xr.open_zarr(counting, chunks=None)["B"]
    before = tec_zarr.counters().get("dates decoded", 0)
    for band in range(12):
        opened[1, band, :32, :32].load()
    assert tec_zarr.counters()["dates decoded"] - before == 1


def begin(store, cube: xr.Dataset) -> None:
    """Metadata alone, for writers of regions."""
    lazy = cube[["B"]].chunk({**CHUNKS, "band": -1})
    codec = tec_zarr.encoding(context="none", quality=90)
    encoding = {"B": {**codec, "chunks": (LENGTH, 12, 32, 32)}}
    lazy.to_zarr(store, encoding=encoding, compute=False, consolidated=True)


def part(cube: xr.Dataset, x: slice) -> xr.Dataset:
    return cube[["B"]].isel(x=x).drop_vars(["time", "band", "y"])


def test_writers_of_different_chunks_meet_in_one_store(store, cube):
    begin(store, cube)
    regions = [slice(0, 32), slice(32, 64)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        written = []
        for x in regions:
            written.append(pool.submit(part(cube, x).to_zarr, store, region={"x": x}))
        for future in written:
            future.result()
    difference = xr.open_zarr(store).load()["B"].astype(int) - cube["B"].astype(int)
    assert float(np.sqrt((difference**2).mean())) < 40


def write_region(options: dict, way, name: str, cube: xr.Dataset, x: slice) -> None:
    part(cube, x).to_zarr(way(options, name), region={"x": x})


@pytest.mark.slow
@pytest.mark.parametrize("way", [by_fsspec, by_obstore])
def test_writers_of_different_chunks_may_be_processes(options, cube, way):
    if way is by_obstore:
        pytest.importorskip("obstore", reason="needs obstore, another way to S3")
    name = f"{way.__name__}.zarr"
    begin(way(options, name), cube)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        written = []
        for x in (slice(0, 32), slice(32, 64)):
            written.append(pool.submit(write_region, options, way, name, cube, x))
        for future in written:
            future.result()
    difference = xr.open_zarr(way(options, name)).load()["B"].astype(int) - cube["B"].astype(int)
    assert float(np.sqrt((difference**2).mean())) < 40


def test_a_plain_reader_opens_it_without_a_warning(options, cube):
    url = f"s3://{BUCKET}/plain.zarr"
    dates(cube, 0, 2).tec.to_zarr(url, storage_options=options, **OPTIONS)
    dates(cube, 2, 3).tec.append(url, storage_options=options, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = xr.open_zarr(url, storage_options=options).load()
    np.testing.assert_array_equal(read["time"], cube["time"][:3])
    difference = read["B"].astype(int) - cube["B"][:3].astype(int)
    assert float(np.sqrt((difference**2).mean())) < 40
