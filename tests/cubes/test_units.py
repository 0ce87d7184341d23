"""Offset, scale and nodata, from attributes and callers."""

import numpy as np
import pytest
import xarray as xr

from tec_zarr import InvalidInputError
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.units import units_of


def cube_of(values, **attrs) -> xr.Dataset:
    return to_cube(
        xr.DataArray(values, dims=("band", "y", "x"), coords={"band": ["B02", "B03"]}, attrs=attrs)
    )


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
    assert (
        units_of(cube_of(np.ones((2, 4, 4), "u2"), **attrs), None, None, "auto")["offset_dn"]
        == offset
    )


def test_offsets_are_not_guessed_silently():
    cube = cube_of(np.ones((2, 4, 4), "u2"))
    with pytest.warns(UserWarning, match="no attribute tells the offset"):
        assert units_of(cube, None, None, "auto")["offset_dn"] == 0
    assert units_of(cube, -1000, None, "auto")["offset_dn"] == -1000
    with pytest.raises(InvalidInputError, match="told differently"):
        units_of(
            cube_of(np.ones((2, 4, 4), "u2"), offset_dn=0, BOA_ADD_OFFSET=-1000), None, None, "auto"
        )
    late = cube.assign_coords({"s2:processing_baseline": "05.09"})
    with pytest.raises(InvalidInputError, match=r"processing baselines .*05.09.* offset of -1000"):
        units_of(late, None, None, "auto")
    applied = late.assign_coords({"earthsearch:boa_offset_applied": True})
    assert units_of(applied, None, None, "auto")["offset_dn"] == 0


@pytest.mark.parametrize(("size", "scale"), [(0.3, 1e-4), (3000.0, 1.0)])
def test_floats_are_reflectance_or_dn(size, scale):
    values = np.random.default_rng(0).uniform(0, size, (2, 8, 8)).astype("f4")
    values[0, 0, 0] = np.nan
    assert units_of(cube_of(values), None, None, "auto") == {"scale": scale, "nodata": None}
    with pytest.raises(InvalidInputError, match=r"neither reflectance .* nor DN"):
        units_of(cube_of(values * 20 / size), None, None, "auto")


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
    assert units_of(cube, None, None, "auto")["nodata"] == nodata
