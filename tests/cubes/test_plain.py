"""Cubes out of a store into ordinary Zarr, NetCDF and GeoTIFF, without hand work."""

import json

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import tec_zarr
from tests.cubes.test_convert import KINDS, odc_dataset, rioxarray_array, stackstac_cube

pytestmark = pytest.mark.filterwarnings("ignore:no attribute tells the offset")

SELECTIONS = {
    "all": lambda cube: cube,
    "a date": lambda cube: cube.isel(time=0),
    "bands": lambda cube: cube.isel(band=[1, 0]),
    "a band": lambda cube: cube.isel(band=1),
    "other chunks": lambda cube: cube.chunk(time=1, band=1, y=7, x=-1),
    "a window": lambda cube: cube.isel(y=slice(3, 30), x=slice(None, None, -2)),
}


def stored(original, **options) -> xr.Dataset:
    store = MemoryStore()
    keywords = {"chunks": {"time": 1, "y": 32, "x": 32}, "max_error": 0, **options}
    original.tec.to_zarr(store, progress=False, **keywords)
    return xr.open_zarr(store)


def variables(data) -> dict:
    """Data by name."""
    named = data if isinstance(data, xr.Dataset) else {"array": data}
    return {name: named[name] for name in named}


def in_a_dataset(data) -> xr.Dataset:
    return data if isinstance(data, xr.Dataset) else data.rename("array").to_dataset()


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_from_cube_saves_as_zarr(selection, zarr_format):
    opened = stored(odc_dataset(), zarr_format=5 - zarr_format)
    back = SELECTIONS[selection](opened).tec.from_cube()
    store = MemoryStore()
    back.to_zarr(store, zarr_format=zarr_format, consolidated=False)
    again = xr.open_zarr(store, consolidated=False, mask_and_scale=False)
    for name, variable in variables(back).items():
        np.testing.assert_array_equal(again[name], variable)
        assert not hasattr(again[name].encoding.get("serializer"), "settings")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_saves_as_zarr_and_netcdf(kind, zarr_format, tmp_path):
    original = kind()
    plain = stored(original).tec.to_plain()
    assert type(plain) is type(original)
    whole = in_a_dataset(plain)
    store = MemoryStore()
    whole.to_zarr(store, zarr_format=zarr_format, consolidated=False)
    whole.to_netcdf(tmp_path / "a.nc")
    for again in (
        xr.open_zarr(store, consolidated=False, mask_and_scale=False),
        xr.open_dataset(tmp_path / "a.nc", mask_and_scale=False),
    ):
        for name, variable in variables(in_a_dataset(original.rename(None))).items():
            found = again[name]
            assert found.dtype == variable.dtype
            np.testing.assert_array_equal(found, variable)
            if "y" in variable.coords:
                np.testing.assert_array_equal(found["y"], variable["y"])


def test_objects_and_nested_attributes_become_json():
    original = stackstac_cube().assign_attrs({"raster:bands": [{"nodata": 0}], "is_good": True})
    plain = stored(original).tec.to_plain()
    assert json.loads(plain["raster:bands"].values[0])["offset"] == -0.1
    assert json.loads(plain.attrs["raster:bands"]) == [{"nodata": 0}]
    assert plain.attrs["is_good"] == "true"
    assert plain.attrs["crs"] == "epsg:32633"
    assert plain.attrs["resolution"] == 10.0
    assert isinstance(plain.attrs["transform"], list)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_times_that_tell_how_they_were_counted_are_saved(zarr_format, tmp_path):
    """The Open Data Cube leaves `units` at times that are decoded already."""
    original = odc_dataset()
    original["time"].attrs = {"units": "seconds since 1970-01-01 00:00:00", "calendar": "standard"}
    original["age"] = ("time", np.array([1, 2], "m8[s]").astype("m8[ns]"), {"units": "seconds"})
    original["seen"] = original["time"] + np.timedelta64(1, "s")
    original["seen"].attrs = {"units": "days since 1970-01-01"}
    store, decoded = MemoryStore(), MemoryStore()
    original.tec.to_zarr(store, max_error=0, progress=False)
    plain = xr.open_zarr(store).tec.to_plain()
    plain.to_netcdf(tmp_path / "a.nc")
    tec_zarr.decompress(store, decoded, zarr_format=zarr_format, progress=False)
    for again in (
        xr.open_dataset(tmp_path / "a.nc", decode_timedelta=True),
        xr.open_zarr(decoded, decode_timedelta=True),
    ):
        for name in ("time", "age", "seen"):
            np.testing.assert_array_equal(again[name], original[name])
    assert original["time"].attrs["calendar"] == "standard"


@pytest.mark.parametrize("fill", [np.nan, -9999, 65536, 0.5, "none"])
@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
def test_nodata_that_integers_cannot_hold_is_not_saved(name, fill, tmp_path):
    """Attributes stay where values were converted."""
    original = odc_dataset()
    for variable in ("red", "scl"):
        original[variable].attrs[name] = fill
    store, decoded = MemoryStore(), MemoryStore()
    original.tec.to_zarr(store, nodata=0, max_error=0, progress=False)
    opened = xr.open_zarr(store)
    assert str(opened.tec.from_cube()["red"].attrs[name]) == str(fill)
    opened.tec.to_plain().to_netcdf(tmp_path / "a.nc")
    tec_zarr.decompress(store, decoded, progress=False)
    for again in (xr.open_dataset(tmp_path / "a.nc"), xr.open_zarr(decoded)):
        for variable in ("red", "green", "scl"):
            np.testing.assert_array_equal(again[variable], original[variable])
            assert again[variable].dtype == original[variable].dtype


def test_a_geotiff_keeps_values_nodata_and_place(tmp_path):
    rioxarray = pytest.importorskip("rioxarray", reason="needs the extra `demo`")
    original = rioxarray_array()
    stored(original).tec.from_cube().rio.to_raster(tmp_path / "a.tif")
    again = rioxarray.open_rasterio(tmp_path / "a.tif")
    np.testing.assert_array_equal(again, original)
    assert again.rio.crs == original.rio.crs
    assert again.rio.nodata == 0
    assert again.attrs["long_name"] == original.attrs["long_name"]
    of_a_variable = stored(odc_dataset()).tec.from_cube()["red"]
    of_a_variable.rio.to_raster(tmp_path / "b.tif")
    again = rioxarray.open_rasterio(tmp_path / "b.tif")
    np.testing.assert_array_equal(again, odc_dataset()["red"])


def test_what_is_no_cube_of_ours_loses_the_codec_alone():
    data = odc_dataset()[["red", "green"]].to_dataarray("band").transpose("time", "band", "y", "x")
    store = MemoryStore()
    chunked = data.to_dataset(name="cube").chunk({"band": -1, "y": 40, "x": 40})
    chunked.to_zarr(store, encoding={"cube": tec_zarr.encoding(max_error=0)})
    opened = xr.open_zarr(store)
    plain = opened.sel(band="red").tec.to_plain()
    again = MemoryStore()
    plain.to_zarr(again)
    np.testing.assert_array_equal(xr.open_zarr(again)["cube"], data.sel(band="red"))
    assert "serializer" in opened["cube"].encoding
