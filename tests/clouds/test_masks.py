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
