"""Attributes and coordinates as a store can hold them, and back."""

from __future__ import annotations

import json
import numbers
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.terms import NAME, PACKING

AS_JSON = "tec_json"
"""Attribute of coordinates whose objects were written as JSON."""

ASIDE = "tec_packing"
"""Attribute that holds, as JSON, those by which xarray would scale or mask a variable."""


def plain_attributes(attrs: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(k): _plain(v) for k, v in attrs.items()}


def _plain(value: Any) -> Any:
    """As JSON has it: numbers of numpy become numbers, tuples lists; what has no such form its
    text."""
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [
            _plain(v)
            for v in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)
        ]
    return float(value) if isinstance(value, numbers.Real) else str(value)


def storable(data: xr.Dataset) -> xr.Dataset:
    """Without stale encodings, and objects in coordinates as JSON."""
    data = data.drop_encoding()
    for name, coord in data.coords.items():
        variable = coord.variable.to_base_variable()
        if coord.dtype.kind == "O" and not all(isinstance(v, str) for v in coord.values.flat):
            text = [json.dumps(_plain(v)) for v in coord.values.flat]
            values = np.array([*text, None], object)[:-1].reshape(coord.shape)
            variable = xr.Variable(
                coord.dims, values, {**plain_attributes(coord.attrs), AS_JSON: 1}
            )
        elif coord.dtype.kind == "U":
            variable = xr.Variable(
                coord.dims, coord.values.astype(object), plain_attributes(coord.attrs)
            )
        else:
            variable.attrs = plain_attributes(coord.attrs)
        data = data.assign_coords({name: variable})
    for name, variable in data.data_vars.items():
        attrs = plain_attributes(variable.attrs)
        variable.attrs = attrs if name == NAME else _without_packing(attrs)
    return data


def _without_packing(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes by which xarray would change values when it opens the store, put aside."""
    packing = {name: attrs[name] for name in PACKING if name in attrs}
    if not packing:
        return attrs
    others = {name: value for name, value in attrs.items() if name not in PACKING}
    return {**others, ASIDE: json.dumps(packing)}


def unstorable(data: xr.Dataset) -> xr.Dataset:
    """Undo `storable`; `data` stays as it is."""
    data = data.copy()
    for variable in data.data_vars.values():
        attrs = dict(variable.attrs)
        packing = attrs.pop(ASIDE, None)
        if packing is not None:
            variable.attrs = {**attrs, **json.loads(packing)}
    for name, coord in data.coords.items():
        if coord.attrs.get(AS_JSON):
            values = np.empty(coord.size, object)
            values[:] = [json.loads(v) for v in coord.values.flat]
            attrs = {k: v for k, v in coord.attrs.items() if k != AS_JSON}
            data = data.assign_coords(
                {name: xr.Variable(coord.dims, values.reshape(coord.shape), attrs)}
            )
    return data
