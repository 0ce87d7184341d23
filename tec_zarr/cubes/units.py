"""Offset, scale and nodata of a cube: what a caller says, else what its attributes say."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.nodata import check_nodata, is_nodata_told, told_nodata
from tec_zarr.cubes.offsets import offset_of, told_offset
from tec_zarr.cubes.samples import (
    MOST_REFLECTANCE,
    REFLECTANCE,
    check_sentinels,
    check_told_scale,
    is_lazy,
    sample_of,
    scale_of_values,
)
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.told import agreed, attributes_of_bands, one_number
from tec_zarr.errors import InvalidInputError

AUTO = "auto"
"""Of nodata: what attributes say."""

SCALES_OF_UNITS = {"%": 0.01, "percent": 0.01, "reflectance": REFLECTANCE, "dn": 1.0}
"""The value of one DN by the attribute `units`."""


def units_of(
    cube: xr.Dataset, offset_dn: int | None, scale: float | None, nodata: Any
) -> dict[str, Any]:
    """`offset_dn`, `scale` and `nodata` for the codec: those given, else what the attributes say.

    Integers without a word on their offset are taken for DN without one, with a warning. Values
    are read where they are in memory, and of floats a few chunks where no caller gives their scale.

    Raises InvalidInputError where attributes, bands or dates contradict each other, and where
    nothing tells what floats are.
    """
    array = cube[NAME]
    attrs = attributes_of_bands(array)
    is_float = array.dtype.kind == "f"
    if isinstance(nodata, str) and nodata == AUTO:
        nodata = told_nodata(cube, attrs, array.dtype)
    check_nodata(nodata, array.dtype)
    if scale is not None and not is_float:
        raise InvalidInputError(
            f"scale={scale!r} is the value of one DN in floats, and this cube is {array.dtype}: "
            "leave it out; the offset of integers is offset_dn="
        )
    if is_float and scale is None:
        scale = _told_scale(attrs)
        if scale is not None:
            check_told_scale(sample_of(array, nodata), scale)
    is_scale_told = scale is not None or not is_float
    # What is no number is refused with all other dtypes, by the codec.
    is_number = array.dtype.kind in "iuf"
    if is_number and (not is_lazy(array) or not is_scale_told):
        values = sample_of(array, nodata)
        check_sentinels(values, is_scale_told)
        if not is_scale_told:
            scale = scale_of_values(array, values)
    if is_float:
        _warn_of_packing(attrs, scale)
        return {"scale": scale, "nodata": nodata}
    if offset_dn is None:
        offset_dn = offset_of(cube, attrs)
    return {"offset_dn": offset_dn, "nodata": nodata}


def _warn_of_packing(attrs: Mapping[str, dict[str, Any]], scale: float | None) -> None:
    """Say so where floats that were unpacked still have the attributes of packed numbers, as what
    computes with those leaves them there. Floats that hold DN are packed."""
    if scale == 1.0:
        return
    told = {}
    for name, nothing in (("scale_factor", 1.0), ("add_offset", 0.0)):
        for said in attrs.values():
            value = said.get(name)
            if isinstance(value, (str, int, float)) and one_number(name, value) not in (
                None,
                nothing,
            ):
                told[name] = value
    if told:
        listed = " and ".join(f"{name}={value}" for name, value in told.items())
        named = ", ".join(f'"{name}"' for name in told)
        warnings.warn(
            f"the attributes {listed} are those of packed numbers, and these are unpacked: readers "
            f"of plain files made of them would unpack them once more. Remove {named} from attrs",
            stacklevel=6,
        )


def check_units(cube: xr.Dataset, stored: Any) -> None:
    """Raise InvalidInputError where attributes of a cube say other units than the settings of a
    store have; what they leave open is as in the store."""
    array = cube[NAME]
    attrs = attributes_of_bands(array)
    told: dict[str, Any] = {}
    if is_nodata_told(cube, attrs):
        told["nodata"] = told_nodata(cube, attrs, array.dtype)
    if array.dtype.kind == "f":
        told["scale"] = _told_scale(attrs)
        if told["scale"] is None:
            _check_sizes(array, stored)
        elif told["scale"] == stored.scale == 1.0:
            check_told_scale(sample_of(array, stored.nodata), stored.scale)
    else:
        told["offset_dn"] = told_offset(cube, attrs)
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


def check_offsets(first: xr.Dataset, second: xr.Dataset) -> None:
    """Raise InvalidInputError where two cubes of integers tell other offsets."""
    told = []
    for cube in (first, second):
        if cube[NAME].dtype.kind in "iu":
            # What was computed may have attributes of several arrays, which tell nothing then.
            with contextlib.suppress(InvalidInputError):
                told.append(told_offset(cube, attributes_of_bands(cube[NAME])))
    if len(told) == 2 and None not in told and told[0] != told[1]:
        raise InvalidInputError(
            f"the cubes have other offsets, {told[0]} and {told[1]}, so that equal numbers are "
            "other reflectances: bring both to one, or give offset_dn= where an attribute is wrong"
        )


def _check_sizes(array: xr.DataArray, stored: Any) -> None:
    """Raise InvalidInputError where floats that nothing describes are surely no reflectance, or no
    DN, as those of the store are."""
    if stored.scale not in (REFLECTANCE, 1.0):
        return
    sizes = np.abs(sample_of(array, stored.nodata))
    if not sizes.size:
        return
    if stored.scale == 1.0:
        is_other = bool(sizes.max() <= MOST_REFLECTANCE and (sizes != np.rint(sizes)).any())
    else:
        is_other = bool(np.median(sizes) > MOST_REFLECTANCE)
    if is_other:
        of_store = "reflectance" if stored.scale == REFLECTANCE else "DN"
        raise InvalidInputError(
            f"these dates do not fit the store: half of their values are up to "
            f"{np.median(sizes):.4g}, the store has {of_store} (scale={stored.scale:g}), and "
            "nothing tells what these are. Bring them to the store's units first, or give them an "
            f'attribute units="{of_store}" where they are in these'
        )


def _told_scale(attrs: Mapping[str, dict[str, Any]]) -> float | None:
    """The value of one DN that the attribute `units` tells; None where it tells none."""
    units = {band: str(said.get("units", "")).strip().lower() for band, said in attrs.items()}
    return SCALES_OF_UNITS.get(agreed("scale", units))
