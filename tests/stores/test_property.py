"""Generated cubes through a store: written, read, brought back, appended to and compared."""

import os
import warnings

import numpy as np
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

EXAMPLES = int(os.environ.get("TEC_ZARR_EXAMPLES", "60"))
"""Cubes that are tried; more with this variable."""

NAMES = ("B02", "B03", "B04", "B08", "B8A", "B11")
ALIASES = ("blue", "green", "red", "nir", "nir08", "swir16")
DIMS = {
    "ours": {},
    "openEO": {"time": "t", "band": "bands"},
    "geographic": {"y": "latitude", "x": "longitude"},
    "short": {"time": "t", "y": "lat", "x": "lon", "band": "variable"},
}
NODATA = {"u2": (None, 0, 65535), "i2": (None, -9999), "f4": (None, -9999.0, 1e20), "f8": (None,)}
TELLS = ("nodata", "_FillValue", "missing_value")


@st.composite
def cubes(draw) -> dict:
    """What a cube is to be like; small enough that a failure can be read."""
    dtype = draw(st.sampled_from(("u2", "i2", "f4", "f8")))
    bands = draw(st.integers(1, 4))
    return {
        "kind": draw(st.sampled_from(("variables", "array", "variable among others"))),
        "dtype": dtype,
        "nodata": draw(st.sampled_from(NODATA[dtype])),
        "tells": draw(st.sampled_from(TELLS)),
        "offset": draw(st.sampled_from((0, -1000, "packing"))),
        "unit": draw(st.sampled_from(("reflectance", "%", "dn"))),
        "bands": draw(st.permutations(range(len(NAMES))))[:bands],
        "aliases": draw(st.booleans()),
        "dates": draw(st.integers(1, 4)),
        "size": (draw(st.integers(16, 24)), draw(st.integers(16, 24))),
        "dims": draw(st.sampled_from(sorted(DIMS))),
        "order": draw(st.permutations(("time", "band", "y", "x"))),
        "coords": draw(st.sets(st.sampled_from(("y", "x", "crs", "cloud", "platform", "items")))),
        "rises": draw(st.booleans()),
        "lazy": draw(st.sampled_from((None, (1, 1, 7), (3, 2, 24), (2, 4, 11)))),
        "chunk": draw(st.integers(1, 3)),
        "zarr_format": draw(st.sampled_from((2, 3))),
        "bound": draw(st.sampled_from((0, 40))),
        "appended": draw(st.booleans()),
        "flat": draw(st.sampled_from((None, None, None, "labeled", "not labeled"))),
        "seed": draw(st.integers(0, 5)),
        "of_bands": draw(st.sampled_from(sorted(OF_BANDS))),
        "of_places": draw(st.sampled_from(sorted(OF_PLACES))),
    }


OF_BANDS = {
    "all": lambda cube: cube,
    "reversed": lambda cube: cube.isel(band=slice(None, None, -1)),
    "sorted": lambda cube: cube.sortby("band"),
    "last": lambda cube: cube.isel(band=-1),
    "last in a list": lambda cube: cube.isel(band=[-1]),
    "transposed": lambda cube: cube.transpose("x", "band", "y", "time"),
}

OF_PLACES = {
    "all": lambda data: data,
    "first date": lambda data: data.isel(time=0),
    "first date in a list": lambda data: data.isel(time=[0]),
    "dates reversed": lambda data: data.isel(time=slice(None, None, -1)),
    "window": lambda data: data.isel(y=slice(3, 11), x=slice(None, None, -3)),
    "row": lambda data: data.isel(y=5),
}


def values_of(told: dict, dates: int) -> np.ndarray:
    """(time, band, y, x), with holes of nodata."""
    rng = np.random.default_rng(told["seed"])
    shape = (dates, len(told["bands"]), *told["size"])
    dn = rng.integers(1100, 3000, shape) + 200 * np.arange(shape[1])[:, None, None]
    values = dn.astype(told["dtype"])
    if values.dtype.kind == "f":
        values *= values.dtype.type({"reflectance": 1e-4, "%": 1e-2, "dn": 1}[told["unit"]])
    if told["nodata"] is not None:
        values[..., : told["seed"], :3] = told["nodata"]
    return values


