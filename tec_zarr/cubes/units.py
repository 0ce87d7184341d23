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

NODATA_ATTRIBUTES = ("nodata", "_FillValue", "missing_value")

REFLECTANCE = 1e-4
SCALES_OF_UNITS = {"%": 0.01, "percent": 0.01, "reflectance": REFLECTANCE, "dn": 1.0}
"""The value of one DN by the attribute `units`."""

MOST_REFLECTANCE = 5.0
"""No reflectance is beyond this: glint and clouds end at about 2."""

FREQUENT = 0.01
FAR = 20.0
"""An extreme value may be a sentinel where it has this share of all, and is one where it is also so
many times as large as all others."""


def units_of(
    cube: xr.Dataset, offset_dn: int | None, scale: float | None, nodata: Any
) -> dict[str, Any]:
    """`offset_dn`, `scale` and `nodata` for the codec: those given, else what the attributes say.

    Integers without a word on their offset are taken for DN without one, with a warning.

    Raises InvalidInputError where attributes or bands contradict each other, and where nothing
    tells what floats are.
    """
    array = cube[NAME]
    attrs = _attributes_of_bands(array)
    if isinstance(nodata, str) and nodata == AUTO:
        nodata = _nodata(attrs, array.dtype)
    if array.dtype.kind == "f":
        if scale is None:
            scale = _told_scale(attrs)
        if scale is None:
            scale = _scale_of_values(array, nodata)
        return {"scale": scale, "nodata": nodata}
    if offset_dn is None:
        offset_dn = _told_offset(cube, attrs)
    if offset_dn is None:
        offset_dn = _offset_of_baseline(cube)
    return {"offset_dn": offset_dn, "nodata": nodata}


def check_units(cube: xr.Dataset, stored: Any) -> None:
    """Raise InvalidInputError where attributes of a cube say other units than the settings of a
    store have; what they leave open is as in the store."""
    array = cube[NAME]
    attrs = _attributes_of_bands(array)
    told: dict[str, Any] = {}
    if any(name in said for said in attrs.values() for name in NODATA_ATTRIBUTES):
        told["nodata"] = _nodata(attrs, array.dtype)
    if array.dtype.kind == "f":
        told["scale"] = _told_scale(attrs)
    else:
        told["offset_dn"] = _told_offset(cube, attrs)
    differ = {}
    for name, value in told.items():
        if value is None and name != "nodata":
            continue
        there = getattr(stored, name)
        if value != there and not (value is None and there == "nan"):
            differ[name] = (value, there)
    if differ:
        listed = "; ".join(f"{n}: {a} here, {b} in the store" for n, (a, b) in differ.items())
        raise InvalidInputError(
            f"these dates do not fit the store: {listed}. Bring them to the store's units first"
        )


def _attributes_of_bands(array: xr.DataArray) -> dict[str, dict[str, Any]]:
    """By band, or under one name where all have the same ones."""
    source = json.loads(array.attrs[SOURCE])
    shared = {**array.attrs, **source["attrs"]}
    each = source.get("each")
    if not each:
        return {"all bands": shared}
    return {name: {**shared, **own} for name, own in each.items()}


def _agreed(what: str, found: dict[str, Any]) -> Any:
    """The one value that bands have; raises InvalidInputError where they have others."""
    by_value: dict[str, list[str]] = {}
    for band, value in found.items():
        by_value.setdefault(repr(value), []).append(band)
    if len(by_value) > 1:
        listed = "; ".join(f"{', '.join(bands)}: {value}" for value, bands in by_value.items())
        raise InvalidInputError(
            f"bands disagree on their {what}, and a cube has one for all of them: {listed}. "
            f"Bring them to one, or give {what}= where the attributes are wrong"
        )
    return next(iter(found.values()))


def _nodata(attrs: dict[str, dict[str, Any]], dtype: np.dtype) -> Any:
    is_float = dtype.kind == "f"
    found = {}
    for band, said in attrs.items():
        values = [said[name] for name in NODATA_ATTRIBUTES if said.get(name) is not None]
        found[band] = values[0] if values else (None if is_float else 0)
        if is_float and values and np.isnan(float(values[0])):
            found[band] = None  # NaN comes back exactly in any case
    return _agreed("nodata", found)


def _told_offset(cube: xr.Dataset, attrs: dict[str, dict[str, Any]]) -> int | None:
    """The offset that attributes tell; None where they tell none."""
    found = {}
    for band, said in attrs.items():
        offsets = _told_offsets(cube, said)
        if len(set(offsets.values())) > 1:
            raise InvalidInputError(
                f"the offset of {band} is told differently by {offsets}: give offset_dn=0 or "
                "offset_dn=-1000"
            )
        found[band] = next(iter(offsets.values()), None)
    return _agreed("offset_dn", found)


