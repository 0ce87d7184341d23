"""Where a store is written so that it is there as a whole or not at all."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import zipfile
from collections.abc import Iterator
from typing import Any

from zarr.storage import ZipStore

from tec_zarr.errors import InvalidInputError


@contextlib.contextmanager
def all_or_nothing(store: Any, mode: str) -> Iterator[tuple[Any, str]]:
    """The place to write to, and the mode to open it with.

    A folder or zip file is written beside its place and moved there when it is whole; other
    stores are written in place. Raises InvalidInputError for modes and stores that cannot be
    written, FileExistsError where something is in the way.
    """
    if mode not in ("w", "w-"):
        raise InvalidInputError(
            f'mode must be "w-" (a new store) or "w" (replace it); got {mode!r}. To add dates use '
            f"append()"
        )
    if isinstance(store, ZipStore):
        raise InvalidInputError(
            "xarray breaks zip files that it writes from Dask arrays: give the path "
            f"{str(store.path)!r}, not a ZipStore"
        )
    is_local = isinstance(store, (str, pathlib.Path)) and "://" not in str(store)
    if not is_local:
        yield store, mode
        return
    path = pathlib.Path(store)
    if path.exists() and mode == "w-":
        raise FileExistsError(
            f'{path} is there already; mode="w" replaces it, append() adds dates to it'
        )
    beside = path.with_name(f"{path.name}.writing")
    try:
        yield beside, "w"
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _move(beside, path)


def _move(beside: pathlib.Path, path: pathlib.Path) -> None:
    """Put what was written where it belongs."""
    if path.is_dir():
        shutil.rmtree(path)
    if path.suffix == ".zip":
        _zip(beside, path)
        shutil.rmtree(beside)
    else:
        beside.rename(path)


def _zip(folder: pathlib.Path, path: pathlib.Path) -> None:
    """A store in a folder as a zip file, as `zarr.storage.ZipStore` reads it."""
    partial = path.with_name(f"{path.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    partial.replace(path)
