"""Whether dates fit a store: grid, names, dtypes, and what values mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import AS_JSON, meaning_of
from tec_zarr.cubes.crs import told_crs
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError

TEXTS = "OUT"
"""Kinds of dtypes that hold texts."""

UNSAID = {"scale_factor": 1, "add_offset": 0}
"""What it means where nothing is said."""


def check_fits(cube: xr.Dataset, stored: xr.Dataset) -> None:
    """Raise InvalidInputError, with all that differs, unless dates fit a store."""
    differ = _differences(cube, stored)
    if differ:
        listed = "; ".join(f"{what}: {a} here, {b} in the store" for what, (a, b) in differ.items())
        raise InvalidInputError(f"these dates do not fit the store: {listed}")


def _differences(cube: xr.Dataset, stored: xr.Dataset) -> dict[str, tuple[Any, Any]]:
    """What differs, as (here, in the store)."""
    differ: dict[str, tuple[Any, Any]] = {}
    new = cube[NAME]
    old = stored[NAME]
    if new.dtype != old.dtype:
        differ["dtype"] = (new.dtype, old.dtype)
    if new.dims != old.dims:
        differ["dims"] = (new.dims, old.dims)
    for dim in ("band", "y", "x"):
        here = _labels(cube, dim)
        there = _labels(stored, dim)
        if not np.array_equal(here, there):
            differ[dim] = (_shown(here), _shown(there))
    here = _along_time(cube)
    there = _along_time(stored)
    if here != there:
        differ["variables along time"] = (sorted(here), sorted(there))
    for name in sorted(here & there - {NAME}):
        if not _holds(cube[name].dtype, stored[name].dtype):
            differ[name] = (cube[name].dtype, stored[name].dtype)
        elif cube[name].attrs.get(AS_JSON) and not stored[name].attrs.get(AS_JSON):
            differ[name] = ("objects, or texts with gaps", "texts; make texts of them, too")
    differ |= _meanings(cube, stored, here & there - {NAME})
    return differ | _values_that_would_be_lost(cube, stored) | _systems(cube, stored)


def _values_that_would_be_lost(cube: xr.Dataset, stored: xr.Dataset) -> dict[str, tuple[Any, Any]]:
    """Of variables that the store has once for all dates, those that are not as there: masks of a
    date, say, where the store was begun with one date without a dim time."""
    differ = {}
    for name, variable in cube.variables.items():
        if "time" in variable.dims or name in ("band", "y", "x") or name not in stored.variables:
            continue
        there = stored[name].variable
        if variable.dims != there.dims or not variable.equals(there):
            said = "once for all dates, with other values; write it along time, or drop_vars it"
            differ[str(name)] = ("values of its own", said)
    return differ


def _holds(new: np.dtype, old: np.dtype) -> bool:
    """Whether a store's dtype has all values of another one: xarray casts without a word."""
    # Texts are one kind however they are kept.
    if new.kind in TEXTS and old.kind in TEXTS:
        return True
    # Times are counted, and bytes have a length.
    if new.kind in "MmS" or old.kind in "MmS":
        return new.kind == old.kind and (new.kind != "S" or new == old)
    return bool(new.kind == old.kind and np.can_cast(new, old, "safe"))


def _meanings(
    cube: xr.Dataset, stored: xr.Dataset, names: Iterable[str]
) -> dict[str, tuple[Any, Any]]:
    """Of variables along time, scales, offsets, values of no data and units that these dates tell,
    and that are others in the store: attributes there are those of the first dates."""
    differ = {}
    for name in names:
        new = meaning_of(cube[name].attrs)
        old = meaning_of(stored[name].attrs)
        for key, value in new.items():
            there = old.get(key, UNSAID.get(key))
            are_nan = {str(value), str(there)} == {"nan"}
            # Units that the store does not tell may be these.
            is_unknown = key in ("units", "calendar") and there is None
            if value != there and not are_nan and not is_unknown:
                differ[f"{key} of {name}"] = (value, there)
    return differ


def _systems(cube: xr.Dataset, stored: xr.Dataset) -> dict[str, tuple[Any, Any]]:
    """Coordinate reference systems, where both tell theirs: pixels of two UTM zones may have the
    same numbers."""
    here = told_crs(cube)
    there = told_crs(stored)
    if here is None or there is None or here == there:
        return {}
    return {"CRS": (here, there)}


def _labels(cube: xr.Dataset, dim: str) -> np.ndarray:
    return cube[dim].values if dim in cube.coords else np.arange(cube.sizes[dim])


def _shown(labels: np.ndarray) -> str:
    """Labels of a few, or how many there are between which."""
    if labels.size <= 16:
        return str(labels.tolist())
    return f"{labels.size} from {labels[0]} to {labels[-1]}"


def _along_time(cube: xr.Dataset) -> set[str]:
    return {str(name) for name, variable in cube.variables.items() if "time" in variable.dims}