def _told_offsets(cube: xr.Dataset, attrs: dict[str, Any]) -> dict[str, int]:
    """Offsets in DN by what tells them."""
    found: dict[str, int] = {}
    for name in ("offset_dn", "BOA_ADD_OFFSET", "boa_add_offset"):
        if name in attrs:
            found[name] = int(attrs[name])
    factor = attrs.get("scale_factor", 1)
    added = attrs.get("add_offset", 0)
    # What GDAL writes where nobody said anything says nothing.
    if "scale_factor" in attrs and (factor, added) != (1, 0):
        found["scale_factor and add_offset"] = round(added / factor)
    for raster in _raster_bands(cube, attrs):
        offset = raster.get("offset", 0)
        found[f"raster:bands with offset {offset:g}"] = round(offset / raster["scale"])
    if "earthsearch:boa_offset_applied" in cube.coords:
        applied = np.atleast_1d(cube["earthsearch:boa_offset_applied"].values)
        if bool(np.all(applied == 1)):
            found["earthsearch:boa_offset_applied"] = 0
    return found


def _offset_of_baseline(cube: xr.Dataset) -> int:
    """Where no attribute tells the offset."""
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
        stacklevel=5,
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


def _told_scale(attrs: dict[str, dict[str, Any]]) -> float | None:
    """The value of one DN that the attribute `units` tells; None where it tells none."""
    units = {band: str(said.get("units", "")).strip().lower() for band, said in attrs.items()}
    return SCALES_OF_UNITS.get(_agreed("scale", units))


def _scale_of_values(array: xr.DataArray, nodata: Any) -> float:
    """The value of one DN in floats that nothing describes: 1e-4 for reflectance, 1 for whole DN.

    Nothing here hangs on how bright a scene is: reflectance never exceeds `MOST_REFLECTANCE`, and
    DN are whole numbers.
    """
    values = _sample(array)
    valid = np.isfinite(values)
    if nodata is not None:
        valid &= values != float(nodata)
    values = values[valid]
    if not values.size:
        return REFLECTANCE
    _check_sentinels(values)
    largest = float(np.abs(values).max())
    if largest <= MOST_REFLECTANCE:
        return REFLECTANCE
    if np.array_equal(values, np.rint(values)):
        return 1.0
    raise InvalidInputError(
        f"nothing tells what these floats are, with values up to {largest:.4g}: give scale=, the "
        "value of one DN (0.01 for percent, 1e-4 for reflectance, 1 for DN, 0.01 for kelvin to a "
        'hundredth), or an attribute units="%"'
    )


def _sample(array: xr.DataArray) -> np.ndarray:
    """Values of some pixels of all bands, of at most four dates; of a lazy cube those of one block
    of y and x a date, so that little is read."""
    dates = np.linspace(0, array.sizes["time"] - 1, 4).round().astype(int)
    values = []
    for number, date in enumerate(np.unique(dates)):
        places: dict[str, Any] = {"time": [date]}
        for dim in ("y", "x"):
            places[dim] = _some_of_a_block(array, dim, number)
        values.append(np.asarray(array.isel(places).values).ravel())
    return np.concatenate(values)


def _some_of_a_block(array: xr.DataArray, dim: str, number: int) -> slice:
    """At most 64 places along a dim, within one block of Dask where there are blocks."""
    lengths = array.chunksizes.get(dim, (array.sizes[dim],))
    # Each of the dates looks elsewhere, so that one nodata area does not decide alone.
    block = (len(lengths) // 2 + number) % len(lengths)
    start = sum(lengths[:block])
    return slice(start, start + lengths[block], max(1, lengths[block] // 64))


def _check_sentinels(values: np.ndarray) -> None:
    """Say so where an extreme value is so frequent that it may stand for nodata.

    Raises InvalidInputError where it is also far from all others.
    """
    for extreme in (values.min(), values.max()):
        is_extreme = values == extreme
        others = np.abs(values[~is_extreme])
        if is_extreme.mean() <= FREQUENT or not others.size:
            continue
        said = f"{is_extreme.mean():.0%} of the values are {extreme:g}, and nothing calls it nodata"
        if abs(extreme) > FAR * max(float(others.max()), 1e-3):
            raise InvalidInputError(
                f"{said}, though it is far from all others: give nodata={extreme:g}, or scale= "
                "where it is a measurement"
            )
        warnings.warn(f"{said}: give nodata={extreme:g} where it stands for that", stacklevel=7)
