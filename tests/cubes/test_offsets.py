"""What is told of offsets, by attributes, coordinates and items of catalogs, a date at a time."""

import numpy as np
import pytest
import xarray as xr

from tec_zarr import InvalidInputError
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.units import units_of

APPLIED = "earthsearch:boa_offset_applied"
BASELINE = "s2:processing_baseline"
DATES = np.array(["2021-06-01", "2022-06-01"], "M8[ns]")


def array(attrs=(), **coords) -> xr.DataArray:
    values = np.random.default_rng(1).integers(1100, 3000, (2, 2, 8, 8)).astype("u2")
    own = {"time": DATES, "band": ["B02", "B03"]}
    made = xr.DataArray(values, dims=("time", "band", "y", "x"), coords=own, attrs=dict(attrs))
    return made.assign_coords({name.replace("__", ":"): value for name, value in coords.items()})


def found(data) -> int:
    return units_of(to_cube(data), None, None, "auto")["offset_dn"]


def of_dates(*values):
    return ("time", list(values))


@pytest.mark.parametrize(
    ("attrs", "offset"),
    [
        ({"BOA_ADD_OFFSET": "-1000"}, -1000),
        ({"BOA_ADD_OFFSET": [-1000, -1000]}, -1000),
        ({"BOA_ADD_OFFSET_B2": "-1000", "BOA_ADD_OFFSET_B8A": "-1000"}, -1000),
        ({"RADIO_ADD_OFFSET": "-1000"}, -1000),
        ({"RADIO_ADD_OFFSET_0": -1000, "RADIO_ADD_OFFSET_10": -1000}, -1000),
        ({"PROCESSING_BASELINE": "02.14"}, 0),
        ({"BOA_ADD_OFFSET": {"B02": -1000, "B03": -1000}}, -1000),
        ({"boa_offset_applied": True}, 0),
        ({APPLIED: "true", BASELINE: "05.09"}, 0),
        ({APPLIED: False, BASELINE: "05.09"}, -1000),
        ({APPLIED: False, BASELINE: "03.01"}, 0),
        ({BASELINE: "N0301"}, 0),
        ({BASELINE: "0214"}, 0),
        ({"add_offset": -1000}, -1000),
        ({"scale_factor": "0.0001", "add_offset": "-0.1"}, -1000),
        ({"scale_factor": 2.75e-5, "add_offset": -0.2}, -7273),
        ({"scales": (1e-4, 1e-4), "offsets": (-0.1, -0.1)}, -1000),
        ({"scales": [1e-4, 2e-4], "offsets": [-0.1, -0.2]}, -1000),
        ({"scales": [1e-4, 2e-4], "add_offset": 0.0}, 0),
        ({"raster:scale": 1e-4, "raster:offset": -0.1}, -1000),
        ({"scale": 2.75e-5, "offset": -0.2}, -7273),
    ],
)
def test_every_form_is_read(attrs, offset):
    assert found(array(attrs)) == offset


@pytest.mark.parametrize(
    ("coords", "offset"),
    [
        ({APPLIED: of_dates(True, True)}, 0),
        ({APPLIED: of_dates(False, False), BASELINE: of_dates("05.09", "04.00")}, -1000),
        ({APPLIED: of_dates(False, True), BASELINE: of_dates("03.01", "05.09")}, 0),
        ({BASELINE: of_dates("03.01", "02.14")}, 0),
        ({"BOA_ADD_OFFSET": of_dates(-1000, -1000)}, -1000),
        ({"boa_add_offset": ("band", [-1000, -1000])}, -1000),
        ({"raster:scale": 1e-4, "raster:offset": ("band", [-0.1, -0.1])}, -1000),
        ({"scale": ("band", [1e-4, 1e-4]), "offset": ("band", [0.0, 0.0])}, 0),
        ({"raster:scale": of_dates(1e-4, 1e-4), "raster:offset": of_dates(-0.1, -0.1)}, -1000),
    ],
)
def test_coordinates_that_agree_tell_it(coords, offset):
    assert found(array(**coords)) == offset


