"""Cubes as files bring them: Zarr, NetCDF, GeoTIFF to one DataArray (time, band, y, x)."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A

DIMS = ("time", "band", "y", "x")


def open_cube(paths: Sequence[str | pathlib.Path]) -> xr.DataArray:
    """The cube (time, band, y, x) of one Zarr store or NetCDF file, or of GeoTIFFs, a date each.

    Values stay as they are stored: no scaling, no masking. Bands are named by the band coordinate, the names of the
    variables or the descriptions of the GeoTIFF; twelve without names are taken for the bands of L2A in their order.

    Raises InvalidInputError where the files hold no such cube.
    """
    files = [pathlib.Path(path) for path in paths]
    if missing := [str(f) for f in files if not f.exists()]:
        raise InvalidInputError(f"no such file: {', '.join(missing)}")
    if all(f.suffix.lower() in (".tif", ".tiff") for f in files):
        cube = _open_geotiffs(files)
    elif len(files) == 1:
        cube = _find_cube(_open_dataset(files[0]), files[0])
    else:
        raise InvalidInputError(f"give one Zarr store, one NetCDF file, or GeoTIFFs of a date each; got {len(files)} files")
    return cube.assign_coords(band=_band_names(cube))


def _open_dataset(path: pathlib.Path) -> xr.Dataset:
    if path.is_dir() or path.suffix == ".zip":
        store = ZipStore(path, mode="r") if path.suffix == ".zip" else path
        return xr.open_zarr(store, chunks=None, consolidated=False, mask_and_scale=False)
    return xr.open_dataset(path, mask_and_scale=False)


def _find_cube(dataset: xr.Dataset, path: pathlib.Path) -> xr.DataArray:
    for variable in dataset.data_vars.values():
        if set(variable.dims) == set(DIMS):
            return variable.transpose(*DIMS)
    known = [name for name in L2A if name in dataset.data_vars]
    if known:
        stacked = dataset[known].to_dataarray("band")
        if "time" not in stacked.dims:
            stacked = stacked.expand_dims("time")
        return stacked.transpose(*DIMS)
    found = {name: variable.dims for name, variable in dataset.data_vars.items()}
    raise InvalidInputError(f"{path}: no variable with dims {DIMS} and no variables called {', '.join(L2A)}; found {found}")


def _open_geotiffs(files: list[pathlib.Path]) -> xr.DataArray:
    try:
        import rioxarray
    except ImportError as error:
        raise InvalidInputError("reading GeoTIFFs needs rioxarray: pip install 'tec_zarr[demo]'") from error
    dates = [rioxarray.open_rasterio(f) for f in files]
    cube = xr.concat(dates, xr.DataArray(np.arange(len(dates)), dims="time", name="time"), join="exact")
    names = dates[0].attrs.get("long_name")
    if isinstance(names, tuple) and len(names) == cube.sizes["band"]:
        cube = cube.assign_coords(band=list(names))
    return cube.transpose(*DIMS)


def _band_names(cube: xr.DataArray) -> list[str]:
    names = [str(name) for name in cube["band"].values] if "band" in cube.coords else []
    if names and set(names) <= set(L2A):
        return names
    if cube.sizes["band"] == len(L2A) and not any(name.startswith("B") for name in names):
        return list(L2A)
    raise InvalidInputError(
        f"cannot tell the {cube.sizes['band']} bands {names} apart: name them with a coordinate 'band' out of "
        f"{', '.join(L2A)}"
    )
