"""What values say where nobody told, and how few of them are read."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from tec_zarr import InvalidInputError
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.units import units_of

DN = np.random.default_rng(1).integers(200, 6000, (3, 2, 32, 32)).astype("u2")


def cube(values, **attrs) -> xr.Dataset:
    coords = {"band": ["B02", "B03"]}
    data = xr.DataArray(values, dims=("time", "band", "y", "x"), coords=coords, attrs=attrs)
    return to_cube(data)


def holed(values, value) -> np.ndarray:
    out = values.copy()
    out[..., :9, :] = value
    return out


@pytest.mark.parametrize(
    ("dtype", "value", "attrs"),
    [
        ("u2", 65535, {}),
        ("u2", 0, {"nodata": 65535}),
        ("i2", -32768, {}),
        ("i2", 32767, {}),
        ("i2", -9999, {"nodata": 0}),
        ("u2", 60000, {}),
    ],
)
def test_a_frequent_extreme_of_integers_is_told(dtype, value, attrs):
    values = holed(DN.astype(dtype), value)
    with pytest.warns(UserWarning, match=f"28% of the values are {value}, .* give nodata={value}"):
        units_of(cube(values, offset_dn=0, **attrs), None, None, "auto")


@pytest.mark.parametrize("value", [0.0, -1.0, -0.1])
def test_a_frequent_extreme_of_floats_is_told(value):
    values = holed((DN * 1e-4).astype("f4"), value)
    with pytest.warns(UserWarning, match=f"28% of the values are {value:g}"):
        units_of(cube(values), None, None, "auto")
    with pytest.warns(UserWarning, match=f"28% of the values are {value:g}"):
        units_of(cube(values), None, 1e-4, "auto")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("values", "attrs"),
    [
        (holed(DN, 65535), {"nodata": 65535}),
        (holed(DN, 0), {}),
        (holed(DN, 1), {}),  # dark water
        (DN.clip(max=4000), {}),  # a saturated sensor
        (np.full_like(DN, 65535), {}),  # nothing else is there
        (np.where(DN.max() == DN, 65535, DN), {}),  # not frequent
    ],
)
def test_measurements_and_declared_nodata_are_not(values, attrs):
    units_of(cube(values, offset_dn=0, **attrs), None, None, "auto")


@pytest.mark.parametrize("most", [100, 255])
def test_whole_floats_that_may_be_bytes_or_percent_are_refused(most):
    values = (DN % (most + 1)).astype("f4")
    with pytest.raises(InvalidInputError, match=rf"whole numbers up to {most}: give scale="):
        units_of(cube(values), None, None, "auto")
    assert units_of(cube(values, units="DN"), None, None, "auto")["scale"] == 1


def test_few_chunks_of_a_lazy_cube_are_read():
    read = []

    def block(block_info=None):
        place = block_info[None]["chunk-location"]
        read.append(place)
        return DN[:1, :, :8, :8].astype("f4")

    lazy = da.map_blocks(block, chunks=((1,) * 9, (2,), (8,) * 5, (8,) * 7), dtype="f4")
    read.clear()
    assert units_of(cube(lazy), None, None, "auto")["scale"] == 1
    assert len(read) == len(set(read)) <= 4
    assert len({(y, x) for _, _, y, x in read}) == len(read)
    read.clear()
    units_of(cube(lazy), None, 1.0, "auto")
    units_of(cube(lazy.astype("u2"), offset_dn=0), None, None, "auto")
    assert read == []


def test_a_lazy_sample_without_a_valid_value_decides_nothing():
    with pytest.raises(InvalidInputError, match=r"a sample of them has no valid one: give scale="):
        units_of(cube(da.full((3, 2, 32, 32), np.nan, "f4")), None, None, "auto")
    nothing = np.full(DN.shape, np.nan, "f4")
    assert units_of(cube(nothing), None, None, "auto")["scale"] == 1e-4


def test_nodata_that_a_dtype_rounds_is_still_nodata():
    values = holed((DN * 1e-4).astype("f4"), 1e20)
    units = units_of(cube(values, nodata=1e20), None, None, "auto")
    assert units == {"scale": 1e-4, "nodata": 1e20}
