"""GeoTIFFs of a cube: a file of all bands for each date."""

from __future__ import annotations

import contextlib
import pathlib
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.plain import to_plain
from tec_zarr.errors import InvalidInputError, TecError
from tec_zarr.stores.moving import file_beside

SUFFIXES = (".tif", ".tiff")


def write_geotiffs(opened: Any, path: pathlib.Path, is_overwritten: bool) -> list[str]:
    """Write the bands of an opened store; gives the files.

    A cube of one date becomes `path`. Other cubes become a file for each date, which has the date
    in its name. All files are written beside their places first, so that a failure leaves
    nothing.

    Raises
    ------
    InvalidInputError
        Where a file is there already and `is_overwritten` is False, or rioxarray is missing.
    """
    try:
        import rioxarray  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            "writing GeoTIFFs needs rioxarray: pip install 'tec_zarr[demo]'"
        ) from error
    cube = opened["B"] if "B" in opened else to_cube(opened)["B"]
    names = _names(cube, path)
    there = [str(name) for name in names if name.exists()]
    if there and not is_overwritten:
        raise InvalidInputError(
            f"{', '.join(there)}: there already. Choose another name, or --overwrite to replace"
        )
    nodata = _nodata(opened, cube.dtype)
    # All files have their places at the end, or none has.
    with contextlib.ExitStack() as beside:
        for index, name in enumerate(names):
            file = beside.enter_context(file_beside(name))
            _write(_image(cube.isel(time=index), nodata), file, name)
    return [str(name) for name in names]


def _write(image: Any, file: pathlib.Path, name: pathlib.Path) -> None:
    """Write one image; errors are of the file that it is to become."""
    from rasterio.errors import RasterioError

    try:
        image.rio.to_raster(file, driver="GTiff")
    except RasterioError as error:
        # GDAL's own words are in the cause, where there is one.
        raise TecError(
            f"{name} could not be written ({error.__cause__ or error}): there may be no room on "
            "the disk"
        ) from error


def _names(cube: Any, path: pathlib.Path) -> list[pathlib.Path]:
    """A file for each date, by its day, or by its time where days are not enough."""
    count = cube.sizes["time"]
    if count == 1:
        return [path]
    labels = [str(index) for index in range(count)]
    if "time" in cube.coords:
        times = cube["time"].values
        labels = [str(time)[:10] for time in times]
        if len(set(labels)) < count:
            labels = [str(time).replace(":", "") for time in times]
    return [path.with_name(f"{path.stem}-{label}{path.suffix}") for label in labels]


def _nodata(opened: Any, dtype: np.dtype) -> Any:
    """The value that stands for no data in what was written; None where nothing told one."""
    plain = to_plain(opened)
    variables = [plain] if isinstance(plain, xr.DataArray) else plain.data_vars.values()
    told = set()
    for variable in variables:
        if variable.dtype == dtype and "_FillValue" in variable.attrs:
            told.add(variable.attrs["_FillValue"])
    return told.pop() if len(told) == 1 else None


def _image(date: Any, nodata: Any) -> Any:
    """One date as GeoTIFF takes it: names of bands, grid and nodata, and nothing else."""
    image = date.drop_vars([n for n in date.coords if n not in ("y", "x", "spatial_ref")])
    image.attrs = {"long_name": tuple(map(str, date["band"].values))}
    image.encoding = {}
    return image if nodata is None else image.rio.write_nodata(nodata)
