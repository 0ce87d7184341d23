import numpy as np
import pytest
import xarray as xr

import tec_zarr  # noqa: F401 (it registers .tec)
from tec_zarr import InvalidInputError
from tec_zarr.synthetic import series


@pytest.fixture
def cube() -> xr.DataArray:
    return series(2, (24, 30), seed=1)


def test_the_same_cube_has_no_error(cube):
    found = cube.tec.compare(cube)
    assert np.isinf(found["psnr"]).all()
    assert (found["rmse"] == 0).all()
    assert (found["ssim"] == 1).all()
    assert (found["error"] == 0).all()
    assert (float(found["rmse_all"]), float(found["ndvi_rmse"])) == (0, 0)
    assert float(found["sam"]) == pytest.approx(0, abs=1e-5)


def test_known_errors(cube):
    original = cube.astype("int16")
    decoded = original.copy(deep=True)
    decoded[:, 3] += 100
    decoded[1, 7, 5, 6] += 900
    found = original.tec.compare(decoded)
    assert found["rmse"].sel(band="B04") == 100
    assert found["psnr"].sel(band="B04") == pytest.approx(40)
    assert found["max_error"].sel(band="B08") == 900
    assert list(found["worst"].values) == [
        str(original[d].values[i]) for d, i in zip(original.dims, (1, 7, 5, 6), strict=True)
    ]
    assert found["error"][0, 0] == pytest.approx(np.sqrt(2 * 100**2 / 24))
    assert found["ssim"].sel(band="B02") == 1 > found["ssim"].sel(band="B08")
    assert found["rmse_all"] == pytest.approx(np.sqrt((100**2 / 12) + 900**2 / original.size))


def test_spectral_angle_and_ndvi_of_two_bands():
    def pixel(red, infrared):
        values = np.array([red, infrared], float).reshape(1, 2, 1, 1)
        return xr.DataArray(
            values, dims=("time", "band", "y", "x"), coords={"band": ["B04", "B08"]}
        )

    found = pixel(0.1, 0.1).tec.compare(pixel(0.1, 0.3))
    assert found["sam"] == pytest.approx(np.degrees(np.arctan2(0.3, 0.1)) - 45)
    assert found["ndvi_rmse"] == pytest.approx(0.5)
    assert np.isnan(found["ssim"]).all()
    assert found["psnr_all"] == pytest.approx(-20 * np.log10(0.2 / np.sqrt(2)))


def test_what_is_not_valid_does_not_count(cube):
    gaps = cube.astype("float32") * np.float32(1e-4)
    gaps[0, :, :10], gaps[1, :, 20:] = np.nan, 0
    decoded = gaps + np.float32(0.01)
    found = gaps.tec.compare(decoded)
    np.testing.assert_allclose(found["rmse"], 0.01, rtol=1e-4)
    assert found["psnr_all"] == pytest.approx(40, abs=1e-3)


def test_unlike_cubes_are_refused(cube):
    with pytest.raises(InvalidInputError, match="other coordinates along time"):
        cube.tec.compare(cube[:1])
    with pytest.raises(
        InvalidInputError, match=r"other coordinates along x: 30 from .* and 30 from"
    ):
        cube.tec.compare(cube.assign_coords(x=cube["x"] + 5))
    with pytest.raises(InvalidInputError, match="must have one shape; along y they have 24 and 20"):
        cube.drop_vars("y").tec.compare(cube.drop_vars("y").isel(y=slice(0, 20)))


@pytest.mark.parametrize("dim", ["time", "band", "y", "x"])
def test_cubes_are_aligned_by_their_coordinates(cube, dim):
    turned = (cube + 7).isel({dim: slice(None, None, -1)})
    assert float(cube.tec.compare(turned)["rmse_all"]) == 7


def test_units_are_those_that_writing_finds(cube):
    integers = float(cube.tec.compare(cube + 50)["psnr_all"])
    dn = cube.astype("float64")
    assert float(dn.tec.compare(dn + 50)["psnr_all"]) == pytest.approx(integers)
    percent = (cube * 0.01).assign_attrs(units="%")
    assert float(percent.tec.compare(percent + 0.5)["psnr_all"]) == pytest.approx(integers, abs=0.1)
    shifted = (cube + 1000).drop_attrs().assign_attrs(BOA_ADD_OFFSET=-1000)
    rng = np.random.default_rng(0)
    noise = xr.zeros_like(cube) + rng.integers(0, 60, cube.shape).astype("u2")
    told = float(shifted.tec.compare(shifted + noise)["ndvi_rmse"])
    assert told == pytest.approx(float(cube.tec.compare(cube + noise)["ndvi_rmse"]))


