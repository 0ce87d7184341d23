"""Stores that are there, opened to be read: by path, URL or object, or as an opened Dataset has
one."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import Any

import xarray as xr
import zarr
import zarr.errors
from zarr.abc.store import Store
from zarr.storage import ZipStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.places import local_path


def open_stored(
    store: Any,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> zarr.Group:
    """The group of a store that is there: a path (of a folder or a zip file), a URL, or a store
    object.

    Raises InvalidInputError where there is none.
    """
    place = store
    path = local_path(store)
    if path is not None:
        place = ZipStore(path, mode="r") if path.suffix == ".zip" and path.is_file() else path
    options = None if storage_options is None else dict(storage_options)
    try:
        return zarr.open_group(place, mode="r", path=group or "", storage_options=options)
    except zipfile.BadZipFile as error:
        raise InvalidInputError(
            f"{store} is no whole zip file: give a store that was written whole"
        ) from error
    except (FileNotFoundError, zarr.errors.ContainsArrayError) as error:
        if _is_array(place, group, options):
            raise InvalidInputError(
                f"{store} is a single array and no group, which is what cubes are in: open it with "
                "zarr.open_array(), or put it into a group: zarr.create_group(store)"
                '.create_array("B", ...)'
            ) from error
        what = "there is no Zarr group" if group is None else f"there is no group {group!r}"
        raise InvalidInputError(
            f"{store}: {what}. Give the path or URL of a store (a folder or a .zip), or a store "
            "object, with group= where the cube is in a group of it"
        ) from error
    except (ValueError, KeyError) as error:
        # Zarr says with these that a document is no JSON, lacks something, or names a codec that
        # is not there.
        raise InvalidInputError(
            f"{store}: the metadata of this store cannot be read ({error}): they are damaged, or "
            "of a codec that is not installed here"
        ) from error
    except TypeError as error:
        raise InvalidInputError(
            f"a store is a path, a URL or a store of zarr; got {type(store).__name__}"
        ) from error


def _is_array(place: Any, path: str | None, options: dict[str, Any] | None) -> bool:
    try:
        zarr.open_array(place, mode="r", path=path or "", storage_options=options)
    except (FileNotFoundError, zarr.errors.NodeTypeValidationError):
        return False
    return True


def open_dataset(store: Store, group: str | None = None, **keywords: Any) -> xr.Dataset:
    """What xarray makes of a store; raises InvalidInputError where dims have no names."""
    try:
        return xr.open_zarr(store, group=group, **keywords)
    except (KeyError, TypeError) as error:
        # What xarray raises differs by format and release.
        nameless = _without_dims(zarr.open_group(store, mode="r", path=group or ""))
        if not nameless:
            raise
        raise InvalidInputError(
            f"{store}: dims of {', '.join(nameless)} have no names, and xarray opens nothing "
            'without: give zarr.create_array() dimension_names=("time", "band", "y", "x"), or in '
            "format 2 attributes _ARRAY_DIMENSIONS with these"
        ) from error


def _without_dims(group: zarr.Group) -> list[str]:
    """Names of arrays whose dims have none."""
    found = []
    for name, array in group.arrays():
        named = getattr(array.metadata, "dimension_names", None)
        if array.ndim and not named and "_ARRAY_DIMENSIONS" not in array.attrs:
            found.append(name)
    return found


def group_of(data: Any) -> zarr.Group:
    """The group that an opened Dataset reads from.

    Xarray tells paths and URLs, but no storage options and no store objects; these are known by
    what closes the Dataset.

    Raises InvalidInputError where nothing tells.
    """
    # The backend's store, which xarray keeps for closing it and has no other name for.
    backend = getattr(getattr(data, "_close", None), "__self__", None)
    opened = getattr(backend, "zarr_group", None)
    if isinstance(opened, zarr.Group):
        return zarr.open_group(opened.store, mode="r", path=opened.path)
    source = data.encoding.get("source")
    if source is None:
        raise InvalidInputError(
            "info() is of an opened store, and nothing tells which one this is: take it of what "
            "xr.open_zarr(store) gave, or call tec_zarr.info(store)"
        )
    return open_stored(source)
