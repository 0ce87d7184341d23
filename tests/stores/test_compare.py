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
    with pytest.raises(InvalidInputError, match="one shape and the same bands"):
        cube.tec.compare(cube[:1])


def test_the_picture_shows_three_panels(cube, tmp_path):
    figure = cube.tec.plot_compare(cube + 50, date=1)
    figure.savefig(tmp_path / "a.png")
    assert [a.get_title() for a in figure.axes[:3]] == ["original", "decoded", "RMSE of each pixel"]
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), 50)
