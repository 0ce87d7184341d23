"""The synthetic scene: reproducible, shaped as promised, Sentinel-2-like where other tests and
the demo rely on it."""

import numpy as np
import pytest

from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic.observations import dataset, series


@pytest.fixture(scope="module")
def clear():
    return dataset(6, 120, seed=3, cloud_cover=0)


@pytest.fixture(scope="module")
def cloudy():
    return dataset(3, 128, seed=1, cloud_cover=0.3, offset_dn=-1000)


def ndvi(cube):
    red, infrared = (cube.sel(band=band).astype(float) for band in ("B04", "B08"))
    return (infrared - red) / (infrared + red)


def roughness(cube, band):
    """Return the mean second difference relative to the contrast."""
    plane = cube.isel(time=0).sel(band=band).values.astype(float)
    return np.abs(np.diff(plane, 2, axis=1)).mean() / plane.std()


def test_same_seed_gives_same_bytes():
    one, same, other = (dataset(2, 40, seed=seed) for seed in (5, 5, 6))
    assert one.identical(same)
    assert (one["B"].values != other["B"].values).mean() > 0.9


def test_series_is_variable_b_of_dataset():
    arguments = {"times": 2, "size": (20, 30), "seed": 4, "cloud_cover": 0.4, "offset_dn": -1000}
    assert series(**arguments).identical(dataset(**arguments)["B"])


def test_layout(clear):
    cube = clear["B"]
    assert cube.dims == ("time", "band", "y", "x")
    assert cube.shape == (6, 12, 120, 120)
    assert cube.dtype == np.uint16
    assert tuple(cube["band"].values) == L2A
    assert cube["time"].dtype == "datetime64[ns]"
    assert (np.diff(cube["y"]) == -10).all()
    assert (np.diff(cube["x"]) == 10).all()
    assert cube.attrs["offset_dn"] == 0
    assert "synthetic" in cube.attrs["comment"]
    assert clear["SCL"].dims == ("time", "y", "x")
    assert clear["SCL"].dtype == np.uint8


@pytest.mark.parametrize("times", [1, 2, 7, 100])
def test_dates_ascend_unevenly(times):
    gaps = np.diff(series(times, 1)["time"].values)
    assert (gaps > np.timedelta64(0)).all()
    assert times < 3 or len(np.unique(gaps)) > 1


@pytest.mark.parametrize("size", [1, 2, (17, 23), (1, 70), (64, 3)])
@pytest.mark.parametrize("cloud_cover", [0, 0.3, 1])
def test_any_size_without_zeros(size, cloud_cover):
    scene = dataset(2, size, cloud_cover=cloud_cover)
    assert scene["B"].shape[2:] == (size if isinstance(size, tuple) else (size, size))
    assert (scene["B"].values > 0).all()
    assert np.isin(scene["SCL"].values, (3, 4, 5, 6, 8, 9)).all()


def test_offset_shifts_the_stored_numbers():
    plain, shifted = (series(1, 30, offset_dn=offset).values.astype(int) for offset in (0, -1000))
    bright = plain > 1
    assert (shifted[bright] - plain[bright] == 1000).all()


def test_coarse_bands_are_smoother(clear):
    fine, coarse, coarsest = (roughness(clear["B"], band) for band in ("B08", "B8A", "B09"))
    assert fine > 1.5 * coarse > 1.5 * 1.5 * coarsest


def test_fields_follow_the_seasons_and_water_stays(clear):
    infrared = clear["B"].sel(band="B08").astype(float)
    water = (clear["SCL"] == 6).all("time")
    assert 0.002 < float(water.mean()) < 0.3
    assert float(infrared.where(~water).std("time").mean()) > 5 * float(
        infrared.where(water).std("time").mean()
    )
    change = ndvi(clear["B"]).max("time") - ndvi(clear["B"]).min("time")
    assert float(change.where(~water).median()) > max(0.3, 2 * float(change.where(water).median()))
    assert float(infrared.where(water).median()) < 400


def test_clouds_are_bright_and_cover_what_was_asked(cloudy):
    blue = cloudy["B"].sel(band="B02").astype(float) - 1000
    cloud = cloudy["SCL"].isin((8, 9))
    assert float(cloud.mean()) == pytest.approx(0.3, abs=0.03)
    assert float(blue.where(cloud).median()) > 2500
    assert float(blue.where(~cloud).median()) < 1200
    infrared = cloudy["B"].sel(band="B08").astype(float) - 1000
    land = cloudy["SCL"].isin((4, 5))
    assert float(infrared.where(cloudy["SCL"] == 3).median()) < 0.6 * float(
        infrared.where(land).median()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"times": 0}, "times is 0.*at least 1"),
        ({"size": 0}, "size is 0.*at least 1"),
        ({"size": (5, 0)}, r"size is \(5, 0\)"),
        ({"size": (5, 5, 5)}, r"size is \(5, 5, 5\)"),
        ({"cloud_cover": 1.5}, r"cloud_cover is 1.5.*0\.\.1"),
        ({"cloud_cover": float("nan")}, "cloud_cover is nan"),
        ({"offset_dn": 1000}, "offset_dn is 1000"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        series(**arguments)