def test_nodata_of_attributes_does_not_count_and_lost_samples_are_told(cube):
    gaps = cube.copy(deep=True).assign_attrs(nodata=65535)
    gaps[:, :, :12] = 65535
    decoded = gaps + 0
    decoded[:, :, 12:] += 50
    decoded[:, :, :12] = 9
    assert float(gaps.tec.compare(decoded)["rmse_all"]) == 50
    floats = cube.astype("float32")
    lost = floats.copy(deep=True)
    lost[:, :, 6:] = np.nan
    with pytest.warns(UserWarning, match=r"75.0% of the samples are lost"):
        found = floats.tec.compare(lost)
    assert int(found["lost"]) == 0.75 * cube.size


@pytest.mark.parametrize("value", [1e20, 9.96921e36, -3.4e38, 0.1])
def test_nodata_that_a_dtype_rounds_does_not_count(cube, value):
    gaps = (cube * 1e-4).astype("float32").assign_attrs(nodata=value, units="reflectance")
    gaps[:, :, :12] = np.float32(value)
    decoded = gaps + np.float32(0.01)
    decoded[:, :, :12] = 0.5
    assert float(gaps.tec.compare(decoded)["rmse_all"]) == pytest.approx(0.01, rel=1e-3)


def test_labels_that_are_there_twice_are_not_put_in_order(cube):
    twice = cube.assign_coords(x=np.arange(cube.sizes["x"]) // 2)
    assert float(twice.tec.compare(twice + 7)["rmse_all"]) == 7
    with pytest.raises(InvalidInputError, match="along x in another order, and some of them twice"):
        twice.tec.compare(twice.isel(x=slice(None, None, -1)))


def test_the_picture_shows_three_panels(cube, tmp_path):
    figure = cube.tec.plot_compare(cube + 50, date=1)
    figure.savefig(tmp_path / "a.png")
    assert [a.get_title() for a in figure.axes[:3]] == ["original", "decoded", "RMSE of each pixel"]
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), 50)


OTHERS = {
    "reflectance": lambda dn: (dn * 1e-4).astype("float32"),
    "percent": lambda dn: dn * 0.01,
    "DN as floats, a hundred times": lambda dn: dn * 100.0,
}


@pytest.mark.parametrize("unit", OTHERS)
def test_cubes_in_other_units_are_refused(cube, unit):
    other = OTHERS[unit](cube)
    with pytest.raises(InvalidInputError, match="in other units: half of the values of the one"):
        cube.tec.compare(other)
    with pytest.raises(InvalidInputError, match="in other units: half of the values of the one"):
        other.tec.compare(cube, scale=1.0)
    assert np.isinf(other.tec.compare(other, scale=1.0)["psnr_all"])
    gone = xr.zeros_like(cube)
    assert cube.tec.compare(gone)["psnr_all"] < 20  # what was lost is an error, in these units


def test_cubes_of_other_offsets_are_refused(cube):
    old = cube.drop_attrs().assign_attrs(BOA_ADD_OFFSET=0)
    new = (cube + 1000).drop_attrs().assign_attrs(BOA_ADD_OFFSET=-1000)
    with pytest.raises(InvalidInputError, match=r"other offsets, 0 and -1000.*offset_dn="):
        old.tec.compare(new)
    assert old.tec.compare(new, offset_dn=0)["rmse_all"] == 1000


@pytest.mark.parametrize(
    ("dim", "labels"),
    [("time", np.array(["2020-01-01", "NaT"], "M8[ns]")), ("x", np.r_[np.arange(29.0), np.nan])],
)
def test_labels_that_are_missing_in_both_are_the_same(cube, dim, labels):
    gaps = cube.assign_coords({dim: labels})
    assert np.isinf(gaps.tec.compare(gaps + 0)["psnr_all"])


@pytest.mark.parametrize("kind", ["variables", "array without names"])
def test_bands_that_writing_was_told_are_told_again(cube, kind, tmp_path):
    names = ["VV", "VH"]
    array = cube.isel(band=[0, 1]).assign_coords(band=names)
    data = array.to_dataset("band") if kind == "variables" else array.drop_vars("band")
    data.tec.to_zarr(tmp_path / "a.zarr", bands=names, max_error=20, progress=False)
    opened = xr.open_zarr(tmp_path / "a.zarr")
    for other in (opened, opened.tec.from_cube()):
        found = data.tec.compare(other, bands=iter(names))
        assert list(found["band"].values) == names
        assert 0 < found["max_error"].max() <= 20
    with pytest.raises(InvalidInputError, match="bands"):
        data.tec.compare(opened)
