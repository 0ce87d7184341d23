"""Clouds out of cubes: masks as people have them, windows of a cube through the model, lazily
where the cube is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import dask
import numpy as np
import xarray as xr

from tec_zarr.clouds.masks import Masking, check_pixels
from tec_zarr.clouds.windows import ORIGINS, Work, inpaint_windows
from tec_zarr.codec.settings import Settings
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.empty import check_not_empty
from tec_zarr.cubes.restore import from_cube, is_cube
from tec_zarr.cubes.terms import NAME, SOURCE
from tec_zarr.cubes.units import units_of
from tec_zarr.errors import InvalidInputError


@dataclasses.dataclass(frozen=True, eq=False)
class Options:
    """How a cube is inpainted; see `ds.tec.inpaint`."""

    mode: str
    feather: int
    details: bool
    bands: Iterable[str] | None
    offset_dn: int | None
    scale: float | None
    nodata: Any
    model: str
    device: str

    def __post_init__(self) -> None:
        if self.mode not in ("bidirectional", "causal"):
            raise InvalidInputError(f'mode must be "bidirectional" or "causal"; got {self.mode!r}')
        check_pixels("feather", self.feather)


def inpaint_cube(
    data: xr.Dataset | xr.DataArray,
    mask: xr.DataArray | str,
    masking: Masking,
    options: Options,
) -> Any:
    """`data` with what `mask` hides predicted, and details where wanted. See `ds.tec.inpaint`."""
    from tec_zarr.clouds.arrays import band_indices, temporal

    cube = to_cube(data, options.bands)
    check_not_empty(cube)
    array = cube[NAME]
    hidden = masking.hidden(data, mask, array)
    units = units_of(cube, options.offset_dn, options.scale, options.nodata)
    bands = tuple(str(band) for band in array["band"].values)
    settings = Settings(bands=bands, **units)
    # Bands that the model does not have are an error now, and not when values are computed.
    band_indices(bands, array.sizes["band"], temporal(options.model, options.device))
    days, dates = _times(array)
    work = Work(settings, options.model, days, dates, options.mode, options.feather, options.device)
    parts = inpaint_windows(array, hidden, work)
    if not dask.is_dask_collection(array.data):
        parts = dask.compute(*parts, scheduler="synchronous")
    values, *details = parts
    painted = cube.assign({NAME: array.copy(data=_as_chunked(values, array.data))})
    result = _as_given(painted, data)
    if options.details:
        return result, _details(array, details)
    return result


def _as_given(painted: xr.Dataset, data: xr.Dataset | xr.DataArray) -> Any:
    """As what it was made of; what was a cube already, or the variable of one, stays that."""
    if isinstance(data, xr.Dataset) and is_cube(data):
        return data.assign({NAME: _like(painted[NAME], data[NAME])})
    if isinstance(data, xr.DataArray) and SOURCE in data.attrs:
        return _like(painted[NAME], data).rename(data.name)
    return from_cube(painted)


def _like(array: xr.DataArray, given: xr.DataArray) -> xr.DataArray:
    """With the dims that were given."""
    gone = {dim: 0 for dim in array.dims if dim not in given.dims}
    return given.copy(data=array.isel(gone).transpose(*given.dims).data)


def _times(array: xr.DataArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Days, and names for people, of the dates; without a coordinate of time they are a day
    apart."""
    if "time" in array.coords and np.issubdtype(array["time"].dtype, np.datetime64):
        times = array["time"].values
        return times.astype("datetime64[s]").astype(np.float64) / 86400, tuple(
            str(t)[:10] for t in times
        )
    return np.arange(array.sizes["time"], dtype=np.float64), tuple(
        f"date {t}" for t in range(array.sizes["time"])
    )


def _as_chunked(values: Any, like: Any) -> Any:
    return values.rechunk(like.chunks) if dask.is_dask_collection(like) else values


def _details(array: xr.DataArray, details: Sequence[Any]) -> xr.Dataset:
    dims = ("time", "y", "x")
    origin, date, error = details
    meanings = {"flag_values": list(ORIGINS.values()), "flag_meanings": " ".join(ORIGINS)}
    index = {"long_name": "index of the date that tells most, -1 for none"}
    rmse = {"long_name": "expected RMSE over bands"}
    variables = {
        "origin": (dims, origin, meanings),
        "date": (dims, date, index),
        "error": (dims, error, rmse),
    }
    coords = {}
    for name, coord in array.coords.items():
        if set(coord.dims) <= set(dims):
            coords[name] = coord
    return xr.Dataset(variables, coords)
