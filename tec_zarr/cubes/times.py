"""Times, as a store can count them: datetime64, in UTC where they have a zone."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from tec_zarr.errors import InvalidInputError

COARSE = ("datetime64[s]", "datetime64[ms]", "timedelta64[s]", "timedelta64[ms]")

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def with_plain_times(data: Data) -> Data:
    """`data` with datetime64 wherever there are datetimes, in UTC where they have a zone, and
    along `time` also where there are ISO texts or numbers since some date; all of them in
    microseconds or finer.

    Raises InvalidInputError for a MultiIndex, other calendars, and texts that are no times.
    """
    for name, index in data.indexes.items():
        if isinstance(index, pd.MultiIndex):
            raise InvalidInputError(
                f"{name} is a MultiIndex of {', '.join(map(str, index.names))}, which no store can "
                f'hold: take it apart first, with .reset_index("{name}")'
            )
    data = _counted(data)
    plain = {}
    for name in _names(data):
        variable = data[name]
        if _is_of_times(variable):
            plain[name] = (variable.dims, _in_utc(str(name), variable), variable.attrs)
    return _fine(_assigned(data, plain))


def _names(data: xr.Dataset | xr.DataArray) -> list[Hashable]:
    return list(data.variables if isinstance(data, xr.Dataset) else data.coords)


def _assigned(data: Data, found: Mapping[Hashable, Any]) -> Data:
    return data.assign(found) if isinstance(data, xr.Dataset) else data.assign_coords(found)


def _counted(data: Data) -> Data:
    """With times for numbers since some date, as they are where a file was opened without decoding:
    another file may count from another date."""
    if "time" not in data.coords or data["time"].dtype.kind not in "iuf":
        return data
    coord = data["time"]
    if " since " not in str(coord.attrs.get("units", "")):
        return data
    try:
        decoded = xr.coders.CFDatetimeCoder().decode(coord.variable.to_base_variable(), "time")
    except ValueError as error:
        raise InvalidInputError(
            f"the times are numbers of {coord.attrs['units']!r}, which nothing can count from: "
            "correct or remove the attribute units, or give datetime64"
        ) from error
    return data.assign_coords(time=(coord.dims, decoded.values, decoded.attrs))


def _is_of_times(coord: xr.DataArray) -> bool:
    """Whether objects are times, or texts are to be."""
    if isinstance(coord.dtype, pd.DatetimeTZDtype):
        return True
    if coord.name == "time":
        return coord.dtype.kind in "OUT"
    values = _known(coord) if coord.dtype.kind == "O" else []
    return bool(values) and all(map(_is_time, values))


def _is_time(value: Any) -> bool:
    """Of whatever calendar; cftime need not be there."""
    is_other = type(value).__module__.partition(".")[0] == "cftime"
    return is_other or isinstance(value, (datetime.date, pd.Period))


def _known(coord: xr.DataArray) -> list[Any]:
    return [value for value in coord.values.flat if not _is_missing(value)]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value))


def _in_utc(name: str, coord: xr.DataArray) -> np.ndarray:
    if isinstance(coord.dtype, pd.DatetimeTZDtype):
        zoned = pd.DatetimeIndex(coord.to_index() if coord.ndim else [coord.item()])
        return np.asarray(zoned.tz_convert(None), "datetime64[ns]").reshape(coord.shape)
    values = _known(coord)
    if not values or not all(isinstance(value, (str, datetime.date)) for value in values):
        first = values[0] if values else None
        raise InvalidInputError(
            f"{name} has values of the type {type(first).__name__}, such as {first!r}, which are "
            f"no times of the calendar that all stores know: {_way_out(name, first)}"
        )
    texts = ["NaT" if _is_missing(value) else str(value) for value in coord.values.flat]
    try:
        times = pd.to_datetime(texts, utc=True, format="ISO8601")
    except ValueError as error:
        raise InvalidInputError(
            f"{name} has texts that are no times, such as '{values[0]}': give datetime64, for "
            f"example with ds.assign_coords({name}=pd.to_datetime(...))"
        ) from error
    return np.asarray(times.tz_localize(None), "datetime64[ns]").reshape(coord.shape)


def _way_out(name: str, value: Any) -> str:
    if isinstance(value, pd.Period):
        return (
            "convert them to datetime64 first, for example with "
            f'ds.assign_coords({name}=ds["{name}"].to_index().to_timestamp())'
        )
    return (
        "convert them to datetime64 first, for example with "
        'ds.convert_calendar("standard", use_cftime=False)'
    )


def _fine(data: Data) -> Data:
    """Times that numpy counts in seconds or milliseconds in microseconds: xarray writes coarser
    ones as NaT where a store counts finer."""
    fine = {}
    for name in _names(data):
        variable = data[name].variable
        if str(variable.dtype) in COARSE:
            kind = variable.dtype.kind
            fine[name] = (variable.dims, variable.data.astype(f"{kind}8[us]"), variable.attrs)
    return _assigned(data, fine)
