"""`ds.tec.inpaint` as users call it: kinds of masks and cubes, laziness, windows, what it says
and refuses."""

import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.clouds import spans
from tec_zarr.synthetic import observations as synthetic

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def scene() -> xr.Dataset:
    """Three dates of 64 x 80 pixels: "B" and "SCL", a cloud drawn into the second date."""
    made = synthetic.dataset(3, (64, 80), cloud_cover=0)
    made["SCL"][1, 10:40, 20:60] = 9
    made["SCL"][1, 40:44, 20:60] = 3
    made["B"][1, :, 10:40, 20:60] = 9000
    return made


@pytest.fixture(scope="module")
def done(scene) -> xr.Dataset:
    return scene.tec.inpaint()


def hidden(scene: xr.Dataset) -> np.ndarray:
    return np.isin(scene["SCL"].values, (0, 3, 8, 9, 10))


def test_only_what_the_mask_hides_changes(scene, done):
    clear = ~np.broadcast_to(hidden(scene)[:, None], scene["B"].shape)
    np.testing.assert_array_equal(done["B"].values[clear], scene["B"].values[clear])
    assert (done["B"].values[1, :, 10:40, 20:60] < 9000).all()
    xr.testing.assert_identical(done.drop_vars("B"), scene.drop_vars("B"))
    assert done["B"].attrs == scene["B"].attrs
    assert (done["B"].dims, done["B"].dtype) == (scene["B"].dims, scene["B"].dtype)
    xr.testing.assert_equal(done["B"].coords.to_dataset(), scene["B"].coords.to_dataset())


@pytest.mark.slow
def test_kinds_of_masks_mean_the_same(scene, done):
    mask = xr.DataArray(hidden(scene), dims=("time", "y", "x"))
    for given, options in (
        (mask, {}),
        (mask.transpose("y", "x", "time"), {}),
        (mask * 0.8, {"threshold": 0.5}),
        (mask * np.uint8(80), {"threshold": 50}),
        (mask * np.int16(7), {"classes": [7]}),
        (mask.expand_dims("band", 1), {}),
    ):
        np.testing.assert_array_equal(scene.tec.inpaint(given, **options)["B"], done["B"])
        np.testing.assert_array_equal(scene["B"].tec.inpaint(given, **options), done["B"])


def test_classes_are_chosen(scene):
    clouds_alone = scene.tec.inpaint(classes=[9])["B"].values
    np.testing.assert_array_equal(clouds_alone[1, :, 40:44], scene["B"].values[1, :, 40:44])


def test_dilation_grows_the_mask_by_so_many_pixels_lazily_or_not(scene):
    mask = xr.DataArray(np.zeros((3, 64, 80), bool), dims=("time", "y", "x"))
    mask[1, 30, 31] = True
    found = [
        scene.tec.inpaint(m, dilate=3, details=True)[1]["origin"]
        for m in (mask, mask.chunk({"x": 16, "y": 16}))
    ]
    np.testing.assert_array_equal(*found)
    rows, columns = np.nonzero(found[0].values[1])
    np.testing.assert_array_equal(np.unique(rows), np.arange(27, 34))
    np.testing.assert_array_equal(np.unique(columns), np.arange(28, 35))
    assert np.hypot(rows - 30, columns - 31).max() <= 3


def test_a_variable_a_band_and_other_names_of_dims(scene, done):
    bands = scene["B"].to_dataset("band").assign(SCL=scene["SCL"])
    named = bands.rename({"B02": "blue"})
    found = named.tec.inpaint(offset_dn=0)
    assert set(found.data_vars) == set(named.data_vars)
    np.testing.assert_array_equal(found["blue"], done["B"].sel(band="B02"))
    assert found["blue"].attrs == named["blue"].attrs
    swapped = bands.rename({"y": "lat", "x": "lon"})
    np.testing.assert_array_equal(
        swapped.tec.inpaint(offset_dn=0)["B04"], done["B"].sel(band="B04")
    )


def test_dask_stays_lazy_and_gives_the_same(scene, done):
    read = []

    def count(block):
        read.append(block.shape)
        return block

    lazy = scene.chunk({"time": 1, "y": 32, "x": 32})
    lazy["B"] = lazy["B"].copy(
        data=da.map_blocks(count, lazy["B"].data, meta=np.empty((0, 0, 0, 0), np.uint16))
    )
    found, told = lazy.tec.inpaint(details=True)
    assert not read
    assert found["B"].chunks == lazy["B"].chunks
    np.testing.assert_array_equal(found["B"], done["B"])
    assert told["origin"].dtype == np.uint8
    assert read


@pytest.mark.slow
def test_windows_leave_no_seams(monkeypatch):
    """The error jumps where windows meet hardly more than it does in the same places of a cube
    that is done in one."""
    truth = synthetic.series(3, (96, 320), cloud_cover=0)
    mask = xr.zeros_like(truth.isel(band=0, drop=True), bool)
    mask[1, 20:70, 20:300] = True
    monkeypatch.setattr(spans, "CORE", 128)
    pieces = truth.tec.inpaint(mask)
    monkeypatch.setattr(spans, "CORE", 1024)
    whole = truth.tec.inpaint(mask)
    errors = [
        made.values[1, :, 20:70].astype(float) - truth.values[1, :, 20:70]
        for made in (pieces, whole)
    ]
    jumps = [np.abs(e[..., [128, 256]] - e[..., [127, 255]]).mean() for e in errors]
    assert 0 < jumps[0] < 1.25 * jumps[1]
    rmse = [np.sqrt((e[..., 20:300] ** 2).mean()) for e in errors]
    assert rmse[0] < 1.25 * rmse[1]
    assert (pieces.values != whole.values).any()


