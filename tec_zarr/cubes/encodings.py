"""What the encodings of variables tell of the file that they come from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import xarray as xr

from tec_zarr.cubes.terms import NAME


def of_encodings(data: xr.Dataset | xr.DataArray, key: str) -> dict[Hashable, Any]:
    """What encodings tell, by variable: the name of the CRS variable, which a store keeps as an
    attribute, as CF has it; or the value of no data, which xarray would put there."""
    variables = {NAME: data} if isinstance(data, xr.DataArray) else data.data_vars
    return {str(n): v.encoding[key] for n, v in variables.items() if key in v.encoding}


def filled_of(data: xr.Dataset | xr.DataArray) -> dict[Hashable, Any]:
    """Values of no data that encodings tell of the values that are here. Where those were unpacked
    to floats, it is one of the packed numbers, and may be a measurement here: 0 of DN with an
    offset, say, is no reflectance of 0."""
    filled = of_encodings(data, "_FillValue")
    packed: set[str] = set()
    for key in ("scale_factor", "add_offset"):
        packed |= set(map(str, of_encodings(data, key)))
    kinds = {NAME: data.dtype.kind} if isinstance(data, xr.DataArray) else _kinds(data)
    unpacked = {name for name in packed if kinds[name] == "f"}
    return {name: value for name, value in filled.items() if name not in unpacked}


def _kinds(data: xr.Dataset) -> dict[str, str]:
    return {str(name): variable.dtype.kind for name, variable in data.data_vars.items()}
