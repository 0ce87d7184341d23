"""Encodings that tell how a variable is kept in the store it came from, and nothing of the next
one."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import xarray as xr

Data = TypeVar("Data", bound=xr.Dataset | xr.DataArray)

STORAGE = (
    "serializer",
    "compressors",
    "compressor",
    "filters",
    "chunks",
    "preferred_chunks",
    "shards",
    "fill_value",
    "write_empty_chunks",
)
"""Keys of `encoding` that are of a store of Zarr alone."""

LOSSY = "tec_lossy"
"""Key of `encoding` of what came out of a lossy codec; xarray passes over keys that it does not
know."""


def without_storage(data: Data) -> Data:
    """`data` with encodings that fit any store: units of times, dtypes and names stay.

    What came out of a lossy codec of tec_zarr stays marked as such. Chunks of Dask that a selection
    cut into no grid become one, as stores have no others.
    """
    clean: Any = data.copy()
    for variable in _variables(clean):
        encoding = {k: v for k, v in variable.encoding.items() if k not in STORAGE}
        if is_lossy(variable):
            encoding[LOSSY] = True
        variable.encoding = encoding
        sizes = _uneven(variable)
        if sizes:
            variable.data = variable.chunk(sizes).data
    return clean


def _variables(data: xr.Dataset | xr.DataArray) -> list[xr.Variable]:
    """All that holds values, coordinates included."""
    if isinstance(data, xr.Dataset):
        return list(data.variables.values())
    return [data.variable, *(coord.variable for coord in data.coords.values())]


def _uneven(variable: xr.Variable) -> dict[Hashable, int]:
    """Sizes of chunks along dims where they differ before the last one, or that one is larger."""
    sizes = {}
    for dim, lengths in variable.chunksizes.items():
        if set(lengths[:-1]) - {lengths[0]} or lengths[-1] > lengths[0]:
            sizes[dim] = max(lengths)
    return sizes


def is_lossy(variable: xr.DataArray | xr.Variable) -> bool:
    """Whether the values were decoded from a store of tec_zarr that did not keep them exactly.

    Xarray drops what tells it where anything is computed with them.
    """
    encoding = variable.encoding
    if encoding.get(LOSSY):
        return True
    codecs = [encoding.get("serializer"), *_listed(encoding.get("compressors"))]
    codecs += _listed(encoding.get("compressor"))
    for codec in codecs:
        settings = getattr(codec, "settings", None)
        if settings is not None:
            return any(bound != 0 for bound in settings.bounds(variable.sizes.get("band", 1)))
    return False


def warn_of_recoding(data: xr.Dataset | xr.DataArray) -> None:
    """Say so where what is to be written came out of a lossy codec, and would lose more."""
    variables = data.data_vars.values() if isinstance(data, xr.Dataset) else [data]
    names = [str(variable.name) for variable in variables if is_lossy(variable)]
    if names:
        warnings.warn(
            f"{', '.join(names)} came out of a store that tec_zarr wrote with a loss, and coding "
            "it again loses more: copy the store's files to keep it as it is, write from the "
            "original, or decode it once with tec_zarr.decompress",
            stacklevel=5,
        )


def _listed(codecs: Any) -> list[Any]:
    return list(codecs) if isinstance(codecs, Iterable) else [codecs]
