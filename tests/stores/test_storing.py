"""ds.tec: writing, appending, budgets, estimates, what a store tells of itself."""

import warnings

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore, StorePath, ZipStore

from tec_zarr import InvalidInputError, TargetError, TargetWarning
from tec_zarr.codec import metrics
from tec_zarr.cubes.cubes import radiometry, to_cube
from tec_zarr.models.bands import L2A
from tec_zarr.stores import storing
from tec_zarr.stores.storing import describe_store
from tec_zarr.synthetic.observations import dataset

SMALL = {"time": 2, "y": 32, "x": 32}


@pytest.fixture(scope="module")
def scene() -> xr.Dataset:
    return dataset(4, (64, 80), seed=6)


def opened(path) -> xr.Dataset:
    return xr.open_zarr(path, consolidated=False)


def test_masks_are_lossless_and_the_progress_bar_shows(scene, tmp_path, capsys):
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, quality=50)
    assert "Completed" in capsys.readouterr().out
    back = opened(tmp_path / "a.zarr")
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    assert back["B"].encoding["chunks"] == (2, 12, 32, 32)
    assert metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0) > 31


def test_a_data_array_and_its_encoding(scene, tmp_path):
    codec = scene["B"].tec.encoding(quality=61, chunks=SMALL)
    cube = scene["B"].tec.to_cube()
    cube.to_zarr(tmp_path / "a.zarr", encoding=codec, consolidated=False)
    scene["B"].tec.to_zarr(tmp_path / "b.zarr", quality=61, chunks=SMALL, progress=False)
    one, other = opened(tmp_path / "a.zarr"), opened(tmp_path / "b.zarr")
    np.testing.assert_allclose(one["B"], other["B"], atol=1)
    assert one.tec.info()["quality"] == other.tec.info()["quality"] == 61


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_info_tells_what_was_written(scene, tmp_path, zarr_format):
    bound = {"B02": 40, "B08": 0}
    options = {"chunks": SMALL, "max_error": bound, "psnr": 36, "best_effort": True, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)
        scene.tec.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, **options)
    back = opened(tmp_path / "a.zarr")
    info = back.tec.info()
    files = [f for f in (tmp_path / "a.zarr" / "B").rglob("*") if f.is_file() and not f.name.startswith((".z", "zarr"))]
    assert info["bytes"] == sum(f.stat().st_size for f in files) == sum(c["bytes"] for c in info["chunks"])
    assert info["ratio"] == pytest.approx(scene["B"].nbytes / info["bytes"])
    assert info["bppb"] == pytest.approx(16 / info["ratio"])
    assert (info["psnr"], info["max_error"], info["model"]) == (36, bound, "tec-tt")
    assert len(info["chunks"]) == 2 * 2 * 3
    assert {c["target_met"] for c in info["chunks"]} <= {True, False}
    error = np.abs(back["B"].astype(int) - scene["B"].astype(int)).max(("time", "y", "x"))
    assert error.sel(band="B02") <= 40
    assert error.sel(band="B08") == 0


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_info_reads_the_front_of_chunks_alone(scene, tmp_path, monkeypatch, kind):
    """Also where header and directory are longer than what is read at first."""
    store = tmp_path / "a.zarr" if kind == "folder" else MemoryStore()
    scene.tec.to_zarr(store, chunks=SMALL, max_error={"B04": 0, "B08": 400}, quality=30, progress=False)
    info = describe_store(store)
    wanted = []

    async def get(self, prototype=None, byte_range=None, *, original=StorePath.get):
        if "B/c/" in self.path:
            wanted.append(byte_range)
        return await original(self, prototype, byte_range)

    monkeypatch.setattr(StorePath, "get", get)
    monkeypatch.setattr(storing, "FRONT_BYTES", 16)
    assert describe_store(store) == info
    assert len(wanted) == 2 * len(info["chunks"])
    assert all(wanted)
    assert info["bytes"] == sum(c["bytes"] for c in info["chunks"])


def test_info_of_what_is_no_store_of_ours(scene, tmp_path):
    with pytest.raises(InvalidInputError, match=r"xr\.open_zarr"):
        scene.tec.info()
    scene.to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.raises(InvalidInputError, match="not written with tec_zarr"):
        opened(tmp_path / "a.zarr").tec.info()


