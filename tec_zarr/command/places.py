"""Stores as they are given on a command line."""

from __future__ import annotations

import pathlib
from typing import Any

from zarr.storage import ZipStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.places import local_path


def check_free(out: str, is_overwritten: bool) -> None:
    """Raise InvalidInputError where something is in the way, before any work is done."""
    path = local_path(out)
    if path is not None and path.exists() and not is_overwritten:
        raise InvalidInputError(
            f"{out} is there already: --overwrite replaces it where it is a store"
        )


def store_of(place: str) -> Any:
    """What zarr opens for reading.

    Raises InvalidInputError where there is nothing.
    """
    path = local_path(place)
    if path is None:
        return place
    if not path.exists():
        raise InvalidInputError(f"no such store: {place}")
    return ZipStore(path, mode="r") if is_zip(path) else path


def is_zip(path: pathlib.Path) -> bool:
    return path.suffix == ".zip"
