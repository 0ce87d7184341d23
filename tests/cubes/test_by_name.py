"""Bands, dates and masks go by name, whatever was selected, sorted or reversed."""

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.restore import from_cube
from tec_zarr.cubes.units import units_of
from tec_zarr.errors import InvalidInputError

BANDS = ("B02", "B03", "B04", "B08", "B8A", "B11")
NAMES = ("blue", "green", "red", "nir", "nir08", "swir16")


def variables(time: str = "time", y: str = "y", x: str = "x") -> xr.Dataset:
    """A variable a band, whose values are the number of the band, and a mask."""
    sizes = {time: 3, y: 5, x: 4}
    coords = {time: np.datetime64("2021-01-05", "ns") + np.arange(3) * np.timedelta64(5, "D")}
    coords |= {y: 50.0 - np.arange(5), x: 7.0 + np.arange(4)}
    out = xr.Dataset(coords=coords)
    for number, name in enumerate(NAMES):
        attrs = {"offset_dn": 0, "long_name": name}
        out[name] = (tuple(sizes), np.full(tuple(sizes.values()), 100 + number, "u2"), attrs)
    out["SCL"] = (tuple(sizes), np.full(tuple(sizes.values()), 4, "u1"))
    return out


def array() -> xr.DataArray:
    stacked = variables()[list(NAMES)].to_dataarray("band", name="s2").transpose("time", ...)
    return stacked.assign_coords(band=list(BANDS)).assign_attrs(offset_dn=0)


SELECTIONS = {
    "all": lambda cube: cube,
    "sorted": lambda cube: cube.sortby("band"),
    "reversed": lambda cube: cube.isel(band=slice(None, None, -1)),
    "two": lambda cube: cube.sel(band=["B08", "B04"]),
    "one": lambda cube: cube.sel(band="B08"),
    "one in a list": lambda cube: cube.isel(band=[3]),
    "one date": lambda cube: cube.isel(time=1),
    "one date in a list": lambda cube: cube.isel(time=[1]),
    "dates reversed": lambda cube: cube.isel(time=slice(None, None, -1)),
    "a row": lambda cube: cube.isel(y=2),
    "a pixel of a band": lambda cube: cube.sel(band="B04").isel(y=2, x=1),
    "a window": lambda cube: cube.isel(y=slice(1, 3), x=slice(2, 4)).sel(band=["B11", "B02"]),
    "transposed": lambda cube: cube.transpose("x", "y", "band", "time"),
}


@pytest.mark.parametrize("how", SELECTIONS)
def test_variables_keep_their_names(how):
    cube = SELECTIONS[how](to_cube(variables()))
    back = from_cube(cube)
    chosen = [str(band) for band in np.atleast_1d(cube["band"].values)]
    assert {name for name in back if name != "SCL"} == {NAMES[BANDS.index(b)] for b in chosen}
    for band in chosen:
        name = NAMES[BANDS.index(band)]
        assert set(np.unique(back[name])) == {100 + BANDS.index(band)}
        assert back[name].attrs["long_name"] == name
        np.testing.assert_array_equal(back[name]["time"], cube["time"])
        np.testing.assert_array_equal(back[name]["y"], cube["y"])
    assert (back["SCL"] == 4).all()


@pytest.mark.parametrize("how", SELECTIONS)
def test_bands_of_an_array_keep_their_labels(how):
    cube = SELECTIONS[how](to_cube(array()))
    back = from_cube(cube)
    for band in np.atleast_1d(back["band"].values):
        one = back.sel(band=band) if "band" in back.dims else back
        assert set(np.unique(one)) == {100 + BANDS.index(band)}


def test_without_a_label_nothing_is_guessed():
    with pytest.raises(InvalidInputError, match="nothing tells which band this is"):
        from_cube(to_cube(variables()).isel(band=3, drop=True))
    with pytest.raises(InvalidInputError, match="got a DataArray"):
        array().tec.from_cube()


