"""Whether a place lies within a store, whose root speaks for all that is in it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.keys import consolidated_documents


def check_is_root(store: Store, name: str) -> None:
    """Raise InvalidInputError for a place within a store whose consolidated metadata say what is
    there: readers of that store would see what was there before. `name` is what errors call the
    place."""
    for outer, group in _around(store):
        try:
            listed = consolidated_documents(outer)
        except OSError:
            continue  # not ours to read, and so nothing that tells of the place
        if listed is not None:
            raise InvalidInputError(
                f"{name} is within the store {outer}, whose consolidated metadata would go on to "
                f"tell what was there before: give that store, with group={group!r}"
            )


def _around(store: Store) -> Iterator[tuple[Store, str]]:
    """Folders or prefixes that a store lies in, and its path from each."""
    if isinstance(store, LocalStore):
        # Without links and "..", which would hide what lies around.
        path = pathlib.Path(os.path.realpath(store.root))
        for folder in path.parents:
            yield LocalStore(folder), path.relative_to(folder).as_posix()
    elif isinstance(store, FsspecStore):
        inner = pathlib.PurePosixPath(store.path)
        for prefix in inner.parents:
            if prefix.name:
                outer = FsspecStore(store.fs, path=str(prefix))
                yield outer, inner.relative_to(prefix).as_posix()
