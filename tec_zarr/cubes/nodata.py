"""The value that stands for no data: what attributes and encodings say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.told import agreed, one_number, raster_bands
from tec_zarr.errors import InvalidInputError

NODATA_ATTRIBUTES = ("nodata", "_FillValue", "missing_value", "nodatavals")


def told_nodata(
    cube: xr.Dataset, attrs: Mapping[str, dict[str, Any]], dtype: np.dtype
) -> float | int | None:
    """The value that all bands have: of integers 0 where nothing is said, of floats none.

    Raises InvalidInputError where attributes or bands contradict each other.
    """
    of_whole = _of_band("the cube", xr.Dataset(), _of_whole(cube), dtype)
    unsaid = 0 if of_whole is None and dtype.kind != "f" else of_whole
    found = {}
    for band, said in attrs.items():
        value = _of_band(band, cube, said, dtype)
        found[band] = unsaid if value is None else value
    return agreed("nodata", found)


def check_nodata(nodata: Any, dtype: np.dtype) -> None:
    """Raise InvalidInputError unless a caller's value can stand in an array."""
    if nodata is None or str(nodata).strip().lower() == "nan":
        return
    is_number = isinstance(nodata, (int, float, np.number)) and not isinstance(nodata, bool)
    if not is_number:
        raise InvalidInputError(
            f'nodata must be a number, None for none, or "auto" for what attributes say; got '
            f"{nodata!r}"
        )
    if dtype.kind in "iu" and not _holds(dtype, float(nodata)):
        limits = np.iinfo(dtype)
        raise InvalidInputError(
            f"nodata={nodata} is no {dtype} value: give one from {limits.min} to {limits.max}, or "
            "None"
        )


def is_nodata_told(cube: xr.Dataset, attrs: Mapping[str, dict[str, Any]]) -> bool:
    """Whether anything says what it is, or that there is none."""
    names = {name for said in (*attrs.values(), _of_whole(cube)) for name in said}
    return bool(names & set(NODATA_ATTRIBUTES)) or any(
        "nodata" in raster for said in attrs.values() for raster in raster_bands(cube, said)
    )


def _of_whole(cube: xr.Dataset) -> dict[str, Any]:
    """What the attributes of a whole cube say, as those of a file do, of bands that say nothing."""
    return {name: cube.attrs[name] for name in NODATA_ATTRIBUTES if name in cube.attrs}


def _of_band(
    band: str, cube: xr.Dataset, said: Mapping[str, Any], dtype: np.dtype
) -> float | int | None:
    """NaN comes back exactly in any case, and what the dtype cannot hold stands nowhere: both say
    nothing."""
    found: dict[str, float] = {}
    for name in NODATA_ATTRIBUTES:
        value = one_number(name, said.get(name))
        if value is not None and _holds(dtype, value):
            found[name] = value
    if not found:
        # Of items, not of the array: what made the array may have put another value there.
        for raster in raster_bands(cube, said):
            value = one_number("raster:bands", raster.get("nodata"))
            if value is not None and _holds(dtype, value):
                found[f"raster:bands with nodata {value:g}"] = value
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name}: {value:g}" for name, value in found.items())
        raise InvalidInputError(
            f"the nodata of {band} is told differently, by {listed}: give nodata= to say which "
            "one it is, and bring all others to it first"
        )
    value = next(iter(found.values()), None)
    return value if value is None or dtype.kind == "f" else int(value)


def _holds(dtype: np.dtype, value: float) -> bool:
    if dtype.kind == "f":
        return True
    if dtype.kind not in "iu":
        return False
    limits = np.iinfo(dtype)
    return value == round(value) and limits.min <= value <= limits.max
