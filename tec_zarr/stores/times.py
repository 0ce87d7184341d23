"""Times in stores: encodings that hold any later date, and whether one holds these."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError

LINE = 512
"""Values along time in a chunk of a variable that has no other dim."""

CALENDAR = "proleptic_gregorian"


def time_encodings(cube: xr.Dataset) -> dict[str, dict[str, Any]]:
    """`encoding` of the variables of a new store that hold times.

    What xarray chooses by itself is as coarse as the first dates allow; later ones may be finer.
    """
    found = {}
    for name, variable in cube.variables.items():
        kind = variable.dtype.kind
        if kind not in "Mm":
            continue
        values = variable.values
        in_microseconds = values.astype(f"{kind}8[us]").astype(values.dtype)
        is_fine = np.array_equal(in_microseconds, values, equal_nan=True)
        unit = "microseconds" if is_fine else "nanoseconds"
        if kind == "m":
            found[str(name)] = {"units": unit, "dtype": "int64"}
        else:
            found[str(name)] = {
                "units": f"{unit} since 1970-01-01",
                "calendar": CALENDAR,
                "dtype": "int64",
            }
    return found


def line_encodings(cube: xr.Dataset) -> dict[str, dict[str, Any]]:
    """`encoding` of the variables of a new store that have a value a date: in one chunk for years
    to come, so that an archive that grows is not opened piece by piece."""
    found = {}
    for name, variable in cube.variables.items():
        if variable.dims == ("time",):
            found[str(name)] = {"chunks": (max(LINE, variable.size),)}
    return found


def check_times(cube: xr.Dataset, stored: xr.Dataset) -> None:
    """Raise InvalidInputError unless a store can hold the times of `cube`, and they come after its
    own."""
    for name, variable in cube.variables.items():
        if variable.dtype.kind in "Mm" and "time" in variable.dims and name in stored:
            _check_encoding(str(name), variable, stored[name].encoding)
    if "time" not in cube.coords or "time" not in stored.coords:
        return
    new = cube["time"].values
    old = stored["time"].values
    if new.dtype.kind != "M" or old.dtype.kind != "M" or not new.size or not old.size:
        return
    if np.isnat(new).any():
        raise InvalidInputError(
            f"{np.isnat(new).sum()} of {new.size} dates have no time (NaT), so that nothing tells "
            'their order: give them one, or leave them out with .sel(time=ds["time"].notnull())'
        )
    old = old[~np.isnat(old)]
    if not old.size:
        return
    again = new[np.isin(new, old)]
    if again.size:
        raise InvalidInputError(
            f"the store has {_listed(again)} already: leave out dates that are there, for example "
            "with .sel(time=...), or write the store anew"
        )
    steps = np.diff(new)
    if (steps <= np.timedelta64(0)).any():
        place = int(np.argmax(steps <= np.timedelta64(0)))
        raise InvalidInputError(
            f"the dates are not in their order: {_listed(new[place : place + 1])} comes before "
            f'{_listed(new[place + 1 : place + 2])}. Sort them, for example with .sortby("time"), '
            "and leave out what is there twice"
        )
    if new.min() < old.max():
        early = new[new < old.max()]
        raise InvalidInputError(
            f"{_listed(early)} would come after {_listed(old[[old.argmax()]])} in the store: "
            "append dates in their order, or write the store anew"
        )


def _listed(times: np.ndarray) -> str:
    shown = ", ".join(str(time) for time in times.ravel()[:3].astype(f"{times.dtype.kind}8[s]"))
    return shown if len(times) <= 3 else f"{shown} and {len(times) - 3} more"


def _check_encoding(name: str, variable: xr.Variable, encoding: dict[str, Any]) -> None:
    units = encoding.get("units")
    if units is None:
        return
    wanted = {key: encoding[key] for key in ("units", "calendar", "dtype") if key in encoding}
    copy = variable.copy(deep=False)
    copy.encoding = wanted
    with warnings.catch_warnings():
        # Xarray says that it takes other units; that is what is looked for here.
        warnings.simplefilter("ignore")
        if variable.dtype.kind == "m":
            encoded = xr.coders.CFTimedeltaCoder().encode(copy, name)
            is_kept = encoded.attrs["units"] == units
        else:
            encoded = xr.coders.CFDatetimeCoder().encode(copy, name)
            calendar = encoding.get("calendar", CALENDAR)
            is_kept = _mean_the_same(encoded.attrs["units"], units, calendar)
    if not is_kept or encoded.dtype.kind != np.dtype(wanted["dtype"]).kind:
        raise InvalidInputError(
            f"the store counts {name} in {units!r}, which cannot hold {_listed(variable.values)}: "
            f'round them, for example with ds["{name}"].dt.floor("D"), or write the store anew; '
            "new stores count microseconds"
        )


def _mean_the_same(one: str, other: str, calendar: str) -> bool:
    """Whether two texts count time alike: "days since 2021-01-01" and
    "days since 2021-01-01 00:00:00"."""
    counted = []
    for units in (one, other):
        numbers = xr.Variable("n", [0, 1], {"units": units, "calendar": calendar})
        counted.append(xr.coders.CFDatetimeCoder().decode(numbers).values)
    return np.array_equal(counted[0], counted[1])
