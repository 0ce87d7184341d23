"""Offset, scale and nodata of a cube: what a caller says, else what its attributes say."""

from __future__ import annotations

import itertools
import json
import warnings
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import unstorable
from tec_zarr.cubes.terms import NAME, SOURCE
from tec_zarr.errors import InvalidInputError

AUTO = "auto"
"""Of nodata: what attributes say."""


def units_of(
    cube: xr.Dataset, offset_dn: int | None, scale: float | None, nodata: Any
) -> dict[str, Any]:
    """`offset_dn`, `scale` and `nodata` for the codec: those given, else what the attributes say.

    Floats are reflectance (scale 1e-4) or DN (1) by their size. Integers without a word on their
    offset are taken for DN without one, with a warning.

    Raises InvalidInputError where attributes contradict each other or floats are neither.
    """
    array = cube[NAME]
    said = json.loads(array.attrs[SOURCE])
    attrs = {**array.attrs, **said["attrs"], **next(iter(said.get("each", {}).values()), {})}
    if isinstance(nodata, str) and nodata == AUTO:
        given = next(
            (attrs[k] for k in ("nodata", "_FillValue", "missing_value") if k in attrs), None
        )
        is_float = array.dtype.kind == "f"
        nodata = (
            (None if is_float else 0)
            if given is None or (is_float and np.isnan(float(given)))
            else given
        )
    if array.dtype.kind == "f":
        return {"scale": _scale(array) if scale is None else scale, "nodata": nodata}
    return {"offset_dn": _offset(cube, attrs) if offset_dn is None else offset_dn, "nodata": nodata}


def _offset(cube: xr.Dataset, attrs: dict[str, Any]) -> int:
    found: dict[str, int] = {}
    for name in ("offset_dn", "BOA_ADD_OFFSET", "boa_add_offset"):
        if name in attrs:
            found[name] = int(attrs[name])
    packed = {k: attrs[k] for k in ("scale_factor", "add_offset") if k in attrs}
    if "scale_factor" in packed:
        found["scale_factor and add_offset"] = round(
            packed.get("add_offset", 0) / packed["scale_factor"]
        )
    for raster in _raster_bands(cube, attrs):
        offset = raster.get("offset", 0)
        found[f"raster:bands with offset {offset:g}"] = round(offset / raster["scale"])
    if "earthsearch:boa_offset_applied" in cube.coords and bool(
        np.all(cube["earthsearch:boa_offset_applied"].values == 1)
    ):
        found["earthsearch:boa_offset_applied"] = 0
    if len(set(found.values())) > 1:
        raise InvalidInputError(
            f"the offset is told differently by {found}: give offset_dn=0 or offset_dn=-1000"
        )
    if found:
        return next(iter(found.values()))
    if "s2:processing_baseline" in cube.coords:
        baselines = np.atleast_1d(cube["s2:processing_baseline"].values)
        if any(float(str(b).strip('"')) >= 4 for b in baselines):
            raise InvalidInputError(
                f"processing baselines {sorted(set(map(str, baselines)))} have an offset of -1000, "
                "unless it was taken off, and no attribute tells whether it was: give "
                "offset_dn=-1000 or offset_dn=0"
            )
        return 0
    warnings.warn(
        "no attribute tells the offset of these DN: offset_dn=0 is assumed; give it to be sure",
        stacklevel=4,
    )
    return 0


def _raster_bands(cube: xr.Dataset, attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects of STAC's raster extension that have a scale, from an attribute or from a
    coordinate as stackstac makes it."""
    said = [attrs.get("raster:bands")]
    if "raster:bands" in cube.coords:
        said += list(unstorable(cube[["raster:bands"]])["raster:bands"].values.flat)
    each = itertools.chain.from_iterable(s if isinstance(s, list) else [s] for s in said)
    return [r for r in each if isinstance(r, dict) and r.get("scale")]


def _scale(array: xr.DataArray) -> float:
    """1e-4 for reflectance, 1 for DN."""
    steps = {d: max(1, n // 64) for d, n in array.sizes.items() if d in ("y", "x")}
    sample = np.asarray(array.isel({d: slice(None, None, s) for d, s in steps.items()}).values)
    finite = np.abs(sample[np.isfinite(sample)])
    typical = float(np.percentile(finite, 90)) if finite.size else 0.0
    if typical <= 5:
        return 1e-4
    if typical >= 50:
        return 1.0
    raise InvalidInputError(
        f"90 % of the values are below {typical:.3g}: neither reflectance (0 to 1) nor DN (0 to "
        "10000). Give scale=, the value of one DN"
    )
