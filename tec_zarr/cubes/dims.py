"""Dims of cubes, however they are called."""

from __future__ import annotations

from collections.abc import Hashable

import xarray as xr

from tec_zarr.cubes.terms import DIMS

DIM_ALIASES = {
    "variable": "band",
    "bands": "band",
    "wavelength": "band",
    "wavelengths": "band",
    "t": "time",
    "latitude": "y",
    "lat": "y",
    "longitude": "x",
    "lon": "x",
    "projection_y_coordinate": "y",
    "projection_x_coordinate": "x",
    "northing": "y",
    "easting": "x",
}
"""Other names of dims, in small letters."""


def dim_of_ours(dim: Hashable) -> str:
    """What a dim is called in a cube, however it is written elsewhere; its own name where it is no
    dim of a cube."""
    small = str(dim).lower()
    ours = DIM_ALIASES.get(small, small)
    return ours if ours in DIMS else str(dim)


def dims_of(variable: xr.DataArray) -> set[Hashable]:
    """Dims as a cube calls them."""
    return {dim_of_ours(d) for d in variable.dims}


def renamed_dims(data: xr.Dataset | xr.DataArray) -> dict[Hashable, str]:
    """Dims that are called otherwise here, and what they are called in a cube."""
    renamed: dict[Hashable, str] = {}
    taken = {*data.dims, *data.coords, *getattr(data, "data_vars", ())}
    variables = data.data_vars.values() if isinstance(data, xr.Dataset) else [data]
    # Others, such as a spectrum beside the bands, have dims of their own.
    of_planes = {dim for one in variables if {"y", "x"} <= dims_of(one) for dim in one.dims}
    for dim in data.dims:
        ours = dim_of_ours(dim)
        if dim in of_planes and ours != dim and ours not in taken and ours not in renamed.values():
            renamed[dim] = ours
    return renamed
