"""A store that tec_zarr wrote to one that any reader of Zarr has the codecs for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
import zarr

from tec_zarr.cubes.plain import as_it_was
from tec_zarr.cubes.stale import without_storage
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.describe import is_ours
from tec_zarr.stores.opened import open_dataset, open_stored
from tec_zarr.stores.places import Target
from tec_zarr.stores.scheduling import own_threads
from tec_zarr.stores.sizes import arrays_of
from tec_zarr.stores.write import progress_bar, quiet


def decompress_store(
    store: Any,
    target: Any,
    *,
    original: bool = True,
    zarr_format: int = 3,
    mode: str = "w-",
    storage_options: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> None:
    """Decode all that is in a store, chunk by chunk, into a new one. See
    `tec_zarr.decompress`."""
    if zarr_format not in (2, 3):
        raise InvalidInputError(f"zarr_format must be 2 or 3; got {zarr_format!r}")
    root = open_stored(store, storage_options=storage_options)
    if not any(is_ours(array) for array in arrays_of(root).values()):
        raise InvalidInputError(
            f"{root.store_path} holds nothing that was written with tec_zarr, and is plain already"
        )
    parts = {path: _decoded(root, path, original) for path in _groups_of(root)}
    writing = Target(target, mode, zarr_format=zarr_format).writing()
    # What failed is undone when all threads have ended.
    with quiet(), writing as place, own_threads() as threads, progress_bar(progress):
        for number, (path, part) in enumerate(parts.items()):
            part.to_zarr(
                place.store,
                group=path or None,
                # Only the first group begins the store.
                mode="a" if number else place.mode,
                zarr_format=zarr_format,
                consolidated=not path,
                chunkmanager_store_kwargs=threads,
            )
        if len(parts) > 1:
            zarr.consolidate_metadata(place.store, zarr_format=zarr_format)


def _groups_of(root: zarr.Group) -> list[str]:
    """Paths of all groups of a store, outer ones first."""
    paths = [""]
    for path, member in root.members(max_depth=None):
        if isinstance(member, zarr.Group):
            paths.append(path)
    return sorted(paths)


def _decoded(root: zarr.Group, path: str, original: bool) -> xr.Dataset:
    """One group, lazily, in the chunks that it is stored in."""
    whole = "/".join(filter(None, (root.path, path)))
    group = zarr.open_group(root.store, mode="r", path=whole)
    opened = open_dataset(
        root.store,
        group=whole or None,
        chunks={},
        mask_and_scale=False,
        consolidated=group.metadata.consolidated_metadata is not None,
    )
    if not original:
        return without_storage(opened)
    data = as_it_was(opened)
    if isinstance(data, xr.DataArray):
        return data.to_dataset(name=data.name or "B")
    return data
