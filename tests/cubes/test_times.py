"""Times with zones, texts and other calendars."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.cubes.convert import to_cube
from tec_zarr.errors import InvalidInputError
from tec_zarr.synthetic import series

DATES = np.array(["2021-01-05T10:56:21", "2021-01-10T09:00:00"], "M8[ns]")
PARIS = datetime.timezone(datetime.timedelta(hours=1))


def cube(times) -> xr.DataArray:
    made = series(2, 16, seed=1).isel(band=slice(0, 3))
    return made.assign_coords(time=("time", times)).assign_attrs(offset_dn=0)


def objects(*values) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


SAME = {
    "UTC": objects(*pd.to_datetime(DATES).tz_localize("UTC").to_pydatetime()),
    "another zone": objects(*pd.to_datetime(DATES).tz_localize("UTC").tz_convert(PARIS)),
    "an index with a zone": pd.to_datetime(DATES).tz_localize("UTC").tz_convert(PARIS),
    "ISO texts": np.array(["2021-01-05T10:56:21Z", "2021-01-10T09:00:00+00:00"]),
    "ISO texts with a zone": objects("2021-01-05T11:56:21+01:00", "2021-01-10T10:00:00+01:00"),
}


@pytest.mark.parametrize("how", SAME)
def test_times_become_datetime64_in_utc(how):
    store = MemoryStore()
    cube(SAME[how]).tec.to_zarr(store, chunks={"time": 1}, progress=False)
    opened = xr.open_zarr(store)
    np.testing.assert_array_equal(opened["time"], DATES)
    np.testing.assert_array_equal(opened.tec.from_cube()["time"], DATES)
    later = pd.to_datetime(DATES + np.timedelta64(30, "D")).tz_localize("UTC")
    cube(objects(*later)).tec.append(store, progress=False)
    assert xr.open_zarr(store).sizes["time"] == 4


@pytest.mark.filterwarnings("ignore:.*too little of them is clear")
def test_a_mask_with_zoned_times_fits():
    zoned = cube(SAME["another zone"])
    mask = xr.zeros_like(zoned.isel(band=0, drop=True), bool)
    mask[0, :4] = True
    assert zoned.tec.inpaint(mask).shape == zoned.shape


def test_what_is_no_time_is_refused():
    with pytest.raises(InvalidInputError, match="texts that are no times, such as 'spring'"):
        to_cube(cube(np.array(["spring", "autumn"])))
    with pytest.raises(InvalidInputError, match=r"convert them to datetime64 first"):
        to_cube(cube(xr.date_range("2021-02-28", periods=2, calendar="360_day", use_cftime=True)))
    levels = pd.MultiIndex.from_arrays([DATES, [1, 2]], names=["day", "orbit"])
    coords = xr.Coordinates.from_pandas_multiindex(levels, "time")
    stacked = cube(DATES).drop_vars("time").assign_coords(coords)
    with pytest.raises(InvalidInputError, match=r"MultiIndex of day, orbit.*reset_index"):
        to_cube(stacked)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_times_of_any_unit_of_numpy_come_back(unit, zarr_format):
    times = DATES.astype(f"M8[{unit}]")
    data = cube(times).assign_coords(
        sensed=("time", times + np.timedelta64(3, "s")), first=times[0]
    )
    store = MemoryStore()
    whole = data.to_dataset(name="s2").assign(end=("time", times))
    whole.tec.to_zarr(store, chunks={"time": 1}, zarr_format=zarr_format, progress=False)
    later = whole.assign_coords(time=times + np.timedelta64(900, "D"))
    later.tec.append(store, progress=False)
    back = xr.open_zarr(store).tec.from_cube()
    np.testing.assert_array_equal(back["time"][:2], DATES)
    np.testing.assert_array_equal(back["time"][2:], DATES + np.timedelta64(900, "D"))
    np.testing.assert_array_equal(back["sensed"][:2], DATES + np.timedelta64(3, "s"))
    np.testing.assert_array_equal(back["end"][:2], DATES)
    assert back["first"] == DATES[0]


def along_time(values, **attrs) -> xr.DataArray:
    return cube(DATES).assign_coords(sensed=("time", values, attrs))


@pytest.mark.parametrize("how", ["UTC", "another zone", "an index with a zone"])
@pytest.mark.parametrize("is_scalar", [False, True])
def test_other_coordinates_of_times_do_so_too(how, is_scalar):
    """And are no JSON."""
    data = along_time(SAME[how])
    data = data.isel(time=0) if is_scalar else data
    store = MemoryStore()
    data.tec.to_zarr(store, progress=False)
    found = xr.open_zarr(store).tec.from_cube()["sensed"]
    np.testing.assert_array_equal(found, DATES[0] if is_scalar else DATES)
    assert found.dtype.kind == "M"


def test_a_variable_with_a_zone_does_so_too():
    data = cube(DATES).to_dataset(name="s2")
    data["sensed"] = ("time", SAME["an index with a zone"])
    np.testing.assert_array_equal(to_cube(data)["sensed"], DATES)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT])
def test_a_time_that_is_missing_stays_so(missing):
    wanted = [DATES[0], np.datetime64("NaT")]
    texts = to_cube(cube(objects("2021-01-05T10:56:21", missing)))
    np.testing.assert_array_equal(texts["time"], wanted)
    zoned = to_cube(along_time(objects(SAME["UTC"][0], missing)))
    np.testing.assert_array_equal(zoned["sensed"], wanted)


def test_other_calendars_and_periods_are_refused_anywhere():
    other = xr.date_range("2021-01-05", periods=2, calendar="noleap", use_cftime=True)
    with pytest.raises(InvalidInputError, match=r"sensed has values of the type .*NoLeap"):
        to_cube(along_time(other))
    months = pd.period_range("2021-01", periods=2, freq="M")
    with pytest.raises(InvalidInputError, match=r"Period.*sensed.*to_timestamp"):
        to_cube(along_time(objects(*months)))
    with pytest.raises(InvalidInputError, match=r"Period.*time.*to_timestamp"):
        to_cube(cube(months))


def counted(first: str) -> xr.DataArray:
    """As opened with decode_times=False, counted from the first date of its file."""
    since = {"units": f"days since {first}"}
    return cube(DATES).assign_coords(time=("time", [0, 5], since))


def test_numbers_since_a_date_are_times_wherever_they_count_from():
    store = MemoryStore()
    counted("2021-01-05").tec.to_zarr(store, chunks={"time": 1}, progress=False)
    counted("2021-03-01").tec.append(store, progress=False)
    found = xr.open_zarr(store)["time"].values.astype("M8[D]").astype(str)
    assert found.tolist() == ["2021-01-05", "2021-01-10", "2021-03-01", "2021-03-06"]
    with pytest.raises(InvalidInputError, match=r"numbers of 'days since launch'"):
        to_cube(counted("launch"))
