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


@pytest.mark.parametrize("bright", [1.0, 4.0])
def test_floats_are_reflectance_or_whole_dn(bright):
    """However bright a scene is."""
    values = (bright * np.random.default_rng(0).uniform(0, 0.3, (2, 8, 8))).astype("f4")
    values[0, 0, 0] = np.nan
    assert units_of(cube_of(values), None, None, "auto") == {"scale": 1e-4, "nodata": None}
    dn = np.rint(values * 1e4)
    assert units_of(cube_of(dn), None, None, "auto") == {"scale": 1.0, "nodata": None}
    with pytest.raises(InvalidInputError, match=r"nothing tells .* give scale="):
        units_of(cube_of(values * 100), None, None, "auto")
    assert units_of(cube_of(values * 100, units="%"), None, None, "auto")["scale"] == 0.01
    assert units_of(cube_of(values * 100), None, 0.01, "auto")["scale"] == 0.01


@pytest.mark.parametrize("value", [-9999.0, -32768.0, 1e20, 9.96921e36])
def test_declared_nodata_takes_no_part_and_undeclared_is_told(value):
    values = np.random.default_rng(0).uniform(0, 0.3, (2, 8, 8)).astype("f4")
    values[:, :3] = value
    told = units_of(cube_of(values, nodata=value), None, None, "auto")
    assert told == {"scale": 1e-4, "nodata": value}
    with pytest.raises(InvalidInputError, match="nothing calls it nodata, though it is far"):
        units_of(cube_of(values), None, None, "auto")
    assert units_of(cube_of(values), None, None, value)["scale"] == 1e-4
    with pytest.warns(UserWarning, match="38% of the values are -1, and nothing calls it nodata"):
        units_of(cube_of(np.where(values == np.float32(value), -1, values)), None, None, "auto")


@pytest.mark.parametrize("attrs", [{"scale_factor": 1e-4}, {"add_offset": -0.1}])
def test_unpacked_floats_with_attributes_of_packed_ones_are_told(attrs):
    """As in da * da.scale_factor, which keeps attributes."""
    dn = np.random.default_rng(0).integers(300, 7000, (2, 8, 8)).astype("f4")
    reflectance = cube_of(dn * np.float32(1e-4), **attrs)
    with pytest.warns(UserWarning, match=rf"{next(iter(attrs))}=.*once more. Remove"):
        assert units_of(reflectance, None, None, "auto")["scale"] == 1e-4
    assert units_of(cube_of(dn, **attrs), None, None, "auto")["scale"] == 1.0
    said_nothing = cube_of(dn * np.float32(1e-4), scale_factor="1.0", add_offset=0.0)
    assert units_of(said_nothing, None, None, "auto")["scale"] == 1e-4


@pytest.mark.parametrize("name", ["VV", "vh", "gamma0_HH", "HV_dB"])
def test_radar_is_not_taken_for_reflectance(name):
    values = np.random.default_rng(0).uniform(0.001, 0.5, (2, 8, 8)).astype("f4")
    cube = cube_of(values).assign_coords(band=["B02", name])
    with pytest.raises(InvalidInputError, match=rf"{name}, by the name .*no reflectance.*scale="):
        units_of(cube, None, None, "auto")
    assert units_of(cube, None, 1e-5, "auto")["scale"] == 1e-5


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("unit", "factor"),
    [("DN", 1e-4), ("DN", 0.01 / 70), ("%", 1e-4), ("reflectance", 1), ("reflectance", 0.01)],
)
def test_units_that_values_contradict_are_refused(unit, factor, lazy):
    """What computes reflectance of DN often leaves their attributes there."""
    dn = np.random.default_rng(0).integers(100, 7000, (2, 8, 8))
    cube = cube_of((dn * factor).astype("f4"), units=unit)
    cube = cube.chunk({"time": 1}) if lazy else cube
    with pytest.raises(InvalidInputError, match=r"attribute units.*other units.*scale="):
        units_of(cube, None, None, "auto")
    assert units_of(cube, None, 1e-4, "auto")["scale"] == 1e-4


@pytest.mark.parametrize(
    ("unit", "values"),
    [("DN", [0.0, 3.0]), ("DN", [0.25, 900.0]), ("%", [0.1, 2.5]), ("reflectance", [0.1, 9.0])],
)
def test_dark_and_bright_scenes_contradict_no_unit(unit, values):
    cube = cube_of(np.resize(np.float32(values), (2, 8, 8)), units=unit)
    units_of(cube, None, None, "auto")


def test_bands_that_disagree_are_named():
    bands = {}
    for name, nodata in (("B02", 0), ("B03", 65535), ("B04", 0)):
        attrs = {"nodata": nodata, "offset_dn": 0}
        bands[name] = (("time", "y", "x"), np.ones((1, 4, 4), "u2"), attrs)
    cube = to_cube(xr.Dataset(bands))
    with pytest.raises(InvalidInputError, match=r"nodata.*B02, B04: 0; B03: 65535"):
        units_of(cube, None, None, "auto")
    assert units_of(cube, None, None, 0)["nodata"] == 0
    for variable in bands.values():
        variable[2].update(nodata=0)
    bands["B03"][2].update(offset_dn=-1000)
    with pytest.raises(InvalidInputError, match=r"offset_dn.*B03: -1000"):
        units_of(to_cube(xr.Dataset(bands)), None, None, "auto")
    assert units_of(to_cube(xr.Dataset(bands)), -1000, None, "auto")["offset_dn"] == -1000


def test_what_gdal_writes_where_nobody_said_anything_says_nothing():
    cube = cube_of(np.ones((2, 4, 4), "u2"), scale_factor=1.0, add_offset=0.0)
    with pytest.warns(UserWarning, match="no attribute tells the offset"):
        units_of(cube, None, None, "auto")
    cube = cube_of(np.ones((2, 4, 4), "u2"), scale_factor=1.0, add_offset=0.0, offset_dn=-1000)
    assert units_of(cube, None, None, "auto")["offset_dn"] == -1000


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
