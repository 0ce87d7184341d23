"""What attributes and encodings tell of bands, in whatever form they say it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import unstorable
from tec_zarr.cubes.terms import NAME, SOURCE
from tec_zarr.errors import InvalidInputError

ALL_BANDS = "all bands"

RASTER_BANDS = "raster:bands"


def attributes_of_bands(array: xr.DataArray) -> dict[str, dict[str, Any]]:
    """By band, or under one name where all have the same ones; with the nodata that encodings
    tell."""
    source = json.loads(array.attrs[SOURCE])
    shared = {**array.attrs, **source["attrs"]}
    filled = source.get("filled", {})
    each = source.get("each")
    if not each:
        return {ALL_BANDS: {**_fill(filled.get(source.get("name"), filled.get(NAME))), **shared}}
    return {name: {**_fill(filled.get(name)), **shared, **own} for name, own in each.items()}


def _fill(value: Any) -> dict[str, Any]:
    return {} if value is None else {"_FillValue": value}


def agreed(what: str, found: Mapping[str, Any]) -> Any:
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


def one_number(name: str, value: Any) -> float | None:
    """A number from a number, a text, or a list or mapping of bands that all have the same; None
    for NaN and for what says nothing.

    Raises InvalidInputError where it is none, or bands have others.
    """
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple, np.ndarray)):
        numbers = [one_number(name, part) for part in value]
        if len(set(numbers)) > 1:
            raise InvalidInputError(
                f"the attribute {name} has another value for each band, {value}, and a cube has "
                "one for all of them: bring the bands to one, or give the keyword where the "
                "attribute is wrong"
            )
        return numbers[0] if numbers else None
    if value is None or str(value).strip().lower() in ("", "none", "null", "nan", "n/a"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"the attribute {name} is {value!r}, which is no number: correct or remove it"
        ) from error
    return None if math.isnan(number) else number


def raster_bands(cube: xr.Dataset, attrs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Objects of STAC's raster extension, from an attribute or from a coordinate as stackstac
    makes it."""
    said = [attrs.get(RASTER_BANDS)]
    if RASTER_BANDS in cube.coords:
        said += list(unstorable(cube[[RASTER_BANDS]])[RASTER_BANDS].values.flat)
    found = []
    for one in said:
        listed = one if isinstance(one, list) else [one]
        found += [raster for raster in listed if isinstance(raster, dict)]
    return found
