"""Cubes back to what they were: by name, whatever was selected of them, in any order."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import unstorable
from tec_zarr.cubes.dims import dim_of_ours
from tec_zarr.cubes.stale import without_storage
from tec_zarr.cubes.terms import NAME, SOURCE
from tec_zarr.errors import InvalidInputError

NO_BAND = (
    "the cube has no coordinate band, so that nothing tells which band this is: select with "
    ".sel(band=...) or .isel(band=[0]), which keep it"
)


def from_cube(data: xr.Dataset) -> xr.Dataset | xr.DataArray:
    """What `to_cube` was given: its variables, names, dims and attributes, without the encodings
    of the store it comes from.

    Raises InvalidInputError where `data` holds no cube that `to_cube` made.
    """
    if not isinstance(data, xr.Dataset):
        raise InvalidInputError(
            f"from_cube() is of a Dataset, as to_cube() gives it; got a {type(data).__name__}: "
            "take the whole store, xr.open_zarr(path).tec.from_cube()"
        )
    if not is_cube(data):
        raise InvalidInputError(
            f"no variable {NAME!r} with the attribute {SOURCE!r}; found {list(data.data_vars)}. "
            "from_cube() is of what ds.tec.to_cube() or a store of ds.tec.to_zarr() gave; anything "
            "else is as it was already"
        )
    data = without_storage(unstorable(data))
    source = json.loads(data[NAME].attrs[SOURCE])
    back = _taken_apart(_with_bands(data[NAME]), data.drop_vars(NAME), source)
    _give_encodings_back(back, source)
    _drop_encodings(back)
    original = {}
    for ours, theirs in source.get("renamed", {}).items():
        if ours in back.dims or ours in back.coords:
            original[ours] = theirs
    return back.rename(original)


def _give_encodings_back(back: xr.Dataset | xr.DataArray, source: dict[str, Any]) -> None:
    """What encodings told and a store keeps otherwise; not of bands that were not selected."""
    for key, told in (("grid_mapping", "grid_mapping"), ("_FillValue", "filled")):
        for name, value in source.get(told, {}).items():
            if isinstance(back, xr.Dataset) and name not in back:
                continue
            variable = back if isinstance(back, xr.DataArray) else back[name]
            if key == "grid_mapping":
                variable.attrs = {k: v for k, v in variable.attrs.items() if k != key}
            if key not in variable.attrs:
                variable.encoding[key] = value


def _drop_encodings(back: xr.Dataset | xr.DataArray) -> None:
    """Of the store, what attributes tell: xarray writes nothing that both have."""
    variables = back.variables if isinstance(back, xr.Dataset) else {"": back, **back.coords}
    for variable in variables.values():
        variable.encoding = {k: v for k, v in variable.encoding.items() if k not in variable.attrs}


def own_names(cube: xr.Dataset) -> dict[Any, str]:
    """The band of each name that a cube's bands had at first, as variables or as labels."""
    source = json.loads(cube[NAME].attrs[SOURCE])
    names = source.get("names") or source["bands"] or {}
    return {own: band for band, own in names.items()}


def is_cube(data: xr.Dataset) -> bool:
    """Whether `to_cube` made this."""
    return NAME in data.data_vars and SOURCE in data[NAME].attrs


def _with_bands(cube: xr.DataArray) -> xr.DataArray:
    """The cube with a dim `band`, also where one band of it was selected."""
    if "band" in cube.dims:
        return cube
    if "band" not in cube.coords:
        raise InvalidInputError(NO_BAND)
    return cube.expand_dims("band")


def _taken_apart(
    cube: xr.DataArray, rest: xr.Dataset, source: dict[str, Any]
) -> xr.Dataset | xr.DataArray:
    """By name: whatever bands there are, in whatever order."""
    attrs = {k: v for k, v in cube.attrs.items() if k != SOURCE} | source["attrs"]
    if source["kind"] == "variables":
        return _variables(cube, rest.drop_vars("band", errors="ignore"), source, attrs)
    array = _as_it_was(cube, source)
    array.attrs = attrs
    if source["kind"] == "array":
        return array.rename(source["name"])
    rest = _with_dates_of(array, rest.drop_vars("band", errors="ignore"))
    return rest.assign({source["name"]: array})


def _with_dates_of(cube: xr.DataArray, rest: xr.Dataset) -> xr.Dataset:
    """Without the dim `time`, too, where the cube had none at first."""
    if "time" in rest.dims and "time" not in map(dim_of_ours, cube.dims):
        return rest.isel(time=0, drop="time" not in map(dim_of_ours, cube.coords))
    return rest


def _variables(
    cube: xr.DataArray, rest: xr.Dataset, source: dict[str, Any], attrs: dict[str, Any]
) -> xr.Dataset:
    """A variable a band, in the order that bands had at first."""
    cube, dims = _without_expanded(cube, source)
    rest = _with_dates_of(cube, rest)
    if source.get("label") is not None:
        rest = rest.assign_coords(band=source["label"])
    present = [str(band) for band in cube["band"].values]
    for band, name in source["names"].items():
        if band not in present:
            continue
        one = cube.isel(band=present.index(band), drop=True)
        one = one.transpose(*(dim for dim in dims if dim != "band"))
        one.attrs = attrs | source["each"][name]
        rest[name] = one
    return rest


def _without_expanded(cube: xr.DataArray, source: dict[str, Any]) -> tuple[xr.DataArray, list[str]]:
    """The cube without dims that it did not have at first, and the order of those it has."""
    for dim, had_label in source["expanded"].items():
        if dim in cube.dims and cube.sizes[dim] == 1:
            cube = cube.isel({dim: 0}, drop=not had_label)
    dims = [dim_of_ours(dim) for dim in source["dims"]]
    return cube, [dim for dim in dims if dim in cube.dims]


def _as_it_was(cube: xr.DataArray, source: dict[str, Any]) -> xr.DataArray:
    """One array, with its own dims and labels of bands."""
    labels = source["bands"]
    if labels is None:
        cube = cube.drop_vars("band")
    else:
        own = [labels[str(band)] for band in cube["band"].values]
        cube = cube.assign_coords(
            band=("band", np.array(own, source.get("labels")), cube["band"].attrs)
        )
    cube, dims = _without_expanded(cube, source)
    original = {}
    for dim in source["dims"]:
        ours = dim_of_ours(dim)
        if ours in cube.dims and ours != dim:
            original[ours] = dim
    return cube.transpose(*dims).rename(original)
