"""Stores as they are given on a command line."""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

from zarr.storage import ZipStore

from tec_zarr.cubes.files import NETCDF, check_url
from tec_zarr.cubes.products import is_image
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.places import local_path


def check_free(out: str, is_overwritten: bool) -> None:
    """Raise InvalidInputError where something is in the way, before any work is done."""
    path = local_path(out)
    if path is None:
        check_url(out)
    elif path.exists() and not is_overwritten:
        raise InvalidInputError(f"{out} is there already: choose another name, or --overwrite")
    elif path.exists() and not (path.is_file() or path.is_dir()):
        raise InvalidInputError(f"{out} is neither a file nor a folder, and stays: choose another")


def check_is_store(out: str) -> None:
    """Raise InvalidInputError where a name promises a file of another kind than a store."""
    if is_image(out) or out.lower().endswith(NETCDF):
        raise InvalidInputError(
            f"{out} would be a Zarr store, and its name says something else: call it .zarr (a "
            "folder) or .zip. tec-zarr decompress writes NetCDF and GeoTIFFs"
        )


def store_of(place: str) -> Any:
    """What zarr opens for reading.

    Raises InvalidInputError where there is nothing, or what cannot be a store.
    """
    path = local_path(place)
    if path is None:
        check_url(place)
        return place
    if not path.exists():
        raise InvalidInputError(f"no such store: {place}. Give a folder, a .zip, or a URL")
    if path.is_dir() or not is_zip(path):
        return path
    if not zipfile.is_zipfile(path):
        raise InvalidInputError(
            f"{place} is no whole zip file: give a store that was written whole"
        )
    return ZipStore(path, mode="r")


def is_zip(path: pathlib.Path) -> bool:
    return path.suffix == ".zip"