@pytest.mark.parametrize(
    "dims",
    [
        ("t", "y", "x"),
        ("time", "lat", "lon"),
        ("t", "latitude", "longitude"),
        ("time", "Y", "X"),
        ("Time", "northing", "easting"),
        ("time", "projection_y_coordinate", "projection_x_coordinate"),
    ],
)
def test_other_names_of_dims_are_those_of_masks_too(dims):
    original = variables(*dims)
    cube = to_cube(original)
    assert cube["SCL"].dims == ("time", "y", "x")
    xr.testing.assert_identical(from_cube(cube), original)
    store = MemoryStore()
    original.isel({dims[0]: slice(0, 2)}).tec.to_zarr(store, chunks={"time": 2}, progress=False)
    original.isel({dims[0]: slice(2, 3)}).tec.append(store, progress=False)
    opened = xr.open_zarr(store, consolidated=False)
    assert opened.sizes["time"] == 3
    back = opened.tec.from_cube().compute()
    assert back["red"].dims == back["SCL"].dims == dims
    np.testing.assert_array_equal(back["SCL"], original["SCL"])
    assert np.abs(back["red"].astype(int) - 102).max() <= 8


@pytest.mark.parametrize("first", [420.5, 420, 0.49])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_wavelengths_are_names_of_bands(first, dtype):
    """As files of imaging spectrometers have them, beside a spectrum on wavelengths of its own."""
    original = array().rename(band="wavelength")
    count = original.sizes["wavelength"]
    original["wavelength"] = (first * np.arange(1, 1 + count)).astype(dtype)
    store = MemoryStore()
    original.tec.to_zarr(store, max_error=0, progress=False)
    back = xr.open_zarr(store, consolidated=False).tec.from_cube().compute()
    assert back["wavelength"].dtype == dtype
    xr.testing.assert_identical(back.drop_attrs(), original.drop_attrs())
    some = xr.open_zarr(store, consolidated=False).isel(band=[2, 0]).tec.from_cube().compute()
    np.testing.assert_array_equal(some, original.isel(wavelength=[2, 0]))
    np.testing.assert_array_equal(some["wavelength"], original["wavelength"][[2, 0]])
    with pytest.raises(InvalidInputError, match="bands need distinct names"):
        to_cube(original.assign_coords(wavelength=np.arange(count) + 2.0))


def test_a_spectrum_beside_the_bands_keeps_its_dim():
    original = variables()
    original["irradiance"] = ("wavelength", np.arange(7.0))
    xr.testing.assert_identical(from_cube(to_cube(original)), original)
    of_bands = original.rename(wavelength="band")
    with pytest.raises(InvalidInputError, match=r"the dim band, is called .*rename"):
        to_cube(of_bands)


def test_masks_keep_dtype_and_values_whatever_their_attributes_say():
    original = variables()
    packing = {"_FillValue": 4, "scale_factor": 1.0, "add_offset": 0.0, "flag": "x"}
    original["SCL"].attrs = dict(packing)
    store = MemoryStore()
    original.isel(time=slice(0, 2)).tec.to_zarr(store, chunks={"time": 1}, progress=False)
    original.isel(time=slice(2, 3)).tec.append(store, progress=False)
    opened = xr.open_zarr(store)
    assert opened["SCL"].dtype == np.uint8
    np.testing.assert_array_equal(opened["SCL"], original["SCL"])
    before = dict(opened["SCL"].attrs)
    assert opened.tec.from_cube()["SCL"].attrs == packing
    assert opened["SCL"].attrs == before


@pytest.mark.parametrize("kind", [variables, lambda: array().to_dataset(), array])
@pytest.mark.parametrize("how", ["a date", "a date without a label", "a date in a list"])
def test_one_date_comes_back_as_it_was(kind, how):
    one = {
        "a date": lambda data: data.isel(time=1),
        "a date without a label": lambda data: data.isel(time=1, drop=True),
        "a date in a list": lambda data: data.isel(time=[1]),
    }[how](kind())
    xr.testing.assert_identical(from_cube(to_cube(one)), one)


