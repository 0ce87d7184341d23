"""Cubes before and after as a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.codec.metrics import PEAK_DN
from tec_zarr.cubes.align import aligned
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.compare import compare_cubes


def plot_comparison(
    original: xr.Dataset | xr.DataArray,
    decoded: xr.Dataset | xr.DataArray,
    *,
    date: int = 0,
    white: float = 0.3,
    offset_dn: int = 0,
) -> Any:
    """A figure of matplotlib: true color (or the first band) of a date before and after,
    reflectance `white` shown as white, and the error of each pixel in the cubes' units."""
    from matplotlib.figure import Figure

    before = to_cube(original)
    cube = before[NAME]
    other = aligned(to_cube(decoded)[NAME], cube, cube.dims, "the cubes")
    dates = cube.sizes["time"]
    if isinstance(date, bool) or not isinstance(date, int) or not -dates <= date < dates:
        raise InvalidInputError(
            f"date must be the number of one of the {dates} dates, 0 to {dates - 1}; got {date!r}. "
            "To pick a time select it in both first, with .sel(time=[...])"
        )
    first = cube.isel(time=[date])
    second = other.isel(time=[date])
    is_float = first.dtype.kind == "f"
    bands = [str(n) for n in first["band"].values]
    shown = [bands.index(n) if n in bands else 0 for n in ("B04", "B03", "B02")]
    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, shot, title in zip(axes, (first, second), ("original", "decoded"), strict=False):
        image = np.moveaxis(shot.values[0, shown].astype(np.float64), 0, -1)
        reflectance = image if is_float else (image + offset_dn) / PEAK_DN
        axis.imshow(np.clip(np.nan_to_num(reflectance / white), 0, 1))
        axis.set_title(title)
    errors = compare_cubes(before.isel(time=[date]), second.to_dataset(name=NAME))
    drawn = axes[2].imshow(errors["error"], cmap="magma")
    axes[2].set_title("RMSE of each pixel")
    figure.colorbar(drawn, ax=axes[2])
    for axis in axes:
        axis.set_axis_off()
    return figure
