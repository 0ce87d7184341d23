"""Dates to a store that is there."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.storage import ZipStore

from tec_zarr.cubes.attributes import AS_JSON, as_json
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.empty import check_not_empty
from tec_zarr.cubes.stale import warn_of_recoding
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import check_units
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.changes import Change
from tec_zarr.stores.describe import settings_of
from tec_zarr.stores.documents import within
from tec_zarr.stores.fits import check_fits
from tec_zarr.stores.inside import check_is_root
from tec_zarr.stores.opened import open_dataset
from tec_zarr.stores.places import (
    discarded_on_failure,
    is_session,
    local_path,
    name_of,
    opened,
    undone_on_failure,
)
from tec_zarr.stores.preparing import consolidate_first, grown_store
from tec_zarr.stores.scheduling import own_threads
from tec_zarr.stores.sizes import arrays_of
from tec_zarr.stores.times import check_times
from tec_zarr.stores.write import chunked, progress_bar, quiet


def append_cube(
    data: xr.Dataset | xr.DataArray,
    store: Any,
    *,
    bands: Iterable[str] | None = None,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> None:
    """Add the dates of `data` to a store, with the codec and settings it has. See
    `ds.tec.append`."""
    if isinstance(store, ZipStore) or pathlib.Path(str(store)).suffix == ".zip":
        raise InvalidInputError(
            f"{store}: dates cannot be added to a zip file; write it anew, or write into a folder"
        )
    warn_of_recoding(data)
    place = opened(store, storage_options)
    path = local_path(store)
    if path is not None and not path.exists():
        raise FileNotFoundError(f"{path}: no Zarr store is there; to_zarr() begins one")
    check_is_root(place, name_of(store))
    cube = to_cube(data, bands)
    check_not_empty(cube)
    if is_session(place):
        _append(cube, place, group, progress, discarded_on_failure(place))
        return
    change = grown_store(place, name_of(store), group or "")
    _append(cube, change.staged, group, progress, grown(change))


def _append(
    cube: xr.Dataset,
    store: Store,
    group: str | None,
    progress: bool,
    whole: contextlib.AbstractContextManager[None],
) -> None:
    """Check all that can be checked, then write dates to `store` within `whole`."""
    _check_has_cube(store, group)
    stored = open_dataset(store, group=group, consolidated=False, mask_and_scale=False, chunks=None)
    cube = _with_objects(_with_time(cube, stored), stored)
    check_fits(cube, stored)
    check_times(cube, stored)
    root = zarr.open_group(store, path=group, mode="r", use_consolidated=False)
    check_units(cube, settings_of(root[NAME]))
    encoding = stored[NAME].encoding
    _check_chunks_are_full(stored.sizes["time"], encoding["chunks"][0], root.metadata.zarr_format)
    without_time = [name for name, v in cube.variables.items() if "time" not in v.dims]
    in_files = encoding.get("shards") or encoding["chunks"]
    sizes: dict[str, Any] = dict(zip(("time", "band", "y", "x"), in_files, strict=True))
    sizes["time"] = _lengths(stored.sizes["time"], cube.sizes["time"], sizes["time"])
    prepared = chunked(cube.drop_vars(without_time), sizes)
    # What failed is undone when all threads have ended.
    with quiet(), whole, own_threads() as threads, progress_bar(progress):
        prepared.to_zarr(
            store,
            group=group,
            mode="a",
            append_dim="time",
            consolidated=False,
            chunkmanager_store_kwargs=threads,
        )
        # Xarray puts the attributes of what is added in the place of the store's own.
        zarr.open_group(store, path=group, mode="r+", use_consolidated=False).attrs.put(
            root.attrs.asdict()
        )
        if store.supports_consolidated_metadata:
            zarr.consolidate_metadata(store)


def _check_has_cube(store: Store, group: str | None) -> None:
    """Raise InvalidInputError where a group is not there, or has no cube, with those that have."""
    root = zarr.open_group(store, mode="r", use_consolidated=False)
    path = (group or "").strip("/")
    if within(path, NAME) in root:
        return
    arrays = arrays_of(root)
    paths = [name.removesuffix(f"/{NAME}") for name in arrays if name.endswith(f"/{NAME}")]
    if NAME in arrays:
        paths.insert(0, "")
    if not paths:
        raise InvalidInputError(
            f"the store holds no variable {NAME!r}, which dates could be added to; its arrays are "
            f"{', '.join(arrays) or 'none'}"
        )
    where = f"group {path!r}" if path else "the root"
    raise InvalidInputError(
        f"{where} of the store has no variable {NAME!r}, which dates could be added to; these "
        f"have, for group=: {', '.join(map(repr, paths))}"
    )


@contextlib.contextmanager
def grown(change: Change) -> Iterator[None]:
    """Show what was appended where all goes well, and leave the store as it was elsewhere."""
    with undone_on_failure(change):
        consolidate_first(change)
        yield


def _lengths(there: int, more: int, length: int) -> tuple[int, ...]:
    """Of `more` dates after those that are there, how many go into each file of `length` dates."""
    lengths = []
    while more:
        fits = min(more, length - there % length)
        lengths.append(fits)
        there += fits
        more -= fits
    return tuple(lengths)


def _with_time(cube: xr.Dataset, stored: xr.Dataset) -> xr.Dataset:
    """A cube of one date with what the store has along time along time, too."""
    if cube.sizes["time"] != 1:
        return cube
    grown_variables = {}
    for name, variable in cube.variables.items():
        has_time = name in stored.variables and "time" in stored[name].dims
        if has_time and "time" not in variable.dims:
            place = stored[name].dims.index("time")
            dims = list(variable.dims)
            dims.insert(place, "time")
            grown_variables[name] = variable.expand_dims("time").transpose(*dims)
    return cube.assign(grown_variables)


def _with_objects(cube: xr.Dataset, stored: xr.Dataset) -> xr.Dataset:
    """A cube with values in the form of objects where the store has objects: texts among which none
    is missing this time."""
    objects = {}
    for name, coord in cube.coords.items():
        if name in stored.variables and stored[name].attrs.get(AS_JSON):
            objects[name] = as_json(coord)
    return cube.assign_coords(objects)


def _check_chunks_are_full(dates: int, length: int, zarr_format: int) -> None:
    """Raise InvalidInputError where dates would go into a chunk whose other dates would have to be
    coded again for that."""
    if zarr_format == 2 and dates % length:
        raise InvalidInputError(
            f"the store has {dates} dates in chunks of {length}: the last chunk is not full, and "
            "in format 2 adding to it would code its dates a second time, with a loss. Write whole "
            "chunks, or the store anew with zarr_format=3"
        )