def attributes(told: dict) -> dict:
    attrs: dict = {"note": "a cube", "numbers": [1, 2.5]}
    if told["nodata"] is not None:
        attrs[told["tells"]] = told["nodata"]
    if told["dtype"] in ("f4", "f8"):
        return attrs | {"units": told["unit"]}
    if told["offset"] == "packing":
        return attrs | {"scale_factor": 1e-4, "add_offset": -0.1}
    return attrs | {"offset_dn": told["offset"]}


def coordinates(told: dict, dates: int) -> dict:
    days = np.arange(dates) * np.timedelta64(5, "D")
    rows = np.arange(told["size"][0]) * (10.0 if told["rises"] else -10.0)
    every = {
        "y": ("y", 5e6 + rows, {"units": "m"}),
        "x": ("x", 4e5 + 10.0 * np.arange(told["size"][1])),
        "crs": ((), 0, {"crs_wkt": "EPSG:32633"}),
        "cloud": ("time", np.linspace(0, 1, dates)),
        "platform": ("time", np.array([f"S2{'AB'[i % 2]}" for i in range(dates)])),
        "items": ("time", _objects([{"id": i} for i in range(dates)])),
    }
    chosen = {name: every[name] for name in sorted(told["coords"])}
    return {"time": np.datetime64("2021-01-05T10:20:30", "ns") + days, **chosen}


def _objects(values: list) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def make(told: dict, dates: int) -> xr.Dataset | xr.DataArray:
    """The cube as a user has it."""
    names = [(ALIASES if told["aliases"] else NAMES)[band] for band in told["bands"]]
    coords = coordinates(told, dates)
    array = xr.DataArray(values_of(told, dates), dims=("time", "band", "y", "x"), coords=coords)
    array = array.assign_coords(band=names)
    renamed = DIMS[told["dims"]]
    mask = (array.isel(band=0, drop=True) > 0).astype("u1").assign_attrs(flag="a mask")
    if told["kind"] == "variables":
        data = array.to_dataset("band")
        for number, variable in enumerate(data.data_vars.values()):
            variable.attrs = {**attributes(told), "number": number}
        data["SCL"] = mask
        data = data.transpose(*(dim for dim in told["order"] if dim != "band"))
    elif told["kind"] == "array":
        data = array.assign_attrs(attributes(told)).transpose(*told["order"]).rename("cube")
    else:
        data = array.assign_attrs(attributes(told)).to_dataset(name="cube").assign(SCL=mask)
        data = data.transpose(*told["order"], missing_dims="ignore")
    data = data.rename({o: t for o, t in renamed.items() if o in data.dims or o in data.coords})
    if told["lazy"] is None:
        return data
    time, band, side = told["lazy"]
    sizes = {"time": time, "band": band, "y": side, "x": side}
    theirs = {renamed.get(dim, dim): size for dim, size in sizes.items()}
    return data.chunk({dim: size for dim, size in theirs.items() if dim in data.dims})


def check_same(original, back, bound: float) -> None:
    """By name, with coordinates and attributes."""
    assert type(back) is type(original)
    assert set(back.coords) == set(original.coords)
    for name in original.coords:
        found = back[name]
        wanted = original[name]
        assert found.dims == wanted.dims
        assert found.values.tolist() == wanted.values.tolist(), name
        assert found.attrs == wanted.attrs
    if isinstance(original, xr.DataArray):
        check_values(original, back, bound)
        assert back.name == original.name
        return
    assert set(back.data_vars) == set(original.data_vars)
    for name, wanted in original.data_vars.items():
        check_values(wanted, back[name], 0 if name == "SCL" else bound)


