"""Dates to a store that is there."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.storage import ZipStore

from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.stale import warn_of_recoding
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import check_units
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.describe import settings_of
from tec_zarr.stores.options import check_not_empty
from tec_zarr.stores.places import as_it_was_on_failure, local_path
from tec_zarr.stores.times import check_times
from tec_zarr.stores.write import chunked, own_threads, progress_bar, quiet


def append_cube(
    data: xr.Dataset | xr.DataArray,
    store: Any,
    *,
    bands: Iterable[str] | None = None,
    progress: bool = True,
) -> None:
    """Add the dates of `data` to a store, with the codec and settings it has. See
    `ds.tec.append`."""
    if isinstance(store, ZipStore) or pathlib.Path(str(store)).suffix == ".zip":
        raise InvalidInputError(
            f"{store}: dates cannot be added to a zip file; write it anew, or write into a folder"
        )
    warn_of_recoding(data)
    store = local_path(store) or store
    cube = to_cube(data, bands)
    check_not_empty(cube)
    stored = xr.open_zarr(store, consolidated=False, mask_and_scale=False, chunks=None)
    if NAME not in stored:
        raise InvalidInputError(
            f"{store} holds no variable {NAME!r}; found {list(stored.data_vars)}"
        )
    _check_fits(cube, stored)
    check_times(cube, stored)
    group = zarr.open_group(store, mode="r")
    check_units(cube, settings_of(group[NAME]))
    is_consolidated = group.metadata.consolidated_metadata is not None
    chunks = stored[NAME].encoding["chunks"]
    _check_chunks_are_full(stored.sizes["time"], chunks[0])
    without_time = [name for name, v in cube.variables.items() if "time" not in v.dims]
    sizes = dict(zip(("time", "band", "y", "x"), chunks, strict=True))
    prepared = chunked(cube.drop_vars(without_time), sizes)
    with as_it_was_on_failure(store), own_threads(), progress_bar(progress), quiet():
        prepared.to_zarr(store, mode="a", append_dim="time", consolidated=is_consolidated)


def _check_chunks_are_full(dates: int, length: int) -> None:
    if dates % length:
        raise InvalidInputError(
            f"the store has {dates} dates in chunks of {length}: the last chunk is not full, and "
            "adding to it would code its dates a second time, with a loss. Write whole chunks, or "
            "the store anew"
        )


def _check_fits(cube: xr.Dataset, stored: xr.Dataset) -> None:
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
            differ[dim] = (here, there)
    here = _along_time(cube)
    there = _along_time(stored)
    if here != there:
        differ["variables along time"] = (sorted(here), sorted(there))
    for name in sorted(here & there - {NAME}):
        if _kind(cube[name]) != _kind(stored[name]):
            differ[name] = (cube[name].dtype, stored[name].dtype)
    return differ


def _kind(variable: xr.DataArray) -> str:
    """The kind of a dtype; texts are one kind however they are kept."""
    kind = variable.dtype.kind
    return "text" if kind in "OUT" else kind


def _labels(cube: xr.Dataset, dim: str) -> np.ndarray:
    return cube[dim].values if dim in cube.coords else np.arange(cube.sizes[dim])


def _along_time(cube: xr.Dataset) -> set[str]:
    return {str(name) for name, variable in cube.variables.items() if "time" in variable.dims}