@pytest.mark.slow
def test_stores_of_ours_and_of_others(scene, tmp_path):
    scene.tec.to_zarr(tmp_path / "ours.zarr", quality=90, progress=False)
    scene.to_zarr(tmp_path / "plain.zarr", consolidated=False)
    for name in ("ours.zarr", "plain.zarr"):
        opened = xr.open_zarr(tmp_path / name, consolidated=False, mask_and_scale=False)
        found = opened.tec.inpaint()
        clear = ~np.broadcast_to(hidden(scene)[:, None], scene["B"].shape)
        np.testing.assert_array_equal(found["B"].values[clear], opened["B"].values[clear])
        assert (found["B"].values[1, :, 10:40, 20:60] < 9000).all()
        assert found["B"].attrs == opened["B"].attrs


def test_what_is_a_cube_already_stays_one(scene, done):
    cube = scene.tec.to_cube()
    found = cube.tec.inpaint()
    assert set(found) == {"B", "SCL"}
    np.testing.assert_array_equal(found["B"], done["B"])
    xr.testing.assert_identical(found.tec.from_cube()["SCL"], scene["SCL"])
    alone = cube["B"].tec.inpaint(cube["SCL"])
    assert alone.name == "B"
    np.testing.assert_array_equal(alone, done["B"])
    one_band = cube.isel(band=3).tec.inpaint()
    assert one_band["B"].dims == ("time", "y", "x")
    clear = ~hidden(scene)
    np.testing.assert_array_equal(
        one_band["B"].values[clear], scene["B"].isel(band=3).values[clear]
    )


def test_details_say_where_each_pixel_came_from(scene):
    _, told = scene.tec.inpaint(details=True)
    mask = hidden(scene)
    assert set(np.unique(told["origin"].values[mask])) == {1}
    assert (told["error"].values[mask] > 0).all()
    assert not told["error"].values[~mask].any()
    assert set(np.unique(told["date"].values[mask])) <= {0, 2}
    attrs = told["origin"].attrs
    assert dict(zip(attrs["flag_meanings"].split(), attrs["flag_values"], strict=True)) == {
        "clear": 0, "fitted": 1, "interpolated": 2, "continued": 3, "unfilled": 4, "nodata": 255,
    }  # fmt: skip


def test_warns_of_what_no_measurement_supports(scene):
    mask = xr.DataArray(hidden(scene), dims=("time", "y", "x"))
    mask[1] = True
    with pytest.warns(tec_zarr.InpaintingWarning, match="too little of them is clear"):
        scene.tec.inpaint(mask)
    mask[:, :20, :20] = True
    with pytest.warns(tec_zarr.InpaintingWarning, match="clear in no date"):
        scene.tec.inpaint(mask)
    with pytest.warns(tec_zarr.InpaintingWarning, match="clear in no date"):
        scene.isel(time=[1]).tec.inpaint()


def test_leaves_as_it_was_what_nothing_is_known_of(scene):
    mask = xr.DataArray(hidden(scene), dims=("time", "y", "x"))
    mask[:2] = True
    with pytest.warns(tec_zarr.InpaintingWarning, match="left as they were"):
        causal, told = scene.tec.inpaint(mask, mode="causal", details=True)
    np.testing.assert_array_equal(causal["B"], scene["B"])
    assert (told["origin"][:2] == 4).all()
    assert told["error"][:2].isnull().all()
    mask[2] = True
    with pytest.warns(tec_zarr.InpaintingWarning, match="left as they were"):
        np.testing.assert_array_equal(scene.tec.inpaint(mask)["B"], scene["B"])


@pytest.mark.parametrize(
    ("mask", "options", "message"),
    [
        ("CLD", {}, "names no variable"),
        (np.zeros((3, 64, 80), bool), {}, "must be a DataArray"),
        (xr.DataArray(np.zeros((3, 32, 40), bool), dims=("time", "y", "x")), {}, "interp_like"),
        (xr.DataArray(np.zeros((64, 80), bool), dims=("y", "x")), {}, "the mask has"),
        (xr.DataArray(np.zeros((3, 64, 80)), dims=("time", "y", "x")), {}, "or threshold="),
        ("SCL", {"mode": "backward"}, 'mode must be "bidirectional" or "causal"'),
        ("SCL", {"feather": -1}, "feather must be a number of pixels"),
        ("SCL", {"dilate": 1.5}, "dilate must be a number of pixels"),
        ("SCL", {"model": "tec-tt"}, "published TEC-TT or FlexTEC"),
    ],
)
def test_refuses_what_does_not_fit(scene, mask, options, message):
    with pytest.raises(tec_zarr.InvalidInputError, match=message):
        scene.tec.inpaint(mask, **options)


def test_refuses_a_mask_of_other_coordinates(scene):
    moved = scene["SCL"].assign_coords(x=scene["x"] + 10)
    with pytest.raises(tec_zarr.InvalidInputError, match="other coordinates along x"):
        scene.tec.inpaint(moved)


def test_weights_of_development_versions_are_refused(scene):
    with pytest.raises(
        tec_zarr.WeightsError, match="flextec-s2 was a codec of development versions"
    ):
        scene.tec.inpaint(model="flextec-s2")


def test_making_a_lazy_result_needs_no_torch_of_the_module_itself():
    code = "import tec_zarr.clouds.inpaint, sys; print('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )
