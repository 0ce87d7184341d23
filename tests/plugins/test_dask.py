"""Dask encodes and decodes chunks where its tasks run, without any set-up."""

import concurrent.futures
import multiprocessing
import os
import pickle
import threading
import time

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore

import tec_zarr
from tec_zarr import TerraCodec, TerraCodecSerializer
from tec_zarr.bitstream import container
from tec_zarr.codec.partial import Layout, read_part
from tec_zarr.codec.settings import Settings
from tec_zarr.runtime import loading
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.service import cores
from tec_zarr.synthetic import series
from tests.plugins import faults
from tests.stores.scenes import files

distributed = pytest.importorskip("distributed", reason="needs dask's distributed scheduler")

pytestmark = pytest.mark.slow

CHUNKS = {"time": 2, "y": 32, "x": 32}
LAST_CHUNK = "B/c/0/0/1/1"
WAYS = ["xarray", "tec"]
WAIT = 120
"""Seconds after which a child hangs."""


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    """Eight chunks."""
    bands = series(4, 64, seed=3)
    return xr.Dataset({"B": bands.assign_attrs(offset_dn=0)}).chunk({**CHUNKS, "band": -1})


def write(cube: xr.Dataset, store, way: str = "xarray", zarr_format: int = 3) -> None:
    if way == "tec":
        options = {"quality": 50, "chunks": CHUNKS, "progress": False}
        cube.tec.to_zarr(store, zarr_format=zarr_format, **options)
        return
    encoding = {"B": tec_zarr.encoding(zarr_format=zarr_format, quality=50)}
    cube.to_zarr(store, zarr_format=zarr_format, encoding=encoding, consolidated=True)


@pytest.fixture(scope="module")
def whole(cube, tmp_path_factory):
    """Stores of every way and format, by the scheduler that does one thing after the other."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    with dask.config.set(scheduler="synchronous"):
        for way in WAYS:
            for zarr_format in (2, 3):
                made[way, zarr_format] = folder / f"{way}-{zarr_format}"
                write(cube, made[way, zarr_format], way, zarr_format)
    return made


def cluster_of(processes: bool) -> distributed.LocalCluster:
    """Two workers of one thread each."""
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=processes, dashboard_address=None
    )


@pytest.fixture(scope="module")
def cluster():
    """Workers that are processes."""
    with cluster_of(processes=True) as made:
        yield made


@pytest.fixture(scope="module")
def threads_cluster():
    """Workers in this process."""
    with cluster_of(processes=False) as made:
        yield made


@pytest.fixture(scope="module")
def processes():
    """Of Dask's scheduler "processes", which it would begin anew for each call."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes", "cluster", "threads_cluster"])
def scheduled(request):
    """Each of Dask's ways to work."""
    if request.param == "threads":
        with dask.config.set(scheduler="threads", num_workers=4):
            yield
    elif request.param == "processes":
        pool = request.getfixturevalue("processes")
        with dask.config.set(scheduler="processes", pool=pool):
            yield
    else:
        with distributed.Client(request.getfixturevalue(request.param)):
            yield


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("way", WAYS)
def test_every_scheduler_writes_the_same_bytes(cube, whole, scheduled, tmp_path, way, zarr_format):
    write(cube, tmp_path / "a.zarr", way, zarr_format)
    expected = whole[way, zarr_format]
    assert files(tmp_path / "a.zarr") == files(expected)
    read = xr.open_zarr(tmp_path / "a.zarr").load()
    np.testing.assert_allclose(read["B"], xr.open_zarr(expected, chunks=None)["B"], atol=1)


@pytest.mark.parametrize("way", WAYS[-1:])
def test_a_task_that_is_tried_again_writes_the_same(cube, whole, cluster, tmp_path, way):
    broken = faults.with_fault(cube, faults.fail, tmp_path / "failed")
    with distributed.Client(cluster), dask.annotate(retries=2):
        write(broken, tmp_path / "a.zarr", way)
    assert (tmp_path / "failed").exists()
    assert files(tmp_path / "a.zarr") == files(whole[way, 3])


