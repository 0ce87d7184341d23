"""Files, and stores in folders and zip files: written beside their place, and moved there when they
are whole."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pathlib
import shutil
import uuid
import zipfile
from collections.abc import Iterator

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from tec_zarr.errors import StoreInUseError
from tec_zarr.stores.documents import DOCUMENTS
from tec_zarr.stores.gated import GatedStore, too_late
from tec_zarr.stores.interrupts import finish, held_back


class FolderStore(GatedStore):
    """A store in a folder that is there, and is not made anew: workers of Dask go on for a while
    after a write has failed, and its folder is gone then."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(LocalStore(folder))
        self._folder = folder

    async def set(self, key: str, value: Buffer) -> None:
        self._check_there(key)
        await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        self._check_there(key)
        await super().set_if_not_exists(key, value)

    def _check_there(self, key: str) -> None:
        if not self._folder.is_dir():
            raise too_late(key)


@contextlib.contextmanager
def written_beside(path: pathlib.Path) -> Iterator[FolderStore]:
    """Gives what to write to; where all goes well it is then a folder at `path`, or a zip file.

    Raises StoreInUseError where something else has come there meanwhile.
    """
    unique = uuid.uuid4().hex[:8]
    beside = path.with_name(f"{path.name}.{unique}.writing")
    archive = beside.with_suffix(".writing.zip")
    was_there = path.exists()
    try:
        beside.mkdir(parents=True)
        store = FolderStore(beside)
        try:
            yield store
        finally:
            finish(store.gate.shut())
        if path.exists() and not was_there:
            raise StoreInUseError(
                f"{path}: another write has put something there while this one went on, and it "
                'stays: choose another path, or write again with mode="w" to replace it'
            )
        if path.suffix == ".zip":
            _zip(beside, archive)
            archive.replace(path)
        else:
            _put_in_place(beside, path)
    finally:
        with held_back():
            # Of a folder that was replaced this is what was there before.
            _remove(beside)
            _remove(archive)


@contextlib.contextmanager
def file_beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a file to write to; where all goes well it is then at `path`. A link to a file goes on
    to be one."""
    place = pathlib.Path(os.path.realpath(path))
    beside = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.writing")
    try:
        yield beside
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def check_free(path: pathlib.Path, mode: str) -> None:
    """Raise FileExistsError where something is at a path that `mode` does not replace."""
    if not path.exists():
        return
    if mode == "w-":
        raise FileExistsError(
            f'{path} is there already; mode="w" replaces it, append() adds dates to it'
        )
    if not is_store(path):
        raise FileExistsError(
            f'{path} is no Zarr store, and mode="w" replaces nothing else: choose another path, or '
            "remove it yourself"
        )


def is_store(path: pathlib.Path) -> bool:
    """Whether there is a Zarr store, or a folder with nothing in it."""
    if path.is_dir():
        names = {entry.name for entry in path.iterdir()}
        return not names or bool(names & set(DOCUMENTS))
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return bool(set(archive.namelist()) & set(DOCUMENTS))


def _put_in_place(whole: pathlib.Path, path: pathlib.Path) -> None:
    """Move a folder to its place; what was there is then where the folder was."""
    if not path.exists():
        whole.rename(path)
        return
    if path.is_dir() and _exchange(whole, path):
        return
    before = whole.with_name(f"{whole.name}.before")
    path.rename(before)
    try:
        whole.rename(path)
    except BaseException:
        before.rename(path)
        raise
    _remove(before)


def _exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Let two folders change places at once, where the system can."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here = -100  # AT_FDCWD: paths are relative to the current folder
    exchange = 2  # RENAME_EXCHANGE
    if rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        # Under another name, so that nobody puts something there meanwhile.
        with contextlib.suppress(OSError):
            path = path.rename(path.with_name(f"{path.name}.gone"))
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _zip(folder: pathlib.Path, path: pathlib.Path) -> None:
    """A store in a folder as a zip file, as `zarr.storage.ZipStore` reads it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
