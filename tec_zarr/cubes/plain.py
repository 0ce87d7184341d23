"""Cubes as ordinary Datasets: without a word of the codec, in forms that other formats have."""

from __future__ import annotations

import json
import numbers
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import plain_attributes, storable_coordinate
from tec_zarr.cubes.restore import from_cube, is_cube
from tec_zarr.cubes.stale import without_storage
from tec_zarr.cubes.terms import COUNTED

Data = xr.Dataset | xr.DataArray


def to_plain(data: Data) -> Data:
    """What can be saved as Zarr, NetCDF or GeoTIFF. See `ds.tec.to_plain`."""
    return _with_flat_attributes(as_it_was(data))


def as_it_was(data: Data) -> Data:
    """A cube as `from_cube` gives it, anything else without the encoding of its store; objects in
    coordinates as JSON, and without attributes that xarray cannot write."""
    if isinstance(data, xr.Dataset) and is_cube(data):
        return _writable(_with_texts(from_cube(data)))
    clean: Data = without_storage(data)
    return _writable(_with_texts(clean))


def _with_texts(data: Data) -> Data:
    """Objects in coordinates as JSON, which every format can hold."""
    texts = {}
    for name, coord in data.coords.items():
        if coord.dtype.kind == "O":
            texts[name] = storable_coordinate(coord)
    return data.assign_coords(texts)


def _writable(data: Data) -> Data:
    """Without attributes that keep xarray from writing: of times how a file counted them, which the
    Open Data Cube, say, leaves there; of integers values of no data that they cannot hold."""
    clean = data.copy()
    variables = clean.variables if isinstance(clean, xr.Dataset) else {"": clean, **clean.coords}
    for variable in variables.values():
        dropped = _unwritable(variable)
        if dropped:
            variable.attrs = {k: v for k, v in variable.attrs.items() if k not in dropped}
            # A dtype fits the units that it was chosen with.
            variable.encoding = {k: v for k, v in variable.encoding.items() if k != "dtype"}
    return clean


def _unwritable(variable: xr.DataArray | xr.Variable) -> set[str]:
    kind = variable.dtype.kind
    if kind in "Mm":
        return set(COUNTED) & set(variable.attrs)
    if kind not in "iu":
        return set()
    names = {"_FillValue", "missing_value"} & set(variable.attrs)
    return {name for name in names if not _holds(variable.dtype, variable.attrs[name])}


def _holds(dtype: np.dtype, value: Any) -> bool:
    limits = np.iinfo(dtype)
    is_number = isinstance(value, (int, float, np.number))
    return bool(is_number and limits.min <= value <= limits.max and value == int(value))


def _with_flat_attributes(data: Data) -> Data:
    """Attributes that are neither texts, numbers nor lists of one of these as JSON: NetCDF has no
    others."""
    flat = data.copy()
    flat.attrs = _flat(data.attrs)
    variables = flat.variables if isinstance(flat, xr.Dataset) else flat.coords
    for name in list(variables):
        flat[name].attrs = _flat(data[name].attrs)
    return flat


def _flat(attrs: Any) -> dict[str, Any]:
    found = {}
    for name, value in plain_attributes(attrs).items():
        found[name] = value if _is_flat(value) else json.dumps(value)
    return found


def _is_flat(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(part) for part in value}
        return len(kinds) == 1 and kinds <= {str, int, float}
    return isinstance(value, (str, numbers.Number, np.number)) and not isinstance(value, bool)
