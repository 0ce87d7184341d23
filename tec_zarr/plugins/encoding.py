"""The right dictionary for xarray's `encoding`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tec_zarr.codec.settings import ALL_GROUPS, ALL_TOKENS, REFLECTANCE_PER_DN
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.registry import DEFAULT
from tec_zarr.plugins.parameters import public
from tec_zarr.plugins.v2 import TerraCodec
from tec_zarr.plugins.v3 import TerraCodecSerializer


@public
def encoding(
    zarr_format: int = 3,
    chunks: tuple[int, int, int, int] | None = None,
    *,
    model: str = DEFAULT,
    quality: float | None = None,
    bands: Iterable[str] | None = None,
    offset_dn: int = 0,
    scale: float = REFLECTANCE_PER_DN,
    nodata: float | None = 0,
    tokens: int | Iterable[int] = ALL_TOKENS,
    max_error: float | Mapping[str, float] | None = None,
    psnr: float | None = None,
    rmse: float | None = None,
    bppb: float | None = None,
    ratio: float | None = None,
    best_effort: bool = False,
    context: str = "dates",
    key_interval: int | None = None,
    groups: int | Iterable[int] = ALL_GROUPS,
    effort: int = 1,
    weights: str | None = None,
    device: str = "auto",
    allow_download: bool = False,
) -> dict[str, Any]:
    """What to write as `encoding` of a variable (time, band, y, x), whichever the Zarr format.

    Parameters
    ----------
    zarr_format
        2 or 3, as passed to `to_zarr`.
    chunks
        Chunk shape (time, band, y, x) to store; without it Dask chunks are kept. All bands must be
        in one chunk.
    {codec_parameters}

    Raises
    ------
    InvalidInputError
        Where an argument is not allowed.
    WeightsError
        Where this release does not have the weights asked for.

    Examples
    --------
    >>> ds.to_zarr(path, encoding={"B": tec_zarr.encoding(quality=60)})
    >>> ds.to_zarr(path, zarr_format=2, encoding={"B": tec_zarr.encoding(2, quality=60)})
    """
    keywords = {
        "model": model,
        "quality": quality,
        "bands": bands,
        "offset_dn": offset_dn,
        "scale": scale,
        "nodata": nodata,
        "tokens": tokens,
        "max_error": max_error,
        "psnr": psnr,
        "rmse": rmse,
        "bppb": bppb,
        "ratio": ratio,
        "best_effort": best_effort,
        "context": context,
        "key_interval": key_interval,
        "groups": groups,
        "effort": effort,
        "weights": weights,
        "device": device,
        "allow_download": allow_download,
    }
    return make_encoding(zarr_format, chunks, keywords)


def make_encoding(
    zarr_format: int,
    chunks: tuple[int, int, int, int] | None,
    keywords: Mapping[str, Any],
) -> dict[str, Any]:
    """`encoding` from keywords of `TerraCodec` in a mapping."""
    made: dict[str, Any]
    if zarr_format == 3:
        made = {"serializer": TerraCodecSerializer(**keywords), "compressors": None}
    elif zarr_format == 2:
        made = {"compressors": TerraCodec(**keywords)}
    else:
        raise InvalidInputError(f"zarr_format must be 2 or 3, got {zarr_format!r}")
    if chunks is not None:
        made["chunks"] = tuple(chunks)
    return made
