"""Dates that look like those of a store, and mean something else."""

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.synthetic.observations import dataset

YEARS = np.timedelta64(900, "D")
SHAPE = (2, 24, 24)


def scene() -> xr.Dataset:
    made = dataset(2, 24, seed=1).isel(band=slice(0, 3))
    return made.drop_attrs()


def later(data: xr.Dataset) -> xr.Dataset:
    return data.assign_coords(time=data["time"] + YEARS)


def grown(first: xr.Dataset, more: xr.Dataset) -> xr.Dataset:
    store = MemoryStore()
    units = {"offset_dn": 0} if first["B"].dtype.kind == "u" else {}
    first.tec.to_zarr(store, chunks={"time": 1}, max_error=0, progress=False, **units)
    more.tec.append(store, progress=False)
    return xr.open_zarr(store).tec.from_cube()


def refused(first: xr.Dataset, more: xr.Dataset, said: str) -> None:
    """And nothing is changed."""
    store = MemoryStore()
    first.tec.to_zarr(store, chunks={"time": 1}, max_error=0, progress=False, offset_dn=0)
    before = {key: value.to_bytes() for key, value in store._store_dict.items()}
    with pytest.raises(InvalidInputError, match=said):
        more.tec.append(store, progress=False)
    assert {key: value.to_bytes() for key, value in store._store_dict.items()} == before


def beside(values: np.ndarray, **attrs) -> xr.Dataset:
    dims = ("time", "y", "x")[: values.ndim]
    return scene().assign(beside=(dims, values, attrs))


NARROW = {
    "classes": (np.ones(SHAPE, "u1"), np.full(SHAPE, 300, "u2")),
    "signed": (np.ones(SHAPE, "i2"), np.full(SHAPE, 40_000, "i4")),
    "counts": (np.array([1, 2], "i1"), np.array([300, 2], "i8")),
    "angles": (np.array([1, 2], "f4"), np.array([0.1, 2e300], "f8")),
    "bytes": (np.array([b"a", b"b"]), np.array([b"longer", b"b"])),
}


@pytest.mark.parametrize("kind", NARROW)
@pytest.mark.filterwarnings("ignore:The data type")
def test_values_that_a_store_would_cast_are_refused(kind):
    first, more = NARROW[kind]
    refused(beside(first), later(beside(more)), "beside: ")


def test_a_narrower_dtype_fits_a_wider_one():
    found = grown(beside(np.full(2, 300, "i4")), later(beside(np.array([-7, 5], "i2"))))
    assert found["beside"].values.tolist() == [300, 300, -7, 5]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_come_back_whatever_those_before_were(unit):
    days = np.array([1, 2], "m8[D]").astype(f"m8[{unit}]")
    hours = np.array([5, "NaT"], "m8[h]").astype(f"m8[{unit}]")
    found = grown(beside(days), later(beside(hours)))["beside"].values
    np.testing.assert_array_equal(found[:2], days)
    np.testing.assert_array_equal(found[2:], hours)
    np.testing.assert_array_equal(grown(beside(hours), later(beside(days)))["beside"][2:], days)


def test_durations_that_a_store_counts_too_coarsely_are_refused():
    days = beside(np.array([1, 2], "m8[D]").astype("m8[ns]"))
    hours = beside(np.array([1, 2], "m8[h]").astype("m8[ns]"))
    store = MemoryStore()
    encoding = days.tec.encoding(chunks={"time": 1}, offset_dn=0)
    encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    encoding["beside"] = {"units": "days", "dtype": "int64"}
    days.tec.to_cube().to_zarr(store, encoding=encoding)
    with pytest.raises(InvalidInputError, match=r"counts beside in 'days', which cannot hold"):
        later(hours).tec.append(store, progress=False)


def test_times_after_some_that_are_missing_are_as_fine_as_any():
    gaps = beside(np.array(["2021-01-01", "NaT"], "M8[ns]"))
    fine = np.array(["2021-02-01T10:20:30.123456", "NaT"], "M8[ns]")
    found = grown(gaps, later(beside(fine)))["beside"].values
    np.testing.assert_array_equal(found[:2], gaps["beside"])
    np.testing.assert_array_equal(found[2:], fine)


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({"scale_factor": 1.0}, {"scale_factor": 0.1}),
        ({}, {"scale_factor": 0.1}),
        ({"add_offset": 273.15}, {"add_offset": 0}),
        ({"_FillValue": 0}, {"_FillValue": 255}),
        ({"missing_value": 0}, {"missing_value": 255}),
        ({"units": "degrees"}, {"units": "radians"}),
        ({"units": "days since 2020-01-01"}, {"units": "days since 2021-01-01"}),
    ],
)
def test_variables_in_other_units_are_refused(first, more):
    values = np.ones(SHAPE, "u1")
    refused(beside(values, **first), later(beside(values, **more)), "of beside: ")


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({"scale_factor": 0.1, "_FillValue": 0}, {}),
        ({}, {"scale_factor": 1.0, "add_offset": 0}),
        ({"_FillValue": 0}, {"_FillValue": 0.0}),
        ({}, {"units": "degrees"}),
        ({"units": "degrees"}, {}),
    ],
)
def test_what_is_left_unsaid_or_the_same_is_not(first, more):
    values = np.ones(SHAPE, "u1")
    assert grown(beside(values, **first), later(beside(values, **more))).sizes["time"] == 4