def check_values(wanted: xr.DataArray, found: xr.DataArray, bound: float) -> None:
    assert found.dims == wanted.dims
    assert found.dtype == wanted.dtype
    assert found.attrs == wanted.attrs
    if bound == 0:
        np.testing.assert_array_equal(found, wanted)
        return
    nodata = [wanted.attrs[name] for name in TELLS if name in wanted.attrs]
    for value in nodata:
        hole = wanted.values == wanted.dtype.type(value)
        np.testing.assert_array_equal(found.values[hole], wanted.values[hole])
    seen = wanted.values < 1e4
    error = np.abs(found.values[seen].astype("f8") - wanted.values[seen].astype("f8"))
    assert error.max() <= bound * (1 + 1e-6)


def bound_of(told: dict) -> float:
    if told["dtype"] in ("u2", "i2"):
        return told["bound"]
    return told["bound"] * {"reflectance": 1e-4, "%": 1e-2, "dn": 1}[told["unit"]]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="TEC_ZARR_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(cubes())
def test_what_comes_back_is_what_was_written(told):
    whole_chunks = max(1, told["dates"] // told["chunk"])
    first = told["chunk"] * whole_chunks if told["appended"] else told["dates"]
    time = DIMS[told["dims"]].get("time", "time")
    original = make(told, first + told["dates"] * told["appended"])
    if told["flat"]:
        # One date, without a dim.
        told["appended"] = False
        original = original.isel({time: 0}, drop=told["flat"] == "not labeled")
        first = None
    bound = bound_of(told)
    store = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        begun = original.isel({time: slice(0, first)}, missing_dims="ignore")
        begun.tec.to_zarr(
            store,
            max_error=bound,
            context="none",
            zarr_format=told["zarr_format"],
            chunks={"time": told["chunk"], "y": 16, "x": 16},
            progress=False,
        )
        if told["appended"]:
            original.isel({time: slice(first, None)}).tec.append(store, progress=False)
    opened = xr.open_zarr(store)
    check_same(original, opened.tec.from_cube().compute(), bound)
    errors = original.tec.compare(opened)
    assert float(errors["max_error"].max()) <= bound * (1 + 1e-6)
    assert int(errors["lost"]) == 0
    selected = OF_PLACES[told["of_places"]](opened)
    if told["of_bands"] != "transposed" or set(selected["B"].dims) >= {"time", "y"}:
        selected = OF_BANDS[told["of_bands"]](selected)
    check_selected(original, selected.tec.from_cube().compute(), told, bound)


def check_selected(original, back, told: dict, bound: float) -> None:
    """A part of the stored cube holds what the same part of the original does, band by band."""
    ours = {theirs: ours for ours, theirs in DIMS[told["dims"]].items()}

    def renamed(data):
        there = {*data.dims, *data.coords}
        return data.rename({theirs: ours[theirs] for theirs in ours if theirs in there})

    whole = renamed(original)
    if "time" not in whole.dims:
        whole = whole.expand_dims("time")
    wanted = apart(OF_PLACES[told["of_places"]](whole))
    found = apart(renamed(back))
    assert found
    for name, values in found.items():
        exact = 0 if name == "SCL" else bound
        wanted_values = wanted[name]
        if "time" not in values.dims:
            wanted_values = (
                wanted_values.squeeze("time") if "time" in wanted_values.dims else wanted_values
            )
        wanted_values = wanted_values.transpose(*values.dims)
        values.attrs = wanted_values.attrs
        check_values(wanted_values, values, exact)
        for dim in set(values.dims) & set(values.coords):
            np.testing.assert_array_equal(values[dim], wanted_values[dim])


def apart(data) -> dict[str, xr.DataArray]:
    """Every band and mask by its name."""
    found = {}
    for name, variable in data.items() if isinstance(data, xr.Dataset) else [("cube", data)]:
        if "band" not in variable.coords:
            found[name] = variable
            continue
        for band in np.atleast_1d(variable["band"].values):
            is_one = "band" not in variable.dims
            one = variable if is_one else variable.sel(band=band)
            found[str(band)] = one.drop_vars("band")
    return found
