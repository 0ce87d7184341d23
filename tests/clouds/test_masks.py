"""Masks as people have them: what hides is told, and never guessed from values."""

import numpy as np
import pytest
import xarray as xr

from tec_zarr.clouds.masks import Masking
from tec_zarr.errors import InpaintingWarning, InvalidInputError

ARRAY = xr.DataArray(np.zeros((2, 3, 8, 8), "u2"), dims=("time", "band", "y", "x"))
CLOUDY = np.zeros((2, 8, 8), bool)
CLOUDY[1, 2:5, 3:7] = True


def hidden(values: np.ndarray, name: str | None = None, **options) -> np.ndarray:
    mask = xr.DataArray(values, dims=("time", "y", "x"), name=name)
    masking = Masking(**{"classes": None, "threshold": None, "dilate": 0, **options})
    return masking.hidden(ARRAY, mask, ARRAY).values


@pytest.mark.parametrize(
    "values",
    [
        CLOUDY.astype("u1"),
        CLOUDY.astype("u1") * 255,
        CLOUDY.astype("u2") * 1024,
        CLOUDY.astype("u1") * 80,
        CLOUDY.astype("f4"),
        CLOUDY.astype("i2") * 9,
    ],
    ids=["0/1", "0/255", "QA60", "probability", "floats", "classes without a name"],
)
def test_numbers_that_nothing_explains_are_refused(values):
    with pytest.raises(InvalidInputError, match=r"nothing tells .* bool mask .* classes="):
        hidden(values, "cloudmask")
    top = values.max().item()
    np.testing.assert_array_equal(hidden(values, classes=(top,)), CLOUDY)
    np.testing.assert_array_equal(hidden(values, threshold=top / 2), CLOUDY)
    np.testing.assert_array_equal(hidden(values == top), CLOUDY)


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_scl_goes_by_its_name(dtype):
    scl = np.where(CLOUDY, 9, 4).astype(dtype)
    np.testing.assert_array_equal(hidden(scl, "SCL"), CLOUDY)
    if dtype == "f4":
        scl[0, 0] = np.nan
        assert hidden(scl, "scl")[0, 0].all()
    with pytest.raises(InvalidInputError, match="classes are 0 to 11, but it has 80"):
        hidden(CLOUDY.astype(dtype) * 80, "SCL")


@pytest.mark.parametrize("values", [np.zeros((2, 8, 8), bool), np.ones((2, 8, 8), bool)])
def test_nothing_and_everything_hidden_are_told(values):
    with pytest.warns(InpaintingWarning, match="hides .* is it the right way round"):
        hidden(values)


def test_a_threshold_and_classes_are_not_mixed_up():
    with pytest.raises(
        InvalidInputError, match=r"one of classes and threshold; got classes=\(1,\)"
    ):
        Masking((1,), 0.5, 0)
    with pytest.raises(InvalidInputError, match=r"classes=\(1,\) are of a mask of integers"):
        hidden(CLOUDY, classes=(1,))
    assert np.array_equal(hidden(CLOUDY, threshold=None), CLOUDY)


def test_what_is_missing_in_a_mask_hides():
    probability = np.where(CLOUDY, 80, 5).astype("f4")
    probability[0, 0] = np.nan
    assert hidden(probability, threshold=40)[0, 0].all()
    assert hidden(probability, classes=(80,))[0, 0].all()
    codes = np.where(CLOUDY, 2, 1).astype("u1")
    codes[0, 0] = 255
    mask = xr.DataArray(codes, dims=("time", "y", "x"), attrs={"nodata": 255})
    found = Masking((2,), None, 0).hidden(ARRAY, mask, ARRAY)
    assert found[0, 0].all()
    assert int(found.sum()) == 8 + CLOUDY.sum()


def test_bool_with_gaps_is_refused_with_the_way():
    values = CLOUDY.astype(object)
    values[0, 0, 0] = np.nan
    with pytest.raises(InvalidInputError, match=r"got object\. Convert .*fillna\(True\)"):
        hidden(values)
    with pytest.raises(InvalidInputError, match="nothing tells which values"):
        hidden(np.where(CLOUDY, 1.0, np.nan))


@pytest.mark.parametrize("dim", ["time", "y", "x"])
def test_a_mask_in_another_order_is_brought_into_the_cube_s(dim):
    coords = {"time": [4, 9], "y": np.arange(8)[::-1], "x": np.arange(8)}
    cube = ARRAY.assign_coords(coords)
    mask = xr.DataArray(CLOUDY, dims=("time", "y", "x"), coords=coords)
    turned = mask.isel({dim: slice(None, None, -1)}).transpose("x", "time", "y")
    found = Masking(None, None, 0).hidden(cube, turned, cube)
    np.testing.assert_array_equal(found, CLOUDY)
    moved = mask.assign_coords({dim: mask[dim].values + 100})
    with pytest.raises(
        InvalidInputError, match=f"mask and cube have other coordinates along {dim}"
    ):
        Masking(None, None, 0).hidden(cube, moved, cube)


@pytest.mark.parametrize("threshold", ["40", float("nan"), True, [40]])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(InvalidInputError, match="threshold must be a number, such as 40"):
        Masking(None, threshold, 0)


def test_a_mask_among_the_coordinates_goes_by_name():
    classes = (("time", "y", "x"), np.where(CLOUDY, 9, 4).astype("u1"))
    cube = ARRAY.assign_coords(SCL=classes)
    np.testing.assert_array_equal(Masking(None, None, 0).hidden(cube, "SCL", cube), CLOUDY)
    with pytest.raises(InvalidInputError, match=r"mask='scl' names no variable.*SCL"):
        Masking(None, None, 0).hidden(cube, "scl", cube)


@pytest.mark.parametrize(
    ("part", "advice"),
    [
        (lambda mask: mask.isel(time=0), r"expand_dims\(time=cube\.time\)"),
        (lambda mask: mask.isel(time=[0]), r"mask\.sel\(time=cube\.time\)"),
        (lambda mask: mask.expand_dims(band=3), r'mask\.any\("band"\)'),
        (lambda mask: mask.isel(y=slice(0, 4)), "interp_like"),
    ],
)
def test_a_mask_of_another_shape_gets_the_way_that_helps(part, advice):
    mask = xr.DataArray(CLOUDY, dims=("time", "y", "x"))
    with pytest.raises(InvalidInputError, match=advice):
        Masking(None, None, 0).hidden(ARRAY, part(mask), ARRAY)