@pytest.mark.parametrize("of_variable", [False, True])
@pytest.mark.parametrize("how", [name for name in SELECTIONS if name not in ("a row",)])
def test_a_selection_of_a_cube_is_a_cube_again(how, of_variable):
    """Also as the variable of all bands alone, and with the units that its attributes told."""
    original = variables()
    for name in NAMES:
        packing = {"scale_factor": 1e-4, "add_offset": -0.1, "_FillValue": 65535}
        original[name].attrs = {**packing, "long_name": name}
    selected = SELECTIONS[how](to_cube(original))
    given = selected["B"] if of_variable else selected
    if "y" not in selected["B"].dims:
        with pytest.raises(InvalidInputError, match=r"select pixels with slices"):
            to_cube(given)
        return
    cube = to_cube(given)
    assert cube["B"].dims == ("time", "band", "y", "x")
    assert units_of(cube, None, None, "auto") == {"offset_dn": -1000, "nodata": 65535}
    wanted = from_cube(selected)
    wanted = wanted.drop_vars("SCL") if of_variable else wanted
    xr.testing.assert_identical(from_cube(cube), wanted)
    store = MemoryStore()
    given.tec.to_zarr(store, max_error=0, progress=False)
    xr.testing.assert_equal(xr.open_zarr(store).tec.from_cube().compute(), wanted)


DECODED = {
    "times": (np.array([1, 2, 3], "i4"), {"units": "days since 2020-01-01", "calendar": "noleap"}),
    "durations": (np.array([1, 2, 3], "i4"), {"units": "days", "dtype": "timedelta64[ns]"}),
    "flags": (np.array([0, 1, 1], "i1"), {"dtype": "bool"}),
    "bytes": (np.array([-1, 1, 1], "i1"), {"_Unsigned": "true"}),
    "scaled": (np.array([1, 2, 255], "i2"), {"scale_factor": 0.01, "_FillValue": 255}),
    "with coordinates": (np.array([1, 2, 3], "i2"), {"coordinates": "SCL"}),
}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", DECODED)
@pytest.mark.parametrize("where", ["variable", "coordinate", "bands"])
def test_raw_values_stay_raw_whatever_their_attributes_say(kind, where, zarr_format):
    """As they are in what was opened without decoding."""
    values, attrs = DECODED[kind]
    original = variables()
    if where == "bands":
        original = original.astype("i2")
        for name in NAMES:
            original[name].attrs = dict(attrs)
    else:
        original["raw"] = ("time", values, dict(attrs))
        original = original.set_coords("raw") if where == "coordinate" else original
    store = MemoryStore()
    units = {"offset_dn": 0, "nodata": None}
    original.tec.to_zarr(store, max_error=0, zarr_format=zarr_format, progress=False, **units)
    opened = xr.open_zarr(store)
    assert set(opened.coords) == set(to_cube(original).coords)
    back = opened.tec.from_cube()
    xr.testing.assert_identical(back[[*original]], original)
    back.to_zarr(MemoryStore(), zarr_format=zarr_format, consolidated=False)


@pytest.mark.parametrize("name", ["mask/cloud", 5, "", "zarr.json", ".zattrs", "__mask", ".."])
@pytest.mark.parametrize("is_coordinate", [False, True])
def test_names_that_a_store_would_lose_are_refused(name, is_coordinate):
    data = variables().assign({name: ("time", [1, 2, 3])})
    data = data.set_coords([name]) if is_coordinate else data
    with pytest.raises(InvalidInputError, match=r"cannot be those of variables.*rename"):
        to_cube(data)
    if is_coordinate:
        with pytest.raises(InvalidInputError, match=r"cannot be those of variables.*rename"):
            to_cube(array().assign_coords({name: ("time", [1, 2, 3])}))


