"""What is told of nodata, in every form that people and packages have."""

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr import InvalidInputError
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.units import units_of


def array(dtype="u2", **attrs) -> xr.DataArray:
    values = np.random.default_rng(1).uniform(0.02, 0.3, (2, 2, 8, 8))
    values = values if np.dtype(dtype).kind == "f" else values * 1e4
    coords = {"band": ["B02", "B03"]}
    made = xr.DataArray(values.astype(dtype), dims=("time", "band", "y", "x"), coords=coords)
    return made.assign_attrs(offset_dn=0, **attrs)


def raster(nodata, scale=1e-4):
    return {"nodata": nodata, "scale": scale, "offset": 0}


def objects(*values) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def found(data) -> object:
    return units_of(to_cube(data), None, None, "auto")["nodata"]


@pytest.mark.parametrize(
    ("dtype", "attrs", "nodata"),
    [
        ("u2", {"nodata": "nan"}, 0),
        ("u2", {"nodata": np.nan}, 0),
        ("u2", {"nodata": "65535"}, 65535),
        ("u2", {"nodata": None}, 0),
        ("u2", {"nodata": [65535, 65535]}, 65535),
        ("u2", {"nodatavals": (65535.0, 65535.0)}, 65535),
        ("u2", {"_FillValue": np.uint16(65535)}, 65535),
        ("u2", {"_FillValue": -9999}, 0),
        ("u2", {"raster:bands": [raster(65535)]}, 65535),
        ("i2", {"missing_value": "-9999"}, -9999),
        ("f4", {"nodata": "nan"}, None),
        ("f4", {"nodata": "-9999"}, -9999.0),
        ("f4", {"_FillValue": np.nan, "missing_value": -9999.0}, -9999.0),
        ("f8", {"_FillValue": np.float32(1e20)}, float(np.float32(1e20))),
    ],
)
def test_every_form_is_read(dtype, attrs, nodata):
    assert found(array(dtype, **attrs)) == nodata


def test_encodings_of_raw_values_tell_it_too():
    """As xarray and rioxarray keep it."""
    data = array()
    data.encoding = {"_FillValue": np.uint16(65535), "dtype": "uint16"}
    data[:, :, :3] = 65535
    assert found(data) == 65535
    apart = data.to_dataset("band")
    for variable in apart.data_vars.values():
        variable.encoding = {"_FillValue": 65535}
        variable.attrs["offset_dn"] = 0
    assert found(apart) == 65535
    store = MemoryStore()
    apart.tec.to_zarr(store, context="none", chunks={"time": 1}, progress=False)
    back = xr.open_zarr(store).tec.from_cube()
    assert (back["B03"][:, :3] == 65535).all()
    assert back["B03"].encoding["_FillValue"] == 65535
    assert "_FillValue" not in back["B03"].attrs


def test_attributes_of_the_whole_cube_tell_it_where_bands_do_not():
    data = array().to_dataset("band").assign_attrs(nodata=65535)
    assert found(data) == 65535
    assert found(data.assign_attrs(nodata=None, nodatavals=(7.0,))) == 7
    for variable in data.data_vars.values():
        variable.attrs["_FillValue"] = 0
    assert found(data) == 0
    del data["B03"].attrs["_FillValue"]
    with pytest.raises(InvalidInputError, match=r"bands disagree on their nodata.*B03: 65535"):
        found(data)


def test_encodings_of_packed_numbers_tell_nothing_of_floats(tmp_path):
    """As xarray opens packed reflectance: 0 stands for no data among DN, and is a reflectance."""
    packing = {"_FillValue": 0, "scale_factor": 1e-4, "add_offset": -0.1, "dtype": "u2"}
    reflectance = array("f8").drop_attrs().to_dataset("band")
    reflectance["rain"] = reflectance["B03"].copy()
    for variable in reflectance.data_vars.values():
        variable[:, :, :3] = np.nan
        variable[:, 4, 3:5] = 0.0
    reflectance.to_netcdf(tmp_path / "a.nc", encoding=dict.fromkeys(reflectance, packing))
    opened = xr.open_dataset(tmp_path / "a.nc")
    assert found(opened) is None
    opened.tec.to_zarr(tmp_path / "a.zarr", context="none", max_error=2e-3, progress=False)
    plain = xr.open_zarr(tmp_path / "a.zarr").tec.to_plain()
    plain.to_netcdf(tmp_path / "b.nc")
    again = xr.open_dataset(tmp_path / "b.nc")
    for name in ("B02", "B03", "rain"):
        np.testing.assert_allclose(again[name], opened[name], atol=2.1e-3)


def test_a_coordinate_of_stackstac_tells_it():
    coordinate = ("band", objects(raster(65535), raster(65535)))
    assert found(array().assign_coords({"raster:bands": coordinate})) == 65535
    coordinate = ("band", objects(raster(65535), {"nodata": 0}))
    with pytest.raises(InvalidInputError, match="told differently, by raster:bands with nodata"):
        found(array().assign_coords({"raster:bands": coordinate}))
    assert found(array(nodata=0).assign_coords({"raster:bands": coordinate})) == 0


def test_what_contradicts_itself_is_refused():
    with pytest.raises(InvalidInputError, match=r"nodata: 65535, _FillValue: 0: give nodata="):
        found(array(nodata=65535, _FillValue=0))
    with pytest.raises(InvalidInputError, match=r"nodata has another value for each band"):
        found(array(nodata=[0, 65535]))
    with pytest.raises(InvalidInputError, match="nodata is 'clouds', which is no number"):
        found(array(nodata="clouds"))
    assert units_of(to_cube(array(nodata="clouds")), None, None, 0)["nodata"] == 0
