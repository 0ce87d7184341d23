"""The offset of digital numbers: what attributes and the items of a catalog say of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.told import agreed, one_number, raster_bands
from tec_zarr.errors import InvalidInputError

OFFSETS = re.compile(r"offset_dn|(boa|radio)_add_offset(_b?\d{1,2}a?)?", re.IGNORECASE)
"""Names of the offset: ours, and those of products, one of each band among them."""

PAIRS = (("scale", "offset"), ("raster:scale", "raster:offset"))
"""Names of scale and offset beside those of CF: of STAC."""

APPLIED = ("earthsearch:boa_offset_applied", "boa_offset_applied", "sentinel:boa_offset_applied")
BASELINES = (
    "s2:processing_baseline",
    "processing:baseline",
    "sentinel:processing_baseline",
    "processing_baseline",
    "PROCESSING_BASELINE",
)

OFFSET_OF_4 = -1000
"""Of products of processing baseline 04.00 and later."""


def offset_of(cube: xr.Dataset, attrs: Mapping[str, dict[str, Any]]) -> int:
    """The offset that is told, else 0 with a warning.

    Raises InvalidInputError where what tells it disagrees, among bands or dates too, or tells that
    there may be one.
    """
    told = told_offset(cube, attrs)
    if told is not None:
        return told
    first = next(iter(attrs.values()))
    baselines = _of_dates(cube, {**_of_whole(cube), **first}, BASELINES)
    if baselines is not None:
        return _offset_of_baselines(cube, baselines)
    warnings.warn(
        "no attribute tells the offset of these DN: offset_dn=0 is assumed; give it to be sure",
        stacklevel=6,
    )
    return 0


def told_offset(cube: xr.Dataset, attrs: Mapping[str, dict[str, Any]]) -> int | None:
    """The offset that attributes and coordinates tell; None where they tell none."""
    found = {}
    for band, said in attrs.items():
        offsets = _told(cube, {**_of_whole(cube), **said})
        if len(set(offsets.values())) > 1:
            raise InvalidInputError(
                f"the offset of {band} is told differently by {offsets}: give offset_dn=0 or "
                "offset_dn=-1000"
            )
        found[band] = next(iter(offsets.values()), None)
    return agreed("offset_dn", found)


def _of_whole(cube: xr.Dataset) -> dict[str, Any]:
    """What the attributes of a whole cube say of the offset, as GDAL's of a file do; a scale among
    them may be that of anything."""
    told = {}
    for name, value in cube.attrs.items():
        if _is_offset(name) or name in (*APPLIED, *BASELINES):
            told[str(name)] = value
    return told


def _told(cube: xr.Dataset, attrs: Mapping[str, Any]) -> dict[str, int]:
    """Offsets in DN by what tells them."""
    found: dict[str, int] = {}
    for name in filter(_is_offset, attrs):
        value = one_number(name, attrs[name])
        if value is not None:
            found[name] = round(value)
    for name in map(str, filter(_is_offset, cube.coords)):
        values = [round(one_number(name, value) or 0) for value in cube[name].values.flat]
        found[f"coordinate {name}"] = _one_of(cube, cube[name].dims, values)
    # Rasterio has a list where bands differ, beside one number where they do not.
    scale = "scales" if "scales" in attrs else "scale_factor"
    offset = "offsets" if "offsets" in attrs else "add_offset"
    has_lists = (scale, offset) != ("scale_factor", "add_offset")
    packing = _of_pair(cube, attrs, scale, offset) if has_lists else _of_packing(attrs)
    if packing is not None:
        found[f"{scale} and {offset}"] = packing
    for scale, offset in PAIRS:
        pair = _of_pair(cube, attrs, scale, offset)
        if pair is not None:
            found[f"{scale} and {offset}"] = pair
    for raster in raster_bands(cube, attrs):
        if raster.get("scale"):
            added = raster.get("offset", 0)
            found[f"raster:bands with offset {added:g}"] = round(added / raster["scale"])
    applied = _of_dates(cube, attrs, APPLIED)
    if applied is not None:
        implied = _of_applied(cube, applied, _of_dates(cube, attrs, BASELINES))
        if implied is not None:
            found["boa_offset_applied"] = implied
    return found


def _is_offset(name: Hashable) -> bool:
    return OFFSETS.fullmatch(str(name)) is not None


def _of_packing(attrs: Mapping[str, Any]) -> int | None:
    """Of `scale_factor` and `add_offset`; what GDAL writes where nobody said anything, 1 and 0,
    says nothing."""
    factor = one_number("scale_factor", attrs.get("scale_factor"))
    added = one_number("add_offset", attrs.get("add_offset"))
    if (factor or 1, added or 0) == (1, 0):
        return None
    if factor is None and added != round(added or 0):
        raise InvalidInputError(
            f"add_offset={added:g} without a scale_factor is no whole number of DN: give offset_dn="
        )
    return round((added or 0) / (factor or 1))


def _of_pair(cube: xr.Dataset, attrs: Mapping[str, Any], scale: str, offset: str) -> int | None:
    """Of attributes or coordinates that both are numbers, or lists of one of each band."""
    factors: Any
    added: Any
    if scale in cube.coords and offset in cube.coords:
        factors, added = xr.broadcast(cube[scale], cube[offset])
    elif scale in attrs and offset in attrs:
        factors, added = np.broadcast_arrays(_as_array(attrs[scale]), _as_array(attrs[offset]))
    else:
        return None
    if factors.dtype.kind not in "iuf" or added.dtype.kind not in "iuf":
        return None
    pairs = list(zip(np.ravel(factors), np.ravel(added), strict=True))
    if set(pairs) == {(1, 0)} or not np.isfinite(pairs).all() or not np.all(factors):
        return None
    dims = getattr(factors, "dims", ("band",) if factors.ndim else ())
    return _one_of(cube, dims, [round(float(plus / factor)) for factor, plus in pairs])


def _as_array(value: Any) -> np.ndarray:
    return np.asarray(list(value.values()) if isinstance(value, Mapping) else value)


def _one_of(cube: xr.Dataset, dims: Sequence[Hashable], values: Sequence[int]) -> int:
    """The offset of all dates or bands along `dims`, which must have the same."""
    if len(set(values)) > 1 and tuple(dims) == ("time",):
        raise InvalidInputError(_dates_differ(cube, values))
    if len(set(values)) > 1:
        labels = cube[dims[0]].values if dims else ["all"]
        agreed("offset_dn", dict(zip(map(str, labels), values, strict=False)))
    return values[0]


def _of_applied(
    cube: xr.Dataset, applied: Sequence[Any], baselines: Sequence[Any] | None
) -> int | None:
    """From whether the offset was taken off already, a date at a time; None where that is not all
    there is to know."""
    offsets: list[int | None] = []
    for taken_off, baseline in zip(applied, baselines or [None] * len(applied), strict=True):
        if _is_true(taken_off) or (baseline is not None and _number(baseline) < 4):
            offsets.append(0)
        elif baseline is not None:
            offsets.append(OFFSET_OF_4)
        else:
            # Not taken off, but nothing tells whether there is one.
            offsets.append(None)
    if len(set(offsets)) > 1:
        raise InvalidInputError(_dates_differ(cube, offsets))
    return offsets[0]


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "1", "1.0")


def _offset_of_baselines(cube: xr.Dataset, baselines: Sequence[Any]) -> int:
    late = [_number(baseline) >= 4 for baseline in baselines]
    if all(late):
        raise InvalidInputError(
            f"processing baselines {sorted(set(map(str, baselines)))} have an offset of -1000, "
            "unless it was taken off, and no attribute tells whether it was: give "
            "offset_dn=-1000 or offset_dn=0"
        )
    if any(late):
        offsets = [OFFSET_OF_4 if is_late else 0 for is_late in late]
        raise InvalidInputError(
            f"{_dates_differ(cube, offsets)}. Where it was taken off already, give offset_dn=0"
        )
    return 0


def _number(baseline: Any) -> float:
    """Of a text like 05.09 or N0509."""
    text = str(baseline).strip().strip('"').upper().lstrip("N")
    try:
        return float(text) if "." in text else float(text) / (100 if len(text) == 4 else 1)
    except ValueError as error:
        raise InvalidInputError(
            f"the processing baseline {baseline!r} is none, such as 05.09: give offset_dn="
        ) from error


def _of_dates(cube: xr.Dataset, attrs: Mapping[str, Any], names: Sequence[str]) -> list[Any] | None:
    """What a coordinate or an attribute of one of these names says of each date; None where there
    is none."""
    dates = cube.sizes["time"]
    for name in names:
        if name in cube.coords:
            values = np.atleast_1d(cube[name].values).tolist()
            return values if cube[name].dims == ("time",) else [values[0]] * dates
        if attrs.get(name) is not None:
            return [attrs[name]] * dates
    return None


def _dates_differ(cube: xr.Dataset, offsets: Sequence[Any]) -> str:
    labels = cube["time"].values if "time" in cube.coords else np.arange(cube.sizes["time"])
    by_offset: dict[str, list[str]] = {}
    for label, offset in zip(labels, offsets, strict=True):
        text = "unknown" if offset is None else f"{offset:g}"
        by_offset.setdefault(text, []).append(str(label)[:10])
    listed = "; ".join(f"{text} on {_some(dates)}" for text, dates in by_offset.items())
    return (
        f"dates disagree on their offset, and a cube has one for all of them: {listed}. Bring them "
        'to one first, for example late = ds.time >= np.datetime64("2022-01-25"); ds = '
        'ds.where(~late, ds.clip(min=1000) - 1000).astype("uint16"), and give offset_dn=0; or '
        "write a store of each"
    )


def _some(dates: list[str]) -> str:
    shown = ", ".join(dates[:3])
    return shown if len(dates) <= 3 else f"{shown} and {len(dates) - 3} more"
