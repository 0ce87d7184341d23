"""Cubes as files bring them: Zarr, NetCDF, GeoTIFF."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from tec_zarr.cubes.convert import to_cube
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A


def open_cube(paths: Sequence[str | pathlib.Path]) -> xr.Dataset:
    """The cube that `to_cube` makes of one Zarr store or NetCDF file, or of GeoTIFFs, a date each.

    Values stay as they are stored: no scaling, no masking. Twelve bands without names are taken for
    those of L2A in their order.

    Raises InvalidInputError where the files hold no cube.
    """
    files = [pathlib.Path(path) for path in paths]
    if missing := [str(f) for f in files if not f.exists()]:
        raise InvalidInputError(f"no such file: {', '.join(missing)}")
    data: xr.Dataset | xr.DataArray
    if all(f.suffix.lower() in (".tif", ".tiff") for f in files):
        data = _open_geotiffs(files)
    elif len(files) == 1:
        data = _open_dataset(files[0])
    else:
        raise InvalidInputError(
            f"give one Zarr store, one NetCDF file, or GeoTIFFs of a date each; got {len(files)} "
            "files"
        )
    return to_cube(data, L2A if _are_nameless(data) else None)


def _open_dataset(path: pathlib.Path) -> xr.Dataset:
    if path.is_dir() or path.suffix == ".zip":
        store = ZipStore(path, mode="r") if path.suffix == ".zip" else path
        return xr.open_zarr(store, chunks=None, consolidated=False, mask_and_scale=False)
    return xr.open_dataset(path, mask_and_scale=False)


def _open_geotiffs(files: list[pathlib.Path]) -> xr.DataArray:
    try:
        import rioxarray
    except ImportError as error:
        raise InvalidInputError(
            "reading GeoTIFFs needs rioxarray: pip install 'tec_zarr[demo]'"
        ) from error
    dates: list[Any] = [rioxarray.open_rasterio(f) for f in files]
    numbers = xr.DataArray(np.arange(len(dates)), dims="time", name="time")
    return xr.concat(dates, numbers, join="exact")


def _are_nameless(data: xr.Dataset | xr.DataArray) -> bool:
    """Whether twelve bands are only numbered, or not even that."""
    if data.sizes.get("band") != len(L2A):
        return False
    if isinstance(data.attrs.get("long_name"), (tuple, list)):
        return False
    numbers = list(range(1, len(L2A) + 1))
    return "band" not in data.coords or data["band"].values.tolist() == numbers
