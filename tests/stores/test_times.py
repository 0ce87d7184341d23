"""Times of later dates, and dates that a store has already."""

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.synthetic import series
from tec_zarr.synthetic.observations import dataset

TIMES = {
    "days": np.array(["2021-01-05", "2021-01-10"], "M8[ns]"),
    "hours": np.array(["2021-02-05T11", "2021-02-10T10"], "M8[ns]"),
    "milliseconds": np.array(["2021-03-05T10:56:21.024", "2021-03-10T10:56:22.5"], "M8[ns]"),
    "nanoseconds": np.array(["2021-04-05T10:56:21.000000001", "2021-04-10"], "M8[ns]"),
}


def cube(times: np.ndarray) -> xr.DataArray:
    made = series(2, 16, seed=1).isel(band=slice(0, 3))
    return made.assign_coords(time=times).assign_attrs(offset_dn=0)


def write(times: np.ndarray, zarr_format: int = 3) -> MemoryStore:
    store = MemoryStore()
    chunks = {"time": 1}
    cube(times).tec.to_zarr(store, chunks=chunks, zarr_format=zarr_format, progress=False)
    return store


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("later", ["hours", "milliseconds"])
def test_a_store_of_days_holds_any_later_time(later, zarr_format):
    store = write(TIMES["days"], zarr_format)
    cube(TIMES[later]).tec.append(store, progress=False)
    found = xr.open_zarr(store)["time"].values
    np.testing.assert_array_equal(found, np.concatenate([TIMES["days"], TIMES[later]]))


def test_times_that_a_store_cannot_hold_are_refused_and_nothing_changes():
    store = write(TIMES["days"])
    with pytest.raises(
        InvalidInputError, match=r"counts time in 'microseconds since .*cannot hold"
    ):
        cube(TIMES["nanoseconds"]).tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 2
    other = MemoryStore()
    coarse = cube(TIMES["days"]).tec.to_cube().chunk({"time": 1})
    coarse.to_zarr(other, encoding=cube(TIMES["days"]).tec.encoding(chunks={"time": 1}))
    with pytest.raises(
        InvalidInputError, match=r"counts time in 'days since .*cannot hold 2021-02-05"
    ):
        cube(TIMES["hours"]).tec.append(other, progress=False)
    assert xr.open_zarr(other).sizes["time"] == 2


def test_a_store_of_days_by_xarray_alone_takes_later_days():
    store = MemoryStore()
    first = cube(TIMES["days"])
    encoding = first.tec.encoding(chunks={"time": 1})
    first.tec.to_cube().chunk({"time": 1}).to_zarr(store, encoding=encoding)
    later = TIMES["days"] + np.timedelta64(30, "D")
    cube(later).tec.append(store, progress=False)
    found = xr.open_zarr(store)["time"].values
    np.testing.assert_array_equal(found, np.concatenate([TIMES["days"], later]))


def test_dates_that_are_there_or_older_are_refused():
    store = write(TIMES["hours"])
    again = np.array([TIMES["hours"][1], TIMES["milliseconds"][0]])
    with pytest.raises(InvalidInputError, match="the store has 2021-02-10T10:00:00 already"):
        cube(again).tec.append(store, progress=False)
    with pytest.raises(InvalidInputError, match=r"2021-01-05.* would come after 2021-02-10T10"):
        cube(TIMES["days"]).tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 2


@pytest.mark.parametrize(
    ("attrs", "said"),
    [
        ({"offset_dn": -1000}, "offset_dn: -1000 here, 0 in the store"),
        ({"offset_dn": 0, "nodata": 65535}, "nodata: 65535 here, 0 in the store"),
    ],
)
def test_dates_in_other_units_are_refused(attrs, said):
    store = write(TIMES["days"])
    later = cube(TIMES["hours"])
    later.attrs = attrs
    with pytest.raises(InvalidInputError, match=said):
        later.tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 2
    later.attrs = {}  # says nothing: as in the store
    later.tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 4


@pytest.mark.parametrize("kind", ["U", "O"])
def test_texts_along_time_grow(kind):
    names = np.array(["S2A_1", "S2B_22", "S2A_333", "a longer name"], kind)
    store = MemoryStore()
    first = cube(TIMES["days"]).assign_coords(id=("time", names[:2]))
    first.tec.to_zarr(store, chunks={"time": 1}, progress=False)
    cube(TIMES["hours"]).assign_coords(id=("time", names[2:])).tec.append(store, progress=False)
    assert xr.open_zarr(store)["id"].values.tolist() == names.tolist()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_metadata_are_consolidated_and_stay_so(zarr_format, recwarn):
    store = write(TIMES["days"], zarr_format)
    cube(TIMES["hours"]).tec.append(store, progress=False)
    opened = xr.open_zarr(store, consolidated=True)
    assert opened.sizes["time"] == 4
    assert not [w for w in recwarn if "onsolidated" in str(w.message)]


def test_units_that_nothing_here_knows_are_no_reason_to_look_at_values():
    """Nor is what the store calls nodata."""
    kelvin = (cube(TIMES["days"]) * 0.01 + 270).astype("float32")
    kelvin[:, :, :4] = -9999
    kelvin.attrs = {"units": "K", "nodata": -9999.0}
    store = MemoryStore()
    kelvin.tec.to_zarr(store, scale=0.01, max_error=0.5, chunks={"time": 1}, progress=False)
    kelvin.assign_coords(time=TIMES["hours"]).tec.append(store, progress=False)
    found = xr.open_zarr(store)["B"].values
    assert (found[2:, :, :4] == -9999).all()
    assert np.abs(found[2:, :, 4:] - kelvin.values[:, :, 4:]).max() <= 0.5
    counted = kelvin.assign_coords(time=TIMES["milliseconds"]).assign_attrs(units="DN")
    with pytest.raises(InvalidInputError, match=r"scale: 1.0 here, 0.01 in the store"):
        counted.tec.append(store, progress=False)


def test_dates_out_of_order_among_themselves_are_refused(tmp_path):
    scene = dataset(3, (24, 24), seed=1)
    scene.isel(time=[0]).tec.to_zarr(tmp_path / "a.zarr", progress=False)
    for picked in ([2, 1], [1, 1]):
        with pytest.raises(InvalidInputError, match=r"not in their order.*sortby"):
            scene.isel(time=picked).tec.append(tmp_path / "a.zarr", progress=False)
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 1
