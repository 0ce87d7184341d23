"""What a caller says of a cube and of its codec, and what becomes of both for one cube."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from tec_zarr.codec.settings import Settings
from tec_zarr.cubes.bands import band_name
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.empty import check_not_empty
from tec_zarr.cubes.restore import own_names
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import AUTO, units_of
from tec_zarr.errors import InvalidInputError

CHUNKS = {"time": 4, "y": 256, "x": 256}
"""Sizes of chunks where a caller says nothing."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """What a caller gave: names and units of the cube, sizes of chunks, keywords of `TerraCodec`,
    and the format of the store."""

    bands: Iterable[str] | None = None
    offset_dn: int | None = None
    scale: float | None = None
    nodata: Any = AUTO
    chunks: Mapping[str, int] | None = None
    codec: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    zarr_format: int = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A cube that can be written: its chunks (time, band, y, x), and all keywords of its codec."""

    cube: xr.Dataset
    chunks: dict[str, int]
    codec: dict[str, Any]

    @property
    def chunk_shape(self) -> tuple[int, int, int, int]:
        return tuple(self.chunks.values())

    @property
    def device(self) -> str:
        return self.codec.get("device", "auto")

    def at_quality(self, quality: float) -> Plan:
        """The same with another quality."""
        return dataclasses.replace(self, codec={**self.codec, "quality": quality})

    def settings(self) -> Settings:
        """The codec's settings; raises InvalidInputError where they cannot be."""
        keywords = dict(self.codec)
        keywords.pop("device", None)
        return Settings(**keywords)


def plan(data: xr.Dataset | xr.DataArray, options: Options) -> Plan:
    """Find out once what is known of a cube; raises InvalidInputError where it cannot be
    written."""
    cube = to_cube(data, options.bands)
    check_not_empty(cube)
    units = units_of(cube, options.offset_dn, options.scale, options.nodata)
    bands = tuple(str(band) for band in cube["band"].values)
    codec = {**options.codec, **units, "bands": bands}
    if isinstance(codec.get("max_error"), Mapping):
        codec["max_error"] = _by_band(codec["max_error"], bands, own_names(cube))
    # In format 3 later dates find their place in chunks that are not full.
    may_grow = options.zarr_format == 3
    return Plan(cube, _chunk_sizes(cube, options.chunks, may_grow), codec)


def _by_band(
    bounds: Mapping[str, float], bands: tuple[str, ...], own: Mapping[Any, str]
) -> dict[str, float]:
    """Bounds by the names that bands have in the store; a caller may have others for them."""
    named: dict[str, float] = {}
    for name, bound in bounds.items():
        band = name if name in bands else own.get(name) or band_name(name) or name
        if band in named:
            raise InvalidInputError(f"max_error names {band} twice: {', '.join(bounds)}")
        named[band] = bound
    return named


def check_possible(consolidated: Any, region: Any, append_dim: Any, compute: Any) -> None:
    """Raise InvalidInputError, with the reason, for keywords of xarray's `to_zarr` that a store
    which is there as a whole or not at all cannot have."""
    if consolidated not in (None, True):
        raise InvalidInputError(
            f"consolidated={consolidated!r} is not possible: the one document with all metadata is "
            "what makes a store visible when it is whole; leave it out"
        )
    if region is not None or append_dim is not None:
        raise InvalidInputError(
            "region= and append_dim= are not possible: to_zarr() writes whole stores; append() "
            "adds dates to one"
        )
    if compute is not True:
        raise InvalidInputError(
            f"compute={compute!r} is not possible: a store is there as a whole when the call "
            "returns; call it later, for example from a thread or with dask.delayed"
        )


def _chunk_sizes(
    cube: xr.Dataset, asked: Mapping[str, int] | None, may_grow: bool
) -> dict[str, int]:
    """Chunks (time, band, y, x): those asked for, else `CHUNKS`, of all bands and within the
    cube; along time longer than that where it `may_grow`."""
    if asked is not None and not isinstance(asked, Mapping):
        raise InvalidInputError(
            'chunks must be a mapping of sizes, such as {"time": 4, "y": 256, "x": 256}; got '
            f"{asked!r}"
        )
    wanted = {**CHUNKS, **(asked or {})}
    unknown = set(wanted) - {"time", "band", "y", "x"}
    if unknown:
        raise InvalidInputError(f"chunks= names {sorted(unknown)}; give sizes of time, y and x")
    lengths = cube[NAME].sizes
    bands = wanted.pop("band", -1)
    if bands not in (-1, lengths["band"]):
        raise InvalidInputError(
            f"a chunk holds all {lengths['band']} bands; got chunks with band={bands}: leave "
            "band out, or give -1"
        )
    sizes = {}
    for dim, length in lengths.items():
        size = wanted.get(dim, -1)
        if isinstance(size, bool) or not isinstance(size, int) or (size < 1 and size != -1):
            raise InvalidInputError(
                f"chunks= gives {dim} a size of {size!r}; give a number of 1 or more, or -1 for "
                "all of it"
            )
        is_longer = size > length and not (dim == "time" and may_grow)
        sizes[str(dim)] = length if size == -1 or is_longer else size
    return sizes
