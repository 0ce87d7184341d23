"""Where a store is written so that it is there as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from fsspec.mapping import FSMap
from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ZipStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.changes import Change
from tec_zarr.stores.inside import check_is_root
from tec_zarr.stores.marks import kept_from_others
from tec_zarr.stores.moving import check_free, is_store, written_beside
from tec_zarr.stores.preparing import key_encoding, new_store

LOCAL = ("file://", "local://")


def local_path(store: Any) -> pathlib.Path | None:
    """The path of a store that is given as one; None for others.

    Raises InvalidInputError for a text that no system takes for a path.
    """
    if isinstance(store, FSMap) and isinstance(store.fs, LocalFileSystem):
        return pathlib.Path(store.root)
    if not isinstance(store, (str, os.PathLike)):
        return None
    text = str(store) if isinstance(store, pathlib.PurePath) else os.fspath(store)
    if not isinstance(text, str) or "\0" in text:
        raise InvalidInputError(f"a path is a text without the character 0; got {text!r}")
    for scheme in LOCAL:
        text = text.removeprefix(scheme)
    if "://" in text or "::" in text:
        return None
    return pathlib.Path(text).expanduser()


def opened(store: Any, storage_options: Mapping[str, Any] | None = None) -> Store:
    """A store as zarr has it, of a path, a URL or what else zarr takes.

    Raises InvalidInputError for what cannot be written to, and for options that go nowhere.
    """
    path = local_path(store)
    if storage_options and (path is not None or not isinstance(store, str)):
        raise InvalidInputError(
            f"storage_options are for URLs, such as s3://bucket/cube.zarr; got {store!r}"
        )
    if path is not None:
        made: Any = LocalStore(path)
    elif isinstance(store, str):
        made = FsspecStore.from_url(store, storage_options=dict(storage_options or {}))
    elif isinstance(store, FSMap):
        made = FsspecStore.from_mapper(store)
    elif isinstance(store, dict):
        made = MemoryStore(store)
    else:
        made = store
    if not isinstance(made, Store):
        raise InvalidInputError(
            f"a store is a path, a URL or a store of zarr; got {type(store).__name__}: {store!r}"
        )
    if made.read_only:
        raise InvalidInputError(f"{made} is open for reading only; give one that is not")
    return made


def name_of(store: Any) -> str:
    """What errors call a store: its path or URL, where it was given as one."""
    return str(store) if isinstance(store, (str, os.PathLike)) else repr(store)


class Place:
    """Where xarray writes: a path or store, the mode, and how chunks are named there (None: in
    Zarr's own way)."""

    def __init__(self, store: Any, mode: str = "w-", key_encoding: dict[str, str] | None = None):
        self.store = store
        self.mode = mode
        self.key_encoding = key_encoding


class Target:
    """A place that was found free; nothing is written before `writing`.

    A folder or zip file is written beside its place and moved there when it is whole. Other stores
    show nothing before they are whole; see `tec_zarr.stores.changes`. Icechunk has transactions of
    its own.
    """

    def __init__(
        self,
        store: Any,
        mode: str,
        *,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        zarr_format: int = 3,
    ):
        """Raises InvalidInputError for modes and stores that cannot be written, FileExistsError
        where something is in the way."""
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
        if group is not None and not isinstance(group, str):
            raise InvalidInputError(f"group must be the path of a group, a text; got {group!r}")
        if group and path is not None and path.suffix == ".zip" and path.exists():
            raise InvalidInputError(
                f"{path}: group= cannot add to a zip file or replace a part of it; use a folder"
            )
        self._mode = mode
        self._group = (group or "").strip("/")
        self._format = zarr_format
        self._path = path
        self._store = opened(store, storage_options)
        self._name = name_of(store)
        check_is_root(self._store, self._name)
        if self._path is not None and not self._is_group_of_a_folder():
            check_free(self._path, mode)
        elif not is_session(self._store):
            self._check_format(new_store(self._store, self._name, self._group, mode))

    def _check_format(self, change: Change) -> None:
        """Raise InvalidInputError for a group in a store of the other format: readers find either
        the group or what is there."""
        there = change.root_format
        if self._group and there not in (None, self._format):
            raise InvalidInputError(
                f"{self._name} is a store of format {there}, and so must its groups be: give "
                f"zarr_format={there}, or write to a store of its own; got zarr_format="
                f"{self._format}"
            )

    def _is_group_of_a_folder(self) -> bool:
        path = self._path
        return bool(self._group) and path is not None and path.is_dir() and is_store(path)

    def writing(self) -> contextlib.AbstractContextManager[Place]:
        """Gives the place to write to; what was written is kept where all goes well."""
        if self._path is not None and not self._is_group_of_a_folder():
            # A link to a store goes on to be one.
            return self._replacing(pathlib.Path(os.path.realpath(self._path)))
        if is_session(self._store):
            return _in_session(self._store, self._mode)
        return self._staged()

    @contextlib.contextmanager
    def _replacing(self, path: pathlib.Path) -> Iterator[Place]:
        with kept_from_others(path), written_beside(path) as store:
            yield Place(store)

    @contextlib.contextmanager
    def _staged(self) -> Iterator[Place]:
        change = new_store(self._store, self._name, self._group, self._mode)
        with undone_on_failure(change):
            yield Place(change.staged, key_encoding=key_encoding(change, self._format))


@contextlib.contextmanager
def undone_on_failure(change: Change) -> Iterator[None]:
    """Commit a change; undo it where anything fails or is interrupted."""
    try:
        change.start()
        yield
        change.commit()
    except BaseException as error:
        try:
            change.undo()
        except Exception as second:
            error.add_note(
                f"What was written could not be taken away again ({second!r}). Readers see what "
                "was there before; writing again takes it away"
            )
        raise
    finally:
        change.end()


def is_session(store: Store) -> bool:
    """Whether a store is one of Icechunk: it has transactions, and takes no chunks before
    metadata."""
    return type(store).__module__.partition(".")[0] == "icechunk"


@contextlib.contextmanager
def _in_session(store: Any, mode: str) -> Iterator[Place]:
    with discarded_on_failure(store):
        yield Place(store, mode)


@contextlib.contextmanager
def discarded_on_failure(store: Any) -> Iterator[None]:
    """Let a session of Icechunk forget what was written where the rest fails, unless it holds
    something else, too."""
    held_more = store.session.has_uncommitted_changes
    try:
        yield
    except BaseException as error:
        if held_more:
            error.add_note(
                "The session holds a part of it, and changes from before: do not commit it; "
                "session.discard_changes() forgets both"
            )
        else:
            store.session.discard_changes()
        raise
