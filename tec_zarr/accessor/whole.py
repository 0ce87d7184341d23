"""Functions on whole stores, by path, URL or object, which nobody has opened yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tec_zarr.plugins.parameters import public


@public
def info(
    store: Any,
    name: str | None = None,
    *,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is in a store: of the array that tec_zarr wrote its sizes, settings and chunks, and of
    all others their sizes.

    Nothing is decoded: of each chunk only the first bytes are read.

    Parameters
    ----------
    store
        Path (of a folder or a zip file), URL, or a store of zarr, such as that of a session of
        Icechunk.
    name
        Of the array that is told in detail; None: the one that was written with tec_zarr.
    group
        Of the store; None: the root. Arrays of groups in it are told too, by their path.
    storage_options
        Of a URL, as fsspec takes them.

    Returns
    -------
    dict
        `name`, `shape`, `dtype`, `chunk_shape`, `bytes`, `ratio` and `bppb` of the array, its
        `settings` (also each by its name), and `chunks`: of each that is stored (none where they
        are in shards) its place, bytes, quality (None: it has no learned layer), and whether its
        target was met (None: it had none). `arrays`: of each array of the store its shape, dtype,
        codec (None: nothing makes it smaller), raw bytes and bytes. `beside`: those with two dims
        or more that tec_zarr did not write. `total`: raw bytes, bytes and ratio of all of them.

    Raises
    ------
    InvalidInputError
        Where there is no store, or nothing in it was written with tec_zarr.
    """
    from tec_zarr.stores.describe import describe_store

    return describe_store(store, name, group=group, storage_options=storage_options)


@public
def decompress(
    store: Any,
    target: Any,
    *,
    original: bool = True,
    zarr_format: int = 3,
    mode: str = "w-",
    storage_options: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> None:
    """Decode a whole store into a plain one, which needs no tec_zarr to be read.

    All groups, variables, coordinates and attributes go with it. It works chunk by chunk, and each
    is decoded once.

    Parameters
    ----------
    store
        Path (of a folder or a zip file), URL, or a store of zarr.
    target
        The same for the new store; a folder or a zip file is there as a whole or not at all.
    original
        The variables, names and dims that were once written, as `from_cube` gives them, objects in
        coordinates as JSON. False: one variable of all bands, as they are stored.
    zarr_format
        2 or 3, of the new store.
    mode
        "w-" refuses a store that is there, "w" replaces it.
    storage_options
        Of the URL that is read, as fsspec takes them.
    progress
        Show a progress bar.

    Raises
    ------
    InvalidInputError
        Where there is no store, or nothing in it was written with tec_zarr.
    FileExistsError
        Where there is something already, with mode "w-".
    """
    from tec_zarr.stores.decompress import decompress_store

    decompress_store(
        store,
        target,
        original=original,
        zarr_format=zarr_format,
        mode=mode,
        storage_options=storage_options,
        progress=progress,
    )
