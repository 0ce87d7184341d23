"""SCL, and what is called so without being it."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from tec_zarr.clouds import scl
from tec_zarr.errors import InvalidInputError

CLASSES = np.arange(12).repeat(2).reshape(2, 4, 3)


def mask(values, name="SCL", **attrs) -> xr.DataArray:
    return xr.DataArray(values, dims=("time", "y", "x"), name=name, attrs=attrs)


@pytest.mark.parametrize(
    ("name", "attrs", "named"),
    [
        ("SCL", {}, True),
        ("scl_20m", {}, True),
        ("classes", {"long_name": "Scene Classification Layer"}, True),
        (None, {"description": "scene_classification"}, True),
        ("muscle", {}, False),
        ("cloudless", {}, False),
        (None, {}, False),
        ("fmask", {"long_name": "Fmask classes"}, False),
        ("mask", {"long_name": "scene classification"}, True),
        ("Fmask", {"long_name": "scene classification"}, False),
        ("QA60", {"long_name": "scene classification"}, False),
        ("cloud_mask", {"description": "SCL"}, False),
    ],
)
def test_it_goes_by_its_name(name, attrs, named):
    assert scl.is_named(mask(CLASSES, name, **attrs)) == named


@pytest.mark.parametrize("kind", ["u1", "i8", "f4"])
@pytest.mark.parametrize("lazy", [False, True])
def test_these_classes_hide(kind, lazy):
    values = CLASSES.astype(kind)
    values = da.from_array(values, (1, 2, 3)) if lazy else values
    found = scl.hides(mask(values))
    assert found.dtype == bool
    np.testing.assert_array_equal(found, np.isin(CLASSES, (0, 3, 8, 9, 10)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([0, 1]), "has 0 and 1 alone, .* give it as bool"),
        (np.array([1, 1]), "has 0 and 1 alone"),
        (np.array([0.0, 1.0, np.nan]), "has 0 and 1 alone"),
        (np.array([0, 255]), "0 to 11, but it has 255"),
        (np.array([4, 1024]), "0 to 11, but it has 1024"),
        (np.array([4, 90]), "0 to 11, but it has 90"),
        (np.array([-1, 4]), "0 to 11, but it has -1"),
        (np.array([4.0, 6.5]), "no whole numbers.*nearest"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_other_masks_that_are_called_so_are_refused(values, said, lazy):
    values = values.reshape(1, 1, -1)
    with pytest.raises(InvalidInputError, match=said):
        scl.hides(mask(da.from_array(values) if lazy else values))


def test_a_chunk_that_was_not_read_at_first_is_checked_when_it_is_computed():
    values = np.full((1, 8, 8), 4, "u1")
    values[0, -1, 0] = 200
    found = scl.hides(mask(da.from_array(values, (1, 2, 2))))
    assert not found[:, :2].values.any()
    with pytest.raises(InvalidInputError, match="it has 200"):
        found.compute()
