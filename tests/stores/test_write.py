"""ds.tec.to_zarr and ds.tec.encoding: whole stores or none."""

import io
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import dask
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore, ZipStore

import tec_zarr
from tec_zarr import InvalidInputError, TargetError
from tec_zarr.codec import metrics
from tec_zarr.synthetic.observations import series
from tests.stores.scenes import SMALL, opened


def test_masks_are_lossless_and_the_progress_bar_shows(scene, tmp_path, capsys):
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, quality=50)
    assert "Completed" in capsys.readouterr().out
    back = opened(tmp_path / "a.zarr")
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    assert back["B"].encoding["chunks"] == (2, 12, 32, 32)
    assert metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0) > 31


@pytest.mark.slow
def test_a_data_array_and_its_encoding(scene, tmp_path):
    codec = scene["B"].tec.encoding(quality=61, chunks=SMALL)
    cube = scene["B"].tec.to_cube()
    cube.to_zarr(tmp_path / "a.zarr", encoding=codec, consolidated=False)
    scene["B"].tec.to_zarr(tmp_path / "b.zarr", quality=61, chunks=SMALL, progress=False)
    one, other = opened(tmp_path / "a.zarr"), opened(tmp_path / "b.zarr")
    np.testing.assert_allclose(one["B"], other["B"], atol=1)
    assert one.tec.info()["quality"] == other.tec.info()["quality"] == 61


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zip_file_holds_what_a_folder_would(scene, tmp_path, zarr_format):
    for name in ("a.zarr", "a.zip"):
        scene.tec.to_zarr(
            tmp_path / name, chunks=SMALL, quality=50, zarr_format=zarr_format, progress=False
        )
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        xr.testing.assert_allclose(opened(store).load(), opened(tmp_path / "a.zarr").load(), atol=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zip"]
    with pytest.raises(FileExistsError):
        scene.tec.to_zarr(tmp_path / "a.zip")
    scene.isel(time=[0]).tec.to_zarr(tmp_path / "a.zip", mode="w", progress=False)
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        assert opened(store).sizes["time"] == 1


def test_what_would_break_a_zip_file_is_refused(scene, tmp_path):
    with pytest.raises(InvalidInputError, match="give the path"):
        scene.tec.to_zarr(ZipStore(tmp_path / "a.zip", mode="w"))
    with pytest.raises(InvalidInputError, match="cannot be added to a zip file"):
        scene.tec.append(tmp_path / "a.zip")


def test_what_fails_leaves_no_store(scene, tmp_path):
    path = tmp_path / "a.zarr"
    with pytest.raises(TargetError):
        scene.tec.to_zarr(path, psnr=90, chunks=SMALL, progress=False)
    assert list(tmp_path.iterdir()) == []
    scene.tec.to_zarr(path, chunks=SMALL, quality=5, progress=False)
    with pytest.raises(FileExistsError, match=r"append\(\) adds dates"):
        scene.tec.to_zarr(path, chunks=SMALL, quality=5, progress=False)
    with pytest.raises(TargetError):
        scene.tec.to_zarr(path, mode="w", psnr=90, chunks=SMALL, progress=False)
    assert opened(path).tec.info()["quality"] == 5
    scene.tec.to_zarr(path, mode="w", quality=6, chunks=SMALL, progress=False)
    assert opened(path).tec.info()["quality"] == 6
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidInputError, match="mode must be"):
        scene.tec.to_zarr(path, mode="a", progress=False)


@pytest.mark.parametrize("dim", ["time", "y", "x"])
def test_an_empty_cube_is_an_error_that_says_so(scene, tmp_path, dim):
    empty = scene.isel({dim: slice(0, 0)})
    with pytest.raises(InvalidInputError, match=f"the cube is empty along {dim}: there is nothing"):
        empty.tec.to_zarr(tmp_path / "a.zarr", progress=False)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.estimate(quality=50)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.to_zarr(tmp_path / "a.zarr", ratio=10, progress=False)
    assert not list(tmp_path.iterdir())
    scene.tec.to_zarr(tmp_path / "b.zarr", chunks={"time": 1}, progress=False)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.append(tmp_path / "b.zarr", progress=False)