@pytest.mark.parametrize("way", WAYS[-1:])
def test_a_worker_that_is_killed_in_its_source_loses_nothing(cube, whole, cluster, tmp_path, way):
    broken = faults.with_fault(cube, faults.kill, tmp_path / "killed")
    with distributed.Client(cluster):
        write(broken, tmp_path / "a.zarr", way)
    assert (tmp_path / "killed").exists()
    assert files(tmp_path / "a.zarr") == files(whole[way, 3])


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("way", WAYS[:1])
def test_a_worker_that_is_killed_while_it_stores_loses_nothing(
    cube, whole, cluster, tmp_path, way, is_after
):
    marker = tmp_path / "killed"
    place = LocalStore(tmp_path / "a.zarr")
    store = faults.KillingStore(place, LAST_CHUNK, marker, is_after=is_after)
    with distributed.Client(cluster):
        write(cube, store, way)
    assert marker.exists()
    assert files(tmp_path / "a.zarr") == files(whole[way, 3])


@pytest.fixture
def no_other_try(cluster):
    """Dask gives up where a worker is lost."""
    scheduler = cluster.scheduler
    before = scheduler.allowed_failures
    scheduler.allowed_failures = 0
    yield
    scheduler.allowed_failures = before


@pytest.mark.parametrize("is_staged", [False, True])
def test_where_dask_gives_up_there_is_no_store(
    cube, whole, cluster, no_other_try, tmp_path, is_staged
):
    path = tmp_path / "a.zarr"
    broken = faults.with_fault(cube, faults.die, tmp_path / "killed")
    store = LocalStore(path) if is_staged else path
    with distributed.Client(cluster), pytest.raises(distributed.KilledWorker):
        write(broken, store, "tec")
    with pytest.raises(FileNotFoundError):
        xr.open_zarr(path)
    if is_staged:
        late = path / LAST_CHUNK
        late.parent.mkdir(parents=True, exist_ok=True)
        late.write_bytes(b"of a worker that came late")
    write(cube, store, "tec")
    assert files(path) == files(whole["tec", 3])


def test_where_dask_gives_up_a_store_is_as_before(cube, cluster, no_other_try, tmp_path):
    path = tmp_path / "a.zarr"
    write(cube, path, "tec")
    before = files(path)
    later = cube.assign_coords(time=cube["time"] + np.timedelta64(1000, "D"))
    broken = faults.with_fault(later, faults.die, tmp_path / "killed")
    with distributed.Client(cluster):
        with pytest.raises(distributed.KilledWorker):
            broken.tec.append(path, progress=False)
        with pytest.raises(distributed.KilledWorker):
            broken.tec.to_zarr(path, mode="w", progress=False)
    now = files(path)
    assert {name: now[name] for name in before} == before
    xr.testing.assert_identical(xr.open_zarr(path, chunks=None)["time"], cube["time"])
    later.tec.append(path, progress=False)
    assert xr.open_zarr(path).sizes["time"] == 8


def coded_in_a_child(values: np.ndarray) -> tuple[bytes, dict[str, float], int]:
    """A chunk, and what the child thinks that it has coded."""
    held = CACHE.size
    return TerraCodec(quality=50).encode(values), tec_zarr.counters(), held


@pytest.mark.parametrize("kind", ["fork", "forkserver", "spawn"])
def test_children_of_a_process_that_has_encoded_begin_anew(kind):
    if kind not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {kind} on this system")
    values = series(2, 32, seed=4).values
    expected = TerraCodec(quality=50).encode(values)
    read_part_of(expected, values.shape)
    assert CACHE.size
    with multiprocessing.get_context(kind).Pool(1) as pool:
        data, counted, held = pool.apply_async(coded_in_a_child, (values,)).get(WAIT)
    assert data == expected
    assert counted["chunks encoded"] == 1
    assert held == 0


