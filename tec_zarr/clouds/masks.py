"""Masks as people have them: names, classes, numbers above a threshold."""

from __future__ import annotations

import dataclasses

import dask
import dask.array as da
import numpy as np
import xarray as xr

from tec_zarr.cubes.terms import DIM_ALIASES
from tec_zarr.errors import InvalidInputError


def check_pixels(name: str, value: object) -> None:
    """Raise InvalidInputError unless `value` is a number of pixels."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInputError(f"{name} must be a number of pixels, 0 or more; got {value!r}")


@dataclasses.dataclass(frozen=True)
class Masking:
    """What of a mask hides: `classes` of integers, numbers above a `threshold`; and by how many
    pixels it grows."""

    classes: tuple[int, ...]
    threshold: float | None
    dilate: int

    def __post_init__(self) -> None:
        check_pixels("dilate", self.dilate)

    def hidden(
        self,
        data: xr.Dataset | xr.DataArray,
        mask: xr.DataArray | str,
        array: xr.DataArray,
    ) -> xr.DataArray:
        """The mask as bool (time, y, x), on the grid of `array`; a name is one of the variables of
        `data`.

        Raises InvalidInputError where it does not fit.
        """
        on_grid = _on_grid(_find(data, mask), array)
        return _dilated(self._where(on_grid), self.dilate)

    def _where(self, mask: xr.DataArray) -> xr.DataArray:
        if self.threshold is not None:
            return mask > self.threshold
        if mask.dtype.kind == "b":
            return mask
        if mask.dtype.kind in "iu":
            return mask.isin(list(self.classes))
        raise InvalidInputError(
            f"a mask of {mask.dtype} needs threshold=: what is above it is hidden. Bool masks and "
            "classes (integers) do not"
        )


def _find(data: xr.Dataset | xr.DataArray, mask: xr.DataArray | str) -> xr.DataArray:
    if isinstance(mask, str):
        variables = data if isinstance(data, xr.Dataset) else xr.Dataset()
        if mask not in variables:
            raise InvalidInputError(
                f"mask={mask!r} names no variable of the cube; it has {list(variables)}. Give a "
                "DataArray"
            )
        return variables[mask]
    if not isinstance(mask, xr.DataArray):
        raise InvalidInputError(
            "mask must be a DataArray (time, y, x) or the name of a variable; got "
            f"{type(mask).__name__}"
        )
    return mask


def _on_grid(mask: xr.DataArray, array: xr.DataArray) -> xr.DataArray:
    """The mask as (time, y, x)."""
    aliases = {}
    for dim in mask.dims:
        if dim in DIM_ALIASES:
            aliases[dim] = DIM_ALIASES[dim]
    mask = mask.rename(aliases)
    if mask.sizes.get("band") == 1:
        mask = mask.squeeze("band", drop=True)
    if array.sizes["time"] == 1 and "time" not in mask.dims:
        mask = mask.expand_dims("time")
    _check_grid(mask, array)
    return mask.transpose("time", "y", "x")


def _check_grid(mask: xr.DataArray, array: xr.DataArray) -> None:
    sizes = {d: array.sizes[d] for d in ("time", "y", "x")}
    if dict(mask.sizes) != sizes:
        raise InvalidInputError(
            f"the mask has {dict(mask.sizes)}, the cube {sizes}: bring it to the cube's grid "
            "first, for example "
            'scl.interp_like(cube, method="nearest")'
        )
    for d in sizes:
        if (
            d in mask.coords
            and d in array.coords
            and not np.array_equal(mask[d].values, array[d].values)
        ):
            raise InvalidInputError(
                f"mask and cube have other coordinates along {d}: align them first, as with "
                "xr.align"
            )


def _dilated(hidden: xr.DataArray, pixels: int) -> xr.DataArray:
    """Grown by a disk."""
    if not pixels:
        return hidden

    def grow(planes: np.ndarray) -> np.ndarray:
        from scipy.ndimage import distance_transform_edt

        return np.stack([distance_transform_edt(~p) <= pixels if p.any() else p for p in planes])

    if dask.is_dask_collection(hidden.data):
        around = {1: pixels, 2: pixels}
        return hidden.copy(
            data=da.map_overlap(grow, hidden.data, depth=around, boundary=False, dtype=bool)
        )
    return hidden.copy(data=grow(hidden.values))