SMALLEST = {"chunks": {"time": 1, "y": 32, "x": 32}, "context": "none", "progress": False}


def test_a_group_of_a_store(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.isel(time=[0]).tec.to_zarr(path, group="fine/r10m", **SMALLEST)
    scene.isel(time=[1]).tec.to_zarr(path, group="r20m", **SMALLEST)
    scene.isel(time=[2]).tec.append(path, group="fine/r10m", progress=False)
    assert list(xr.open_zarr(path, group="fine/r10m")["time"]) == list(scene["time"][[0, 2]])
    before = xr.open_zarr(path, group="r20m").load()
    with pytest.raises(FileExistsError, match=r"a\.zarr/fine/r10m is there already"):
        scene.isel(time=[3]).tec.to_zarr(path, group="fine/r10m", **SMALLEST)
    scene.isel(time=[3]).tec.to_zarr(path, group="fine/r10m", mode="w", **SMALLEST)
    assert list(xr.open_zarr(path, group="fine/r10m")["time"]) == list(scene["time"][[3]])
    assert xr.open_zarr(path, group="r20m").identical(before)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_url_with_options(scene, tmp_path, zarr_format):
    url = f"memory://bucket/{tmp_path.name}.zarr"
    options = {"use_listings_cache": False}
    scene.isel(time=[0]).tec.to_zarr(
        url, storage_options=options, zarr_format=zarr_format, **SMALLEST
    )
    scene.isel(time=[1]).tec.append(url, storage_options=options, progress=False)
    assert xr.open_zarr(url, storage_options=options).sizes["time"] == 2
    for action in (
        lambda: scene.tec.to_zarr(tmp_path / "a.zarr", storage_options=options, **SMALLEST),
        lambda: scene.tec.append(tmp_path / "a.zarr", storage_options=options, progress=False),
    ):
        with pytest.raises(InvalidInputError, match="storage_options are for URLs"):
            action()


def test_a_target_that_cannot_be_met_changes_no_store_elsewhere(scene, tmp_path):
    url = f"memory://bucket/{tmp_path.name}.zarr"
    scene.tec.to_zarr(url, quality=20, chunks=SMALL, progress=False)
    before = xr.open_zarr(url).load()
    for target in ({"psnr": 200}, {"total_bytes": 10}):
        with pytest.raises(TargetError):
            scene.tec.to_zarr(url, mode="w", chunks=SMALL, progress=False, **target)
        assert xr.open_zarr(url).identical(before)


def test_a_file_url_is_a_path(scene, tmp_path):
    scene.isel(time=[0]).tec.to_zarr(f"file://{tmp_path}/a.zarr", **SMALLEST)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 1


def test_shards_hold_several_chunks_and_grow(scene, tmp_path):
    path = tmp_path / "a.zarr"
    plain = tmp_path / "b.zarr"
    shards = {"time": 2, "y": 64, "x": -1}
    scene.isel(time=[0]).tec.to_zarr(path, shards=shards, **SMALLEST)
    scene.isel(time=slice(1, 4)).tec.append(path, progress=False)
    scene.tec.to_zarr(plain, **SMALLEST)
    stored = xr.open_zarr(path)
    assert stored["B"].encoding["shards"] == (2, 12, 64, 96)
    assert stored["B"].encoding["chunks"] == (1, 12, 32, 32)
    assert len([file for file in (path / "B" / "c").rglob("*") if file.is_file()]) == 2
    xr.testing.assert_identical(stored.load(), xr.open_zarr(plain).load())


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"shards": {"y": 40}}, "shards= gives y a size of 40, and a chunk has 32"),
        ({"shards": {"band": 12}}, "sizes of time, y and x"),
        ({"shards": 64}, "sizes of time, y and x"),
        ({"shards": {"y": 64}, "zarr_format": 2}, "needs zarr_format=3; got 2"),
        ({"region": "auto"}, r"append\(\) adds dates"),
        ({"append_dim": "time"}, r"append\(\) adds dates"),
        ({"compute": False}, "compute=False is not possible"),
        ({"consolidated": False}, "consolidated=False is not possible"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(scene, tmp_path, keywords, said):
    with pytest.raises(InvalidInputError, match=said):
        scene.tec.to_zarr(tmp_path / "a.zarr", **SMALLEST, **keywords)
    assert not list(tmp_path.iterdir())


def test_what_is_no_place_is_named(scene):
    with pytest.raises(InvalidInputError, match="a path, a URL or a store of zarr; got int: 7"):
        scene.tec.to_zarr(7, **SMALLEST)


def test_the_store_that_is_read_can_be_replaced(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.to_zarr(path)
    xr.open_zarr(path).drop_encoding().tec.to_zarr(path, mode="w", max_error=0, **SMALLEST)
    np.testing.assert_array_equal(xr.open_zarr(path)["B"], scene["B"])


def test_bounds_go_by_the_names_that_a_caller_has_for_bands(scene):
    bands = scene["B"].isel(time=slice(0, 1), band=[1, 2]).to_dataset("band")
    named = bands.rename({"B02": "blue", "B03": "green"})
    store = MemoryStore()
    bounds = {"blue": 0, "B03": 90}
    named.tec.to_zarr(store, max_error=bounds, offset_dn=0, progress=False)
    found = xr.open_zarr(store).tec.from_cube()
    np.testing.assert_array_equal(found["blue"], named["blue"])
    assert 0 < np.abs(found["green"] - named["green"].astype(float)).max() <= 90
    twice = {**bounds, "B02": 1}
    with pytest.raises(InvalidInputError, match="max_error names B02 twice: blue, B03, B02"):
        named.tec.to_zarr(MemoryStore(), max_error=twice, offset_dn=0)


def test_threads_write_stores_of_their_own_at_the_same_time(scene, tmp_path):
    """One that ends does not take the others' threads away."""
    begun = {True: threading.Event(), False: threading.Event()}
    ended = threading.Event()

    def wait(block, is_first):
        begun[is_first].set()
        assert begun[not is_first].wait(60)
        if not is_first:
            assert ended.wait(60)
        return block

    def write(is_first):
        lazy = scene["B"].isel(time=[0, 1]).chunk({"time": 1, "y": 32, "x": 32})
        meta = np.array((), lazy.dtype)
        blocks = lazy.data.map_blocks(wait, is_first=is_first, dtype=lazy.dtype, meta=meta)
        path = tmp_path / f"{is_first}.zarr"
        lazy.copy(data=blocks).tec.to_zarr(path, chunks=SMALL, context="none", progress=False)
        ended.set()
        return opened(path)["B"].load()

    with dask.config.set(num_workers=1), ThreadPoolExecutor(2) as pool:
        one, other = pool.map(write, (True, False))
    xr.testing.assert_identical(one, other)


@pytest.mark.parametrize("dims", [(), ("time",), ("time", "y", "x")])
def test_names_that_are_paths_are_refused(scene, tmp_path, dims):
    sizes = [scene.sizes[dim] for dim in dims]
    odd = scene.assign({"mask/cloud": (dims, np.ones(sizes, "u1"))})
    with pytest.raises(InvalidInputError, match=r"'mask/cloud'.*mask_cloud"):
        odd.tec.to_zarr(tmp_path / "a.zarr", progress=False)
    assert not list(tmp_path.iterdir())


class _Broken(io.StringIO):
    """A stream behind which a disk is full, or that nobody reads any more."""

    def __init__(self, error):
        super().__init__()
        self._error = error

    def write(self, text):
        raise self._error

    def flush(self):
        raise self._error


@pytest.mark.parametrize(
    "stream",
    [None, _Broken(OSError(28, "full")), _Broken(BrokenPipeError()), _Broken(ValueError("closed"))],
    ids=["none", "full", "broken pipe", "closed"],
)
def test_a_bar_that_cannot_be_shown_fails_no_write(stream, monkeypatch, tmp_path):
    cube = series(2, (32, 32), seed=1)
    monkeypatch.setattr(sys, "stdout", stream)
    cube.isel(time=[0]).tec.to_zarr(tmp_path / "cube.zarr")
    cube.isel(time=[1]).tec.append(tmp_path / "cube.zarr")
    tec_zarr.decompress(tmp_path / "cube.zarr", tmp_path / "plain.zarr")
    assert xr.open_zarr(tmp_path / "plain.zarr").sizes["time"] == 2