@pytest.mark.parametrize(
    "coords",
    [
        {APPLIED: of_dates(True, False)},
        {APPLIED: of_dates(True, False), BASELINE: "05.09"},
        {APPLIED: False, BASELINE: of_dates("03.01", "05.09")},
        {BASELINE: of_dates("03.01", "05.09")},
        {"BOA_ADD_OFFSET": of_dates(0, -1000)},
        {"offset_dn": of_dates(-1000, 0)},
        {"raster:scale": 1e-4, "raster:offset": of_dates(-0.1, 0.0)},
    ],
)
def test_dates_that_disagree_are_named_with_the_way_out(coords):
    data = array(**coords)
    with pytest.raises(InvalidInputError, match=r"dates disagree on their offset.*2021-06-01") as e:
        found(data)
    assert "2022-06-01" in str(e.value)
    assert units_of(to_cube(data), 0, None, "auto")["offset_dn"] == 0
    # The way that the message shows.
    late = data.time >= np.datetime64("2022-01-25")
    one = data.where(~late, data.clip(min=1000) - 1000).astype("uint16")
    np.testing.assert_array_equal(one[0], data[0])
    np.testing.assert_array_equal(one[1], data[1] - 1000)


def test_bands_that_disagree_are_named():
    with pytest.raises(InvalidInputError, match=r"bands disagree on their offset_dn.*B03: -1000"):
        found(array(boa_add_offset=("band", [0, -1000])))
    with pytest.raises(InvalidInputError, match="BOA_ADD_OFFSET has another value for each band"):
        found(array({"BOA_ADD_OFFSET": [0, -1000]}))
    with pytest.raises(
        InvalidInputError, match=r"told differently by .*'BOA_ADD_OFFSET_B3': -1000"
    ):
        found(array({"BOA_ADD_OFFSET_B2": 0, "BOA_ADD_OFFSET_B3": -1000}))


@pytest.mark.parametrize("name", [BASELINE, "PROCESSING_BASELINE", "processing_baseline"])
def test_a_late_baseline_that_may_have_an_offset_is_asked_about(name):
    """As GDAL, Earth Engine and catalogs call it, for all dates or a date at a time."""
    for data in (array({name: "05.09"}), array(**{name: of_dates("05.09", "05.10")})):
        with pytest.raises(InvalidInputError, match="give offset_dn=-1000 or offset_dn=0"):
            found(data)


@pytest.mark.parametrize(
    ("attrs", "offset"),
    [
        ({"BOA_ADD_OFFSET": "-1000"}, -1000),
        ({APPLIED: True}, 0),
        ({APPLIED: False, "PROCESSING_BASELINE": "05.09"}, -1000),
        ({"PROCESSING_BASELINE": "02.14"}, 0),
    ],
)
def test_attributes_of_the_whole_cube_tell_it_too(attrs, offset):
    """As rioxarray has them with band_as_variable=True."""
    data = array().to_dataset("band").assign_attrs(attrs)
    assert found(data) == offset
    data["B03"].attrs["add_offset"] = 500
    with pytest.raises(InvalidInputError, match=r"told differently|bands disagree"):
        found(data)


def test_what_is_no_offset_is_refused():
    with pytest.raises(InvalidInputError, match=r"add_offset=-0\.1 without a scale_factor"):
        found(array({"add_offset": -0.1}))
    with pytest.raises(InvalidInputError, match="processing baseline 'newest' is none"):
        found(array({BASELINE: "newest"}))


@pytest.mark.parametrize("attrs", [{}, {APPLIED: False}, {"scale_factor": 0.0}])
def test_what_says_nothing_is_told(attrs):
    with pytest.warns(UserWarning, match="no attribute tells the offset"):
        assert found(array(attrs)) == 0


@pytest.mark.parametrize(
    "data",
    [
        array({"scales": (1e-4, 1e-4), "offsets": (0.0, -0.1)}),
        array({"scale_factor": 1e-4, "offsets": (0.0, -0.1)}),
        array(**{"raster:scale": 1e-4, "raster:offset": ("band", [0.0, -0.1])}),
    ],
    ids=["GDAL", "rioxarray", "STAC"],
)
def test_bands_whose_scales_and_offsets_disagree_are_named(data):
    with pytest.raises(InvalidInputError, match=r"bands disagree on their offset_dn.*B03: -1000"):
        found(data)


@pytest.mark.parametrize(
    "attrs",
    [
        {"scale": "10m", "offset": "none"},
        {"scale": 1.0, "offset": 0},
        {"scale": 10},
        {"offset": 7},
        {"scales": (1e-4, float("nan")), "offsets": (0.0, 0.0)},
        {"scale": 0, "offset": 1},
    ],
)
def test_scales_and_offsets_that_say_nothing_of_numbers_are_passed_over(attrs):
    with pytest.warns(UserWarning, match="no attribute tells the offset"):
        assert found(array(attrs)) == 0
