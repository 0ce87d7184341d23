"""Attributes and coordinates as a store can hold them, and back."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.terms import COUNTED, DECODED, NAME, PACKING

AS_JSON = "tec_json"
"""Attribute of coordinates whose objects were written as JSON."""

ASIDE = "tec_packing"
"""Attribute that holds, as JSON, those by which xarray would change a variable."""


def plain_attributes(attrs: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(k): _plain(v) for k, v in attrs.items()}


def _plain(value: Any) -> Any:
    """As JSON has it: numbers of numpy become numbers, tuples lists; what has no such form its
    text."""
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    # Lists and tuples, and affine transforms, which are no tuples any more.
    if hasattr(value, "__iter__") and hasattr(value, "__getitem__"):
        return [_plain(part) for part in value]
    return str(value)


def storable(data: xr.Dataset) -> xr.Dataset:
    """Without stale encodings, and objects in coordinates as JSON."""
    data = data.drop_encoding()
    data = data.assign_coords({name: storable_coordinate(c) for name, c in data.coords.items()})
    for name in data.variables:
        attrs = plain_attributes(data[name].attrs)
        counts_time = data[name].dtype.kind in "Mm"
        data[name].attrs = attrs if name == NAME else _put_aside(attrs, counts_time)
    return data


def storable_coordinate(coord: xr.DataArray) -> xr.Variable:
    """Objects as JSON, texts as objects; anything else as it is."""
    variable = coord.variable.to_base_variable().copy(deep=False)
    attrs = plain_attributes(coord.attrs)
    if coord.dtype.kind not in "OU":
        variable.attrs = attrs
        return variable
    if coord.dtype.kind == "O" and not all(isinstance(v, str) for v in coord.values.flat):
        return as_json(coord.copy(deep=False).assign_attrs(attrs))
    return xr.Variable(coord.dims, coord.values.astype(object), attrs)


def split(
    attrs: Mapping[str, Any], counts_time: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes that a store can have, and those by which xarray would change values when it
    opens it, or that it writes itself where a variable `counts_time`."""
    counts_time = counts_time or " since " in str(attrs.get("units", ""))
    aside = (*DECODED, *COUNTED) if counts_time else DECODED
    kept = {name: value for name, value in attrs.items() if name not in aside}
    return kept, {name: value for name, value in attrs.items() if name in aside}


def _put_aside(attrs: dict[str, Any], counts_time: bool) -> dict[str, Any]:
    kept, aside = split(attrs, counts_time)
    return {**kept, ASIDE: json.dumps(aside)} if aside else kept


def meaning_of(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Scale, offset, value of no data and units of a variable beside the bands, put aside or
    not."""
    aside = json.loads(attrs.get(ASIDE, "{}"))
    names = (*PACKING, "units", "calendar")
    return {name: value for name, value in {**attrs, **aside}.items() if name in names}


def as_json(coord: xr.DataArray) -> xr.Variable:
    """Whatever values as JSON, as objects are stored; what is JSON already as it is."""
    if coord.attrs.get(AS_JSON):
        return coord.variable
    texts = _objects((json.dumps(_plain(value)) for value in coord.values.flat), coord.shape)
    return xr.Variable(coord.dims, texts, {**coord.attrs, AS_JSON: 1})


def _objects(values: Iterable[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An array of whatever values, which numpy would take apart where they are lists."""
    out = np.empty(math.prod(shape), object)
    out[:] = list(values)
    return out.reshape(shape)


def unstorable(data: xr.Dataset) -> xr.Dataset:
    """Undo `storable`; `data` stays as it is."""
    data = data.copy()
    for name in data.variables:
        attrs = dict(data[name].attrs)
        aside = attrs.pop(ASIDE, None)
        if aside is not None:
            data[name].attrs = {**attrs, **json.loads(aside)}
    for name, coord in data.coords.items():
        if coord.attrs.get(AS_JSON):
            values = _objects(map(json.loads, coord.values.flat), coord.shape)
            attrs = {k: v for k, v in coord.attrs.items() if k != AS_JSON}
            data = data.assign_coords({name: xr.Variable(coord.dims, values, attrs)})
    return data