def read_part_of(data: bytes, shape: tuple[int, ...]) -> None:
    """One date of a chunk, so that the cache holds it."""
    selection = (slice(0, 1), slice(None), slice(None), slice(None))
    layout = Layout(shape, np.dtype("u2"), 0)
    read_part(container.parse(data), selection, layout, Settings(quality=50), "cpu")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_that_are_forked_while_threads_encode_do_not_hang():
    """Every lock may be taken at that moment, by a thread that the child does not have."""
    values = series(2, 32, seed=4).values
    expected = TerraCodec(quality=50).encode(values)
    ends = threading.Event()

    def go_on() -> None:
        while not ends.is_set():
            TerraCodec(quality=50).encode(values)

    busy = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in busy:
        thread.start()
    try:
        for _ in range(5):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                data, counted, _ = pool.apply_async(coded_in_a_child, (values,)).get(WAIT)
            assert data == expected
            assert counted["chunks encoded"] == 1
    finally:
        ends.set()
        for thread in busy:
            thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_that_are_forked_while_a_model_is_loaded_do_not_hang():
    values = series(2, 32, seed=4).values
    held = threading.Event()

    def hold() -> None:
        with loading._lock:
            held.set()
            time.sleep(0.2)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        data, _, _ = pool.apply_async(coded_in_a_child, (values,)).get(WAIT)
    holder.join()
    assert data == TerraCodec(quality=50).encode(values)


BLOCK = (4, 12, 256, 256)


def large_cube(rows: int, columns: int) -> xr.Dataset:
    """Made up block by block on the workers: one synthetic scene, turned and brightened a
    different way each time."""
    scene = series(4, 256, seed=1).values

    def block(block_info=None):
        _, _, row, column = block_info[None]["chunk-location"]
        turned = np.rot90(scene, (row + column) % 4, axes=(2, 3))
        return np.ascontiguousarray(turned) + np.uint16(5 * row + column)

    array = da.map_blocks(
        block,
        chunks=((4,), (12,), (256,) * rows, (256,) * columns),
        dtype="uint16",
        meta=np.empty((0,) * 4, "uint16"),
    )
    return xr.Dataset({"B": (("time", "band", "y", "x"), array)})


def rmse(original: xr.Dataset, decoded: xr.Dataset) -> float:
    difference = original["B"].astype("float32") - decoded["B"].astype("float32")
    return float(np.sqrt((difference**2).mean().compute()))


def test_workers_of_one_thread_keep_to_a_core(cluster, tmp_path):
    cube = large_cube(2, 2)
    with distributed.Client(cluster) as client:
        client.run(faults.start_watch)
        cube.to_zarr(tmp_path / "a.zarr", encoding={"B": tec_zarr.encoding()})
        xr.open_zarr(tmp_path / "a.zarr")["B"].max().compute()
        seen = client.run(faults.end_watch)
    for batches, most_at_once, most_threads in seen.values():
        assert batches > 10
        assert (most_at_once, most_threads) == (1, 1)


def test_many_threads_of_dask_keep_to_the_cores_that_there_are(tmp_path):
    """Networks run on a thread a core however many chunks are coded at a time."""
    with dask.config.set(scheduler="threads", num_workers=4 * cores()), faults.Watch() as watch:
        large_cube(2, 4).to_zarr(tmp_path / "a.zarr", encoding={"B": tec_zarr.encoding()})
    assert watch.batches > 10
    assert watch.most_at_once <= cores()
    assert watch.most_threads == 1


@pytest.mark.parametrize(
    "codec", [TerraCodec(quality=7), TerraCodecSerializer(quality=7)], ids=["v2", "v3"]
)
def test_codecs_travel_small(codec):
    array = series(1, 64).values
    if isinstance(codec, TerraCodec):
        codec.decode(codec.encode(array))
    data = pickle.dumps(codec)
    assert len(data) < 1000
    assert pickle.loads(data) == codec