def test_appended_dates_leave_those_before_as_they_are(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.isel(time=slice(0, 2)).tec.to_zarr(path, chunks=SMALL, quality=40, progress=False)
    before = {f: f.read_bytes() for f in (path / "B" / "c").rglob("*") if f.is_file()}
    first = opened(path)["B"].values
    scene.isel(time=slice(2, 4)).tec.append(path, progress=False)
    back = opened(path)
    assert all(f.read_bytes() == data for f, data in before.items())
    np.testing.assert_array_equal(back["time"], scene["time"])
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    np.testing.assert_allclose(back["B"][:2], first, atol=1)
    assert metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0) > 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: ds.isel(y=slice(0, 32)), "y: "),
        (lambda ds: ds.assign_coords(x=ds["x"] + 10), "x: "),
        (lambda ds: ds.isel(band=slice(None, None, -1)), "band: "),
        (lambda ds: ds.assign(B=ds["B"].astype("float32")), "dtype: float32 here, uint16 in the store"),
        (lambda ds: ds.drop_vars("SCL"), "variables along time"),
    ],
)
def test_dates_that_do_not_fit_are_refused_and_nothing_changes(scene, tmp_path, change, said):
    path = tmp_path / "a.zarr"
    scene.isel(time=slice(0, 2)).tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    before = {f: f.read_bytes() for f in path.rglob("*") if f.is_file()}
    with pytest.raises(InvalidInputError, match=said):
        change(scene.isel(time=slice(2, 4))).tec.append(path, progress=False)
    assert {f: f.read_bytes() for f in path.rglob("*") if f.is_file()} == before


def test_a_last_chunk_that_is_not_full_is_not_coded_again(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.isel(time=slice(0, 3)).tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    with pytest.raises(InvalidInputError, match="3 dates in chunks of 2: the last chunk is not full"):
        scene.isel(time=[3]).tec.append(path, progress=False)
    assert opened(path).sizes["time"] == 3


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zip_file_holds_what_a_folder_would(scene, tmp_path, zarr_format):
    for name in ("a.zarr", "a.zip"):
        scene.tec.to_zarr(tmp_path / name, chunks=SMALL, quality=50, zarr_format=zarr_format, progress=False)
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


@pytest.mark.parametrize(("name", "value"), [("total_bytes", 9_000), ("bppb", 0.3), ("ratio", 60)])
def test_budgets_of_the_whole_cube(scene, tmp_path, name, value):
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, progress=False, **{name: value})
    info = opened(tmp_path / "a.zarr").tec.info()
    found = info["bytes"] if name == "total_bytes" else info[name]
    assert found == pytest.approx(value, rel=0.02)
    assert len({c["quality"] for c in info["chunks"]}) == 1


def test_budgets_that_cannot_be(scene, tmp_path):
    with pytest.raises(TargetError, match="the nearest is"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, chunks=SMALL, progress=False)
    with pytest.raises(InvalidInputError, match="one of total_bytes, bppb and ratio"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, ratio=3)
    with pytest.raises(InvalidInputError, match="leave out quality"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, quality=3)
    with pytest.raises(InvalidInputError, match="bppb must be a positive number"):
        scene.tec.to_zarr(tmp_path / "a.zarr", bppb=-1)
    assert not (tmp_path / "a.zarr").exists()


def test_an_estimate_is_what_writing_gives(scene, tmp_path):
    guess = scene.tec.estimate(quality=60, chunks=SMALL, sample=6, precision=np.inf)
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, quality=60, progress=False)
    back = opened(tmp_path / "a.zarr")
    assert (guess.sampled, guess.chunks) == (6, 12)
    assert guess.bytes == pytest.approx(back.tec.info()["bytes"], rel=0.1)
    assert guess.rmse == pytest.approx(metrics.rmse(scene["B"].values, back["B"].values, scene["B"].values != 0), rel=0.1)
    whole = scene.tec.estimate(quality=60, chunks=SMALL, sample=None)
    assert whole.bytes == back.tec.info()["bytes"]
    assert whole.psnr == pytest.approx(metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0), abs=0.01)


