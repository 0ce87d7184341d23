"""Some values of a cube, and what they say that nobody told: what floats are, and what may stand
for no data."""

from __future__ import annotations

import re
import warnings
from typing import Any

import dask
import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError

REFLECTANCE = 1e-4

MOST_REFLECTANCE = 5.0
"""No reflectance is beyond this: glint and clouds end at about 2."""

MOST_BYTE = 255.0
"""Whole numbers up to here may be bytes or percent as well as DN."""

FREQUENT = 0.01
LEAST = 16
"""An extreme value may stand for no data where it has this share of a sample, and so many of
it."""

ALONE = 4.0
"""At the upper end measurements are not so many times as large as the next one."""

FAR = 20.0
"""It does where it is also so many times as large as all others."""

RADAR = re.compile(r"(^|[^a-z])(vv|vh|hh|hv)([^a-z]|$)")
"""Bands whose floats span powers of ten."""

CHOICES = (
    "give scale=, the value of one DN (0.01 for percent, 1e-4 for reflectance, 1 for DN, 0.01 for "
    'kelvin to a hundredth), or an attribute units="%"'
)


def is_lazy(array: xr.DataArray) -> bool:
    """Whether values have yet to be read."""
    return dask.is_dask_collection(array.data)


def sample_of(array: xr.DataArray, nodata: Any) -> np.ndarray:
    """Valid values of some pixels of all bands: of a lazy cube, from a chunk of at most four
    dates, spread over the cube."""
    if not is_lazy(array):
        return _valid(_thinned(array), nodata)
    found = []
    for place in spread_chunks(array):
        found.append(_valid(_thinned(array.isel(place)), nodata))
    return np.concatenate(found)


def spread_chunks(array: xr.DataArray) -> list[dict[str, Any]]:
    """Places of chunks of a lazy array, cut to a date each: at most four, from one corner to the
    other."""
    count = min(4, array.sizes["time"])
    places = []
    for number in range(count):
        place: dict[str, Any] = {}
        for dim in ("time", "y", "x"):
            lengths = array.chunksizes[dim]
            edges = np.cumsum([0, *lengths])
            index = (2 * number + 1) * len(lengths) // (2 * count)
            place[dim] = slice(int(edges[index]), int(edges[index + 1]))
        place["time"] = slice(place["time"].start, place["time"].start + 1)
        places.append(place)
    return places


def _thinned(array: xr.DataArray) -> np.ndarray:
    """Every so many pixels, of at most four dates."""
    steps = {}
    for dim, most in (("time", 4), ("y", 64), ("x", 64)):
        steps[dim] = slice(None, None, max(1, array.sizes[dim] // most))
    # Of what is lazy, the chunk is read as a whole in any case.
    return np.asarray(array.isel(steps).values)


def _valid(values: np.ndarray, nodata: Any) -> np.ndarray:
    valid = np.isfinite(values)
    if nodata is not None:
        valid &= values != values.dtype.type(nodata)
    return values[valid]


def scale_of_values(array: xr.DataArray, values: np.ndarray) -> float:
    """The value of one DN in floats that nothing describes, from a sample of their valid values:
    1e-4 for reflectance, 1 for whole DN.

    Nothing here hangs on how bright a scene is: reflectance never exceeds `MOST_REFLECTANCE`, DN
    are whole numbers, and what may be either is refused.
    """
    if not values.size and is_lazy(array):
        raise InvalidInputError(
            f"nothing tells what these floats are, and a sample of them has no valid one: {CHOICES}"
        )
    if not values.size:
        return REFLECTANCE
    largest = float(np.abs(values).max())
    names = map(str, array["band"].values)
    radar = ", ".join(name for name in names if RADAR.search(name.lower()))
    if largest <= MOST_REFLECTANCE and radar:
        raise InvalidInputError(
            f"nothing tells what these floats are, and {radar}, by the name a polarisation of "
            "radar, is no reflectance: give scale=, the smallest difference that matters, such as "
            "0.01 for decibels, which suit radar better than linear units"
        )
    if largest <= MOST_REFLECTANCE:
        return REFLECTANCE
    is_whole = np.array_equal(values, np.rint(values))
    if is_whole and largest > MOST_BYTE:
        return 1.0
    said = "whole numbers" if is_whole else "values"
    raise InvalidInputError(
        f"nothing tells what these floats are, with {said} up to {largest:.4g}: {CHOICES}"
    )


def check_told_scale(values: np.ndarray, scale: float) -> None:
    """Raise InvalidInputError where a sample of floats is surely in other units than its attribute
    `units` tells: what computes reflectance of DN often leaves their attributes there."""
    if not values.size:
        return
    largest = float(np.abs(values).max())
    if scale == REFLECTANCE:
        is_other = float(np.median(np.abs(values))) > MOST_REFLECTANCE
    else:
        # Of whole DN, and of percent, hardly any scene ends there.
        most = MOST_REFLECTANCE if scale == 1 else 1.0
        is_other = largest <= most and not np.array_equal(values, np.rint(values))
    if is_other:
        raise InvalidInputError(
            f"the attribute units tells that one DN is {scale:g}, but the values, up to "
            f"{largest:.4g}, are in other units: correct the attribute (DN, reflectance or %), or "
            "say with scale= what one DN is"
        )


def check_sentinels(values: np.ndarray, is_scale_told: bool) -> None:
    """Warn where an extreme value of a sample is so frequent that it may stand for no data.

    Raises InvalidInputError where floats are to be judged by their size (`is_scale_told` is
    False), and one is far from all others.
    """
    for extreme in _suspects(values):
        is_extreme = values == extreme
        others = values[~is_extreme]
        if is_extreme.mean() <= FREQUENT or is_extreme.sum() < LEAST or not others.size:
            continue
        said = f"{is_extreme.mean():.0%} of the values are {extreme:g}, and nothing calls it nodata"
        far = FAR * max(float(np.abs(others.astype(np.float64)).max()), 1e-3)
        if not is_scale_told and abs(float(extreme)) > far:
            raise InvalidInputError(
                f"{said}, though it is far from all others: give nodata={extreme:g}, or scale= "
                "where it is a measurement"
            )
        warnings.warn(f"{said}: give nodata={extreme:g} where it stands for that", stacklevel=6)


def _suspects(values: np.ndarray) -> list[Any]:
    """Extreme values that measurements do not have often: none above 0 at the lower end, and at
    the upper end what is the dtype's last, or `ALONE` times as large as the next one."""
    if not values.size:
        return []
    found = []
    lowest = values.min()
    largest = values.max()
    if lowest <= 0:
        found.append(lowest)
    below = values[values < largest]
    limit = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else np.inf
    is_alone = below.size > 0 and float(largest) > ALONE * abs(float(below.max()))
    if largest == limit or is_alone:
        found.append(largest)
    return found
