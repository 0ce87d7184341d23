"""The part of two cubes that a report shows: a window and some dates, small enough to hold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.codec import metrics
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.compare import compare_cubes

MOST = 12_000_000
"""Samples that are compared at most."""

DATES = 8
"""Dates that are compared at most."""

SERIES = 120
"""Dates of the series of a pixel at most."""

NDVI = ("B04", "B08")


@dataclasses.dataclass(frozen=True)
class Units:
    """How values become reflectance: (value + offset) * factor; False where they are none."""

    offset: float
    factor: float
    is_reflectance: bool

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values as they are shown: reflectance, or as they are."""
        floats = values.astype(np.float64)
        return (floats + self.offset) * self.factor if self.is_reflectance else floats


@dataclasses.dataclass(frozen=True)
class Sample:
    """Two cubes over the same window and dates, loaded (time, band, y, x), with what was found of
    their difference; `whole` has the lengths of the cube that they are a part of."""

    before: xr.DataArray
    after: xr.DataArray
    valid: np.ndarray
    found: xr.Dataset
    units: Units
    nodata: float | None
    whole: dict[str, int]

    @property
    def is_whole(self) -> bool:
        return dict(self.before.sizes) == self.whole

    @property
    def bands(self) -> list[str]:
        return [str(band) for band in self.before["band"].values]

    def shown(self, array: xr.DataArray) -> np.ndarray:
        """As float64, with NaN where the original is no measurement."""
        return np.where(self.valid, self.units.of(array.values), np.nan)


def window_of(cube: xr.Dataset) -> dict[str, slice | np.ndarray]:
    """Indices of the dates and of the window in the middle that are shown."""
    sizes = cube[NAME].sizes
    dates = evenly(sizes["time"], DATES)
    area = MOST // (len(dates) * sizes["band"])
    height = min(sizes["y"], max(math.isqrt(area), area // sizes["x"]))
    width = min(sizes["x"], max(1, area // height))
    window: dict[str, slice | np.ndarray] = {"time": dates}
    for dim, length in (("y", height), ("x", width)):
        start = (sizes[dim] - length) // 2
        window[dim] = slice(start, start + length)
    return window


def evenly(count: int, most: int) -> np.ndarray:
    """At most so many of the numbers below `count`, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def load(
    original: xr.Dataset, other: xr.Dataset, whole: xr.Dataset, units: dict[str, Any]
) -> Sample:
    """Load and compare two cubes that are a window of `whole`; `units` as `compare_cubes` takes
    them."""
    before = original.load()
    after = to_cube(other).load()
    found = compare_cubes(before, after, **units)
    first = before[NAME]
    second = after[NAME]
    for dim in first.dims:
        # compare_cubes proved that labels are the same, in any order.
        if dim in first.coords and dim in second.coords:
            second = second.sel({dim: first[dim]})
    nodata = None if units["nodata"] is None else float(units["nodata"])
    valid = metrics.measured(first.values, nodata)
    shown = _shown(first, units)
    return Sample(first, second, valid, found, shown, nodata, dict(whole[NAME].sizes))


def _shown(array: xr.DataArray, units: dict[str, Any]) -> Units:
    if array.dtype.kind == "f":
        scale = units["scale"]
        # Other scales are those of other quantities, such as kelvin.
        return Units(0, 1e-4 / scale, math.isclose(scale, 1e-4) or scale == 1)
    return Units(units["offset_dn"] or 0, 1e-4, True)


def pick_pixels(
    sample: Sample, count: int, asked: Sequence[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Rows and columns within the sample: those asked for, else pixels from the least green to
    the greenest, among those that are measured most often.

    Raises InvalidInputError where one that is asked for lies outside of it.
    """
    height, width = sample.before.shape[2:]
    if asked is not None:
        try:
            asked = [(int(row), int(column)) for row, column in asked]
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"pixels must be a list of (row, column), such as [(10, 20)]; got {asked!r}"
            ) from error
        for row, column in asked:
            if not (0 <= row < height and 0 <= column < width):
                raise InvalidInputError(
                    f"pixel ({row}, {column}) is not within the {height} x {width} pixels that "
                    "are shown; give (row, column), counted from the corner of the map"
                )
        return list(asked)
    often = sample.valid.all(1).sum(0)
    if not often.any():
        return []
    level = _level(sample)
    level = np.where((often == often.max()) & np.isfinite(level), level, np.nan)
    ranks = np.argsort(level, axis=None)
    ranks = ranks[: np.isfinite(level).sum()]
    picked = []
    for share in np.linspace(0.03, 0.97, count):
        index = ranks[int(share * (len(ranks) - 1))] if len(ranks) else None
        if index is not None:
            row, column = np.unravel_index(index, level.shape)
            picked.append((int(row), int(column)))
    return list(dict.fromkeys(picked))


def _level(sample: Sample) -> np.ndarray:
    """Of each pixel (y, x) its median NDVI over dates, or where there is none its brightness."""
    values = sample.shown(sample.before)
    is_known = sample.valid.any((0, 1))
    level = ndvi(values, sample.bands)
    level = np.where(is_known, values.mean(1) if level is None else level, 0)
    return np.where(is_known, np.nanmedian(np.where(np.isfinite(level), level, 0), 0), np.nan)


def ndvi(values: np.ndarray, bands: Sequence[str]) -> np.ndarray | None:
    """NDVI of reflectance (time, band, ...); None where a band is missing."""
    if not set(NDVI) <= set(bands):
        return None
    red = values[:, bands.index(NDVI[0])]
    infrared = values[:, bands.index(NDVI[1])]
    total = infrared + red
    return np.divide(
        infrared - red, total, out=np.full(total.shape, np.nan), where=np.abs(total) > 1e-6
    )


def series_of(cube: xr.Dataset, rows: Sequence[int], columns: Sequence[int]) -> xr.DataArray:
    """Values (pixel, time, band) of pixels of the whole cube, at dates spread over it."""
    array = cube[NAME]
    points = array.isel(
        time=evenly(array.sizes["time"], SERIES),
        y=xr.DataArray(list(rows), dims="pixel"),
        x=xr.DataArray(list(columns), dims="pixel"),
    )
    return points.transpose("pixel", "time", "band").load()