@pytest.mark.parametrize("label", [1, "red"])
@pytest.mark.parametrize("how", ["all", "two", "one", "one date"])
def test_a_scalar_band_that_files_of_one_band_leave_is_no_band(label, how):
    """As rioxarray's open_rasterio(path).squeeze() gives it."""
    original = variables().assign_coords(band=label)
    store = MemoryStore()
    original.tec.to_zarr(store, max_error=0, progress=False)
    back = SELECTIONS[how](xr.open_zarr(store)).tec.from_cube()
    assert back["band"].item() == label
    if how == "all":
        xr.testing.assert_identical(back[[*original]], original)
    for name in set(NAMES) & set(back.data_vars):
        assert (back[name] == 100 + NAMES.index(name)).all()
    with pytest.raises(InvalidInputError, match=r"coordinate band, along .*time.*rename"):
        to_cube(variables().assign_coords(band=("time", [1, 2, 3])))


def test_several_cubes_and_dims_in_several_orders_get_their_way_out():
    with pytest.raises(InvalidInputError, match=r'several variables .*ds\[\["a"\]\]'):
        to_cube(xr.Dataset({"a": array(), "valid": array() > 0}))
    turned = variables()
    turned["nir"] = turned["nir"].transpose("y", "x", "time")
    with pytest.raises(InvalidInputError, match=r"\.transpose\('time', 'y', 'x', \.\.\.\)"):
        to_cube(turned)


IN_FILE = {"B08": 103, "B02": 100, "B04": 102}
"""Long names of the bands of a file, and their values."""


@pytest.mark.parametrize(
    ("labels", "picked"),
    [
        ([1, 2, 3], [0, 1, 2]),
        ([1, 2, 3], [2, 1, 0]),
        ([1, 2, 3], [1, 2, 0]),
        ([1, 2, 3], [2, 0]),
        ([1, 2, 3], [1]),
        ([1, 2, 3], 2),
        (["band_1", "band_2", "band_3"], [0, 1, 2]),
        (["band_1", "band_2", "band_3"], [0, 1]),
        (["band_1", "band_2", "band_3"], [2, 1]),
        (["band_1", "band_2", "band_3"], 1),
    ],
)
def test_long_names_go_with_the_numbers_of_bands(labels, picked):
    """As rioxarray has them, whatever was selected of a file, in whatever order."""
    file = array().isel(band=[3, 0, 2], time=0, drop=True).assign_coords(band=labels)
    file.attrs = {"long_name": tuple(IN_FILE), "offset_dn": 0}
    cube = to_cube(file.isel(band=picked))
    assert set(cube["band"].values) == set(np.atleast_1d(list(IN_FILE)).take(np.ravel(picked)))
    for name in cube["band"].values:
        assert (cube["B"].sel(band=name) == IN_FILE[name]).all()
    xr.testing.assert_identical(from_cube(cube), file.isel(band=picked))


@pytest.mark.parametrize("picked", [[1, 2, 3], [3, 2, 1], [2, 3], [2]])
def test_long_names_go_with_numbered_variables_too(picked):
    """As of rioxarray's band_as_variable."""
    file = xr.Dataset()
    for number, (name, value) in enumerate(IN_FILE.items(), 1):
        attrs = {"long_name": name, "offset_dn": 0}
        file[f"band_{number}"] = (("y", "x"), np.full((5, 4), value, "u2"), attrs)
    part = file[[f"band_{number}" for number in picked]]
    cube = to_cube(part)
    for name in cube["band"].values:
        assert (cube["B"].sel(band=name) == IN_FILE[name]).all()
    xr.testing.assert_identical(from_cube(cube), part)


def test_names_of_their_own_are_those_of_bands_whatever_long_names_are():
    own = array().isel(band=[0, 1]).assign_coords(band=["Oa02", "Oa01"])
    own.attrs["long_name"] = ("radiance 1", "radiance 2")
    assert to_cube(own)["band"].values.tolist() == ["Oa02", "Oa01"]
