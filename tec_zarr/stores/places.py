"""Where a store is written so that it is there as a whole or not at all."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

from zarr.storage import ZipStore

from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError

METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")

MOST_SAVED = 1 << 20
"""Bytes of a file, up to which what it held is kept while dates are appended: metadata, times and
texts. Larger ones are full chunks, which nothing writes again."""


def local_path(store: Any) -> pathlib.Path | None:
    """The path of a store that is given as one; None for others."""
    if not isinstance(store, (str, pathlib.Path)) or "://" in str(store):
        return None
    return pathlib.Path(store).expanduser()


@contextlib.contextmanager
def all_or_nothing(store: Any, mode: str) -> Iterator[tuple[Any, str]]:
    """The place to write to, and the mode to open it with.

    A folder or zip file is written beside its place and moved there when it is whole; other stores
    are written in place. Raises InvalidInputError for modes and stores that cannot be written,
    FileExistsError where something is in the way.
    """
    if mode not in ("w", "w-"):
        raise InvalidInputError(
            f'mode must be "w-" (a new store) or "w" (replace it); got {mode!r}. '
            "To add dates use append()"
        )
    if isinstance(store, ZipStore):
        raise InvalidInputError(
            "xarray breaks zip files that it writes from Dask arrays: "
            f"give the path {str(store.path)!r}, not a ZipStore"
        )
    path = local_path(store)
    if path is None:
        yield store, mode
        return
    _check_free(path, mode)
    unique = uuid.uuid4().hex[:8]
    beside = path.with_name(f"{path.name}.{unique}.writing")
    try:
        yield beside, "w"
        whole = _zipped(beside) if path.suffix == ".zip" else beside
        _replace(path, whole)
    except BaseException:
        _remove(beside)
        _remove(beside.with_suffix(".zip"))
        raise
    _remove(beside)


def _check_free(path: pathlib.Path, mode: str) -> None:
    if not path.exists():
        return
    if mode == "w-":
        raise FileExistsError(
            f'{path} is there already; mode="w" replaces it, append() adds dates to it'
        )
    if not _is_store(path):
        raise FileExistsError(
            f'{path} is no Zarr store, and mode="w" replaces nothing else: choose another path, or '
            "remove it yourself"
        )


def _is_store(path: pathlib.Path) -> bool:
    """Whether there is a Zarr store, or a folder with nothing in it."""
    if path.is_dir():
        names = {entry.name for entry in path.iterdir()}
        return not names or bool(names & set(METADATA))
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return bool(set(archive.namelist()) & set(METADATA))


def _replace(path: pathlib.Path, whole: pathlib.Path) -> None:
    """Put what is whole in its place; what was there goes only then."""
    before = whole.with_name(f"{whole.name}.before")
    if path.exists():
        path.rename(before)
    try:
        whole.rename(path)
    except BaseException:
        if before.exists():
            before.rename(path)
        raise
    _remove(before)


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _zipped(folder: pathlib.Path) -> pathlib.Path:
    """A store in a folder as a zip file beside it, as `zarr.storage.ZipStore` reads it."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


@contextlib.contextmanager
def as_it_was_on_failure(store: Any) -> Iterator[None]:
    """Undo what was written into a store in a folder where the rest fails or is interrupted.

    Chunks of bands that were there are never written again: the last one is full.
    """
    path = local_path(store)
    if path is None:
        yield
        return
    before: dict[pathlib.Path, bytes | None] = {}
    for file in path.rglob("*"):
        if file.is_file():
            before[file] = _content(file, path)
    try:
        yield
    except BaseException:
        for file in list(path.rglob("*")):
            if file.is_file() and file not in before:
                file.unlink()
        for file, content in before.items():
            if content is not None:
                file.write_bytes(content)
        raise


def _content(file: pathlib.Path, store: pathlib.Path) -> bytes | None:
    """What a file holds that appending may change; None where it cannot."""
    is_band_chunk = file.relative_to(store).parts[0] == NAME and file.name not in METADATA
    if is_band_chunk or file.stat().st_size > MOST_SAVED:
        return None
    return file.read_bytes()
