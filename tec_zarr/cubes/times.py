"""Times of dates, as a store can count them: datetime64, in UTC where they have a zone."""

from __future__ import annotations

import datetime
from typing import TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from tec_zarr.errors import InvalidInputError

COARSE = ("datetime64[s]", "datetime64[ms]", "timedelta64[s]", "timedelta64[ms]")

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def with_plain_times(data: Data) -> Data:
    """`data` with datetime64 along `time`, where these are datetimes with a zone or ISO texts, and
    with all times in microseconds or finer.

    Raises InvalidInputError for a MultiIndex, other calendars, and texts that are no times.
    """
    for name, index in data.indexes.items():
        if isinstance(index, pd.MultiIndex):
            raise InvalidInputError(
                f"{name} is a MultiIndex of {', '.join(map(str, index.names))}, which no store can "
                f'hold: take it apart first, with .reset_index("{name}")'
            )
    data = _fine(data)
    if "time" not in data.coords or data["time"].dtype.kind not in "OUT":
        return data
    coord = data["time"]
    values = [value for value in coord.values.flat if value is not None]
    if not values or not all(isinstance(value, (str, datetime.date)) for value in values):
        raise InvalidInputError(
            f"the times are {type(values[0]).__name__ if values else 'empty'}, such as "
            f"{values[0] if values else None!r}: convert them to datetime64 first, for example "
            'with ds.convert_calendar("standard", use_cftime=False)'
        )
    try:
        times = pd.to_datetime([str(value) for value in values], utc=True, format="ISO8601")
    except ValueError as error:
        raise InvalidInputError(
            f"the times are texts that are no times, such as '{values[0]}': give datetime64, for "
            "example with ds.assign_coords(time=pd.to_datetime(...))"
        ) from error
    plain = np.asarray(times.tz_localize(None), "datetime64[ns]").reshape(coord.shape)
    return data.assign_coords(time=(coord.dims, plain, coord.attrs))


def _fine(data: Data) -> Data:
    """Times that numpy counts in seconds or milliseconds in microseconds: xarray writes coarser
    ones as NaT where a store counts finer."""
    fine = {}
    coords = data.variables if isinstance(data, xr.Dataset) else data.coords
    for name in coords:
        variable = data[name].variable
        if str(variable.dtype) in COARSE:
            kind = variable.dtype.kind
            fine[name] = (variable.dims, variable.data.astype(f"{kind}8[us]"), variable.attrs)
    return data.assign(fine) if isinstance(data, xr.Dataset) else data.assign_coords(fine)