def in_system(form: str, code: int) -> xr.Dataset:
    data = scene()
    if form == "rioxarray":
        pytest.importorskip("rioxarray")
        return data.rio.write_crs(f"EPSG:{code}")
    if form == "WKT":
        wkt = f'PROJCRS["UTM",BASEGEOGCRS["WGS 84",ID["EPSG",4326]],ID["EPSG",{code}]]'
        return data.assign_coords(crs=((), 0, {"spatial_ref": wkt}))
    if form == "attribute":
        return data.assign_attrs(crs=f"epsg:{code}")
    return data.assign_attrs({"proj:epsg": code})


FORMS = ("rioxarray", "WKT", "attribute", "STAC")


@pytest.mark.parametrize("form", FORMS)
def test_the_next_zone_is_refused(form):
    refused(in_system(form, 32633), later(in_system(form, 32634)), "CRS: EPSG:32634 here, EPSG:3")


@pytest.mark.parametrize("form", FORMS)
def test_one_system_fits_in_any_form_and_where_none_is_told(form):
    for other in (in_system("attribute", 32633), scene()):
        assert grown(in_system(form, 32633), later(other)).sizes["time"] == 4


def floats(factor: float) -> xr.Dataset:
    data = scene()
    return data.assign(B=(data["B"] * factor).astype("f4"))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("first", "more", "said"),
    [
        (1e-4, 1e-2, r"the store has reflectance \(scale=0.0001\).*units=\"reflectance\""),
        (1e-4, 1, r"the store has reflectance \(scale=0.0001\).*units=\"reflectance\""),
        (1, 1e-4, r"the store has DN \(scale=1\).*units=\"DN\""),
    ],
)
def test_floats_that_are_surely_in_other_units_are_refused(first, more, said, lazy):
    other = later(floats(more))
    other = other.chunk({"time": 1}) if lazy else other
    with pytest.raises(InvalidInputError, match=said):
        grown(floats(first), other)


def test_floats_that_may_be_in_the_store_s_units_fit():
    """Bright clouds and glint, some values that stand for no data, and what says its unit."""
    bright = floats(1e-4)
    bright["B"][:] = 1.6
    bright["B"][:, :, :4] = -9999
    assert grown(floats(1e-4), later(bright)).sizes["time"] == 4
    told = later(floats(1e-2))
    told["B"].attrs["units"] = "reflectance"
    assert grown(floats(1e-4), told).sizes["time"] == 4
    dark = later(floats(1).assign(B=xr.zeros_like(floats(1)["B"])))
    assert grown(floats(1), dark).sizes["time"] == 4


def of_items(*values) -> xr.Dataset:
    """A coordinate of properties of items, as stackstac makes it."""
    objects = np.empty(len(values), object)
    objects[:] = values
    return scene().assign_coords(property=("time", objects))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("more", [("c", "d"), (1.5, 2.5), (None, {"id": 2}), (True, False)])
def test_properties_that_some_items_lack_come_back_whatever_others_have(more, zarr_format):
    store = MemoryStore()
    options = {"chunks": {"time": 1}, "offset_dn": 0, "zarr_format": zarr_format}
    first = of_items("a", None)
    first.tec.to_zarr(store, max_error=0, progress=False, **options)
    other = scene().assign_coords(property=("time", list(more)))
    later(other).tec.append(store, progress=False)
    found = xr.open_zarr(store).tec.from_cube()["property"].values.tolist()
    # Pandas may have NaN for what is missing already.
    wanted = [*first["property"].values.tolist(), *more]
    assert list(map(repr, found)) == list(map(repr, wanted))


def test_properties_with_gaps_do_not_go_among_texts():
    refused(of_items("a", "b"), later(of_items("c", None)), r"property: objects, or texts with")
