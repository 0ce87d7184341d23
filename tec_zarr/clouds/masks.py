"""Masks as people have them: names, classes, numbers above a threshold."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import dask
import dask.array as da
import numpy as np
import xarray as xr

from tec_zarr.clouds import scl
from tec_zarr.cubes.align import aligned
from tec_zarr.cubes.dims import renamed_dims
from tec_zarr.cubes.times import with_plain_times
from tec_zarr.errors import InpaintingWarning, InvalidInputError

NEARLY_ALL = 0.95


def check_pixels(name: str, value: object) -> None:
    """Raise InvalidInputError unless `value` is a number of pixels."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInputError(f"{name} must be a number of pixels, 0 or more; got {value!r}")


def _check_classes(classes: object) -> None:
    is_list = isinstance(classes, (Sequence, np.ndarray)) and not isinstance(classes, str)
    if not is_list or not all(isinstance(one, (int, float, np.number)) for one in classes):
        raise InvalidInputError(
            f"classes must be a list of the numbers that hide, such as (8, 9); got {classes!r}"
        )


def _check_threshold(threshold: object) -> None:
    if threshold is None:
        return
    is_number = isinstance(threshold, (int, float, np.number)) and not isinstance(threshold, bool)
    if not is_number or np.isnan(threshold):
        raise InvalidInputError(
            f"threshold must be a number, such as 40, above which a mask hides; got {threshold!r}"
        )


@dataclasses.dataclass(frozen=True)
class Masking:
    """What of a mask hides: `classes` of integers, numbers above a `threshold`; and by how many
    pixels it grows."""

    classes: Sequence[int] | None
    threshold: float | None
    dilate: int

    def __post_init__(self) -> None:
        check_pixels("dilate", self.dilate)
        if self.classes is not None:
            _check_classes(self.classes)
        _check_threshold(self.threshold)
        if self.classes is not None and self.threshold is not None:
            raise InvalidInputError(
                f"give one of classes and threshold; got classes={self.classes} and "
                f"threshold={self.threshold}"
            )

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
        found = _find(data, mask)
        on_grid = _on_grid(found, array)
        hidden = self._where(on_grid)
        _warn_of_extremes(hidden)
        return _dilated(hidden, self.dilate)

    def _where(self, mask: xr.DataArray) -> xr.DataArray:
        """Where a mask of floats is NaN, or what its attributes call nodata, there is no data:
        that hides, too."""
        if mask.dtype.kind == "b":
            if self.classes is not None:
                raise InvalidInputError(
                    f"classes={self.classes} are of a mask of integers; this one is bool, and "
                    "hides where it is True: leave them out"
                )
            return mask
        if mask.dtype.kind not in "iuf":
            raise InvalidInputError(
                f"a mask is bool, integers or floats; got {mask.dtype}. Convert it first, for "
                "example with mask.fillna(True).astype(bool)"
            )
        missing = _missing(mask)
        if self.threshold is not None:
            return (mask > self.threshold) | missing
        if self.classes is not None:
            return mask.isin(list(self.classes)) | missing
        if not scl.is_named(mask):
            raise InvalidInputError(
                f"nothing tells which values of this mask of {mask.dtype} hide, as it is not "
                "called SCL. Give a bool mask (mask == 1, probability > 40, "
                "(qa60 & 0b110000000000) != 0), classes=(1,) for the values that hide, or "
                "threshold= for those above it"
            )
        return scl.hides(mask.where(~missing)) | missing


def _missing(mask: xr.DataArray) -> xr.DataArray:
    missing = mask.isnull()
    for name in ("nodata", "_FillValue", "missing_value"):
        value = mask.attrs.get(name)
        # 0 is a class of SCL, and "clear" of most others.
        if isinstance(value, (int, float, np.number)) and value != 0:
            missing = missing | (mask == value)
    return missing


def _warn_of_extremes(hidden: xr.DataArray) -> None:
    if dask.is_dask_collection(hidden.data) or not hidden.size:
        return
    share = float(hidden.mean())
    if share == 0 or share > NEARLY_ALL:
        warnings.warn(
            f"the mask hides {share:.0%} of the cube: is it the right way round?",
            InpaintingWarning,
            stacklevel=6,
        )


def _find(data: xr.Dataset | xr.DataArray, mask: xr.DataArray | str) -> xr.DataArray:
    if isinstance(mask, str):
        variables = data if isinstance(data, xr.Dataset) else data.coords
        if mask not in variables:
            raise InvalidInputError(
                f"mask={mask!r} names no variable of the cube; it has {list(variables)}. Give one "
                "of these names, or the mask itself as a DataArray (time, y, x)"
            )
        return variables[mask]
    if not isinstance(mask, xr.DataArray):
        raise InvalidInputError(
            "mask must be a DataArray (time, y, x) or the name of a variable; got "
            f"{type(mask).__name__}. Give an array its dims and coordinates, for example with "
            'ds["SCL"].copy(data=array)'
        )
    return mask


def _on_grid(mask: xr.DataArray, array: xr.DataArray) -> xr.DataArray:
    """The mask as (time, y, x)."""
    mask = mask.rename(renamed_dims(mask))
    if mask.sizes.get("band") == 1:
        mask = mask.squeeze("band", drop=True)
    if array.sizes["time"] == 1 and "time" not in mask.dims:
        mask = mask.expand_dims("time")
    mask = with_plain_times(mask)
    _check_grid(mask, array)
    mask = aligned(mask, array, ("time", "y", "x"), "mask and cube")
    return mask.transpose("time", "y", "x")


def _check_grid(mask: xr.DataArray, array: xr.DataArray) -> None:
    sizes = {d: array.sizes[d] for d in ("time", "y", "x")}
    found = dict(mask.sizes)
    if found == sizes:
        return
    if "time" not in found and set(found) == {"y", "x"}:
        advice = "where it is that of all dates, mask.expand_dims(time=cube.time)"
    elif found.get("time", sizes["time"]) != sizes["time"]:
        advice = "select the dates that both have, for example mask.sel(time=cube.time)"
    elif set(found) != set(sizes):
        advice = 'make one mask of all bands, for example mask.any("band")'
    else:
        advice = (
            "bring it to the cube's grid first, for example "
            'scl.interp_like(cube, method="nearest")'
        )
    raise InvalidInputError(f"the mask has {found}, the cube {sizes}: {advice}")


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