def test_an_estimate_codes_more_chunks_where_they_differ_more(tmp_path):
    """Twenty-seven calm chunks and nine busy ones of several grids; none is coded twice."""
    rng = np.random.default_rng(1)
    values = np.full((1, 12, 100, 100), 1000, np.uint16)
    values[..., :40, :] += rng.integers(0, 3000, values[..., :40, :].shape, dtype=np.uint16)
    busy = xr.DataArray(values, dims=("time", "band", "y", "x"), coords={"band": list(L2A)}, attrs={"offset_dn": 0})
    options = {"quality": 30, "chunks": {"y": 18, "x": 18}}
    rough = busy.tec.estimate(**options, sample=4, precision=np.inf)
    good = busy.tec.estimate(**options, sample=4)
    busy.tec.to_zarr(tmp_path / "a.zarr", **options, progress=False)
    size = opened(tmp_path / "a.zarr").tec.info()["bytes"]
    assert (rough.chunks, good.chunks) == (36, 36)
    assert rough.sampled < good.sampled
    assert good.spread <= 0.03 < rough.spread
    assert good.bytes == pytest.approx(size, rel=0.1)


def test_beginnings_of_the_order_are_spread_over_all():
    for count in (1, 2, 7, 50, 1000):
        order = storing._spread_out(count)
        assert sorted(order) == list(range(count))
        for most in range(1, count + 1, max(1, count // 20)):
            gaps = np.diff([-1, *sorted(order[:most]), count])
            assert gaps.max() <= 3 * count / most + 2


def test_the_curve_rises(scene):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    curve = scene.tec.rd_curve([10, 50, 90], chunks=SMALL, sample=3, ax=axes)
    assert (np.diff(curve["psnr"]) > 0).all()
    assert (np.diff(curve["bppb"]) > 0).all()
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), curve["bppb"])


def cube_of(values, **attrs) -> xr.Dataset:
    return to_cube(xr.DataArray(values, dims=("band", "y", "x"), coords={"band": ["B02", "B03"]}, attrs=attrs))


@pytest.mark.parametrize(
    ("attrs", "offset"),
    [
        ({"offset_dn": -1000}, -1000),
        ({"scale_factor": 1e-4, "add_offset": -0.1}, -1000),
        ({"scale_factor": 1e-4, "add_offset": 0}, 0),
        ({"raster:bands": [{"scale": 1e-4, "offset": -0.1}]}, -1000),
        ({"BOA_ADD_OFFSET": -1000}, -1000),
    ],
)
def test_offsets_are_found_in_attributes(attrs, offset):
    assert radiometry(cube_of(np.ones((2, 4, 4), "u2"), **attrs), None, None, "auto")["offset_dn"] == offset


def test_offsets_are_not_guessed_silently():
    cube = cube_of(np.ones((2, 4, 4), "u2"))
    with pytest.warns(UserWarning, match="no attribute tells the offset"):
        assert radiometry(cube, None, None, "auto")["offset_dn"] == 0
    assert radiometry(cube, -1000, None, "auto")["offset_dn"] == -1000
    with pytest.raises(InvalidInputError, match="told differently"):
        radiometry(cube_of(np.ones((2, 4, 4), "u2"), offset_dn=0, BOA_ADD_OFFSET=-1000), None, None, "auto")
    late = cube.assign_coords({"s2:processing_baseline": "05.09"})
    with pytest.raises(InvalidInputError, match=r"processing baselines .*05.09.* offset of -1000"):
        radiometry(late, None, None, "auto")
    applied = late.assign_coords({"earthsearch:boa_offset_applied": True})
    assert radiometry(applied, None, None, "auto")["offset_dn"] == 0


@pytest.mark.parametrize(("size", "scale"), [(0.3, 1e-4), (3000.0, 1.0)])
def test_floats_are_reflectance_or_dn(size, scale):
    values = np.random.default_rng(0).uniform(0, size, (2, 8, 8)).astype("f4")
    values[0, 0, 0] = np.nan
    assert radiometry(cube_of(values), None, None, "auto") == {"scale": scale, "nodata": None}
    with pytest.raises(InvalidInputError, match=r"neither reflectance .* nor DN"):
        radiometry(cube_of(values * 20 / size), None, None, "auto")


@pytest.mark.parametrize(
    ("dtype", "attrs", "nodata"),
    [
        ("u2", {}, 0),
        ("i2", {"nodata": -9999}, -9999),
        ("f4", {"_FillValue": np.nan}, None),
        ("f4", {"_FillValue": -1.0}, -1.0),
    ],
)
def test_nodata_is_found_in_attributes(dtype, attrs, nodata):
    cube = cube_of(np.full((2, 4, 4), 0.1 if dtype == "f4" else 9, dtype), offset_dn=0, **attrs)
    assert radiometry(cube, None, None, "auto")["nodata"] == nodata
