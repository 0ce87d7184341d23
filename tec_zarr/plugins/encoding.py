"""The right dictionary for xarray's `encoding`."""

from __future__ import annotations

from typing import Any

from tec_zarr.errors import InvalidInputError


def encoding(zarr_format: int = 3, chunks: tuple[int, int, int, int] | None = None, **settings: Any) -> dict[str, Any]:
    """What to write as `encoding` of a variable (time, band, y, x), whichever the Zarr format.

    >>> ds.to_zarr(path, encoding={"B": tec_zarr.encoding(quality=60)})
    >>> ds.to_zarr(path, zarr_format=2, encoding={"B": tec_zarr.encoding(zarr_format=2, quality=60)})

    Parameters
    ----------
    zarr_format
        2 or 3, as passed to `to_zarr`.
    chunks
        Chunk shape (time, band, y, x) to store; without it Dask chunks are kept. All bands must be in one chunk.
    **settings
        Those of `TerraCodec`.

    Raises
    ------
    InvalidInputError
        Where an argument is not allowed.
    """
    if zarr_format == 3:
        from tec_zarr.plugins.v3 import TerraCodecSerializer

        codec = {"serializer": TerraCodecSerializer(**settings), "compressors": None}
    elif zarr_format == 2:
        from tec_zarr.plugins.v2 import TerraCodec

        codec = {"compressors": TerraCodec(**settings)}
    else:
        raise InvalidInputError(f"zarr_format must be 2 or 3, got {zarr_format!r}")
    return codec if chunks is None else {**codec, "chunks": tuple(chunks)}
