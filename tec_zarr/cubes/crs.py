"""The coordinate reference system of a cube, as its variables and attributes tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from tec_zarr.cubes.terms import NAME

AS_TEXT = ("crs_wkt", "spatial_ref", "crs")
"""Attributes that hold a system as WKT or as a code."""

AS_CODE = ("proj:epsg", "proj:code", "epsg")
"""Attributes and coordinates that hold a code."""


def told_crs(cube: xr.Dataset) -> str | None:
    """Such as "EPSG:32633", else the text that is there; None where nothing, or no one system, is
    told."""
    found = {_code(text) for text in _told(cube)}
    return found.pop() if len(found) == 1 else None


def _told(cube: xr.Dataset) -> Iterator[str]:
    mapping = cube[NAME].attrs.get("grid_mapping")
    variables = [mapping] if mapping in cube.variables else ["spatial_ref", "crs"]
    of_variables = [cube[name].attrs for name in variables if name in cube.variables]
    for attrs in of_variables:
        yield from _of_attributes(attrs, AS_TEXT)
    if any(AS_TEXT[0] in attrs or AS_TEXT[1] in attrs for attrs in of_variables):
        return
    for attrs in (cube.attrs, cube[NAME].attrs):
        yield from _of_attributes(attrs, (*AS_TEXT, *AS_CODE))
    for name in AS_CODE:
        if name in cube.coords and cube[name].size == 1:
            yield str(cube[name].values.item())


def _of_attributes(attrs: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if attrs.get(name) not in (None, ""):
            yield str(attrs[name])
            return


def _code(text: str) -> str:
    """A code of EPSG from WKT or from forms such as epsg:32633; else the text itself."""
    plain = text.strip()
    short = re.fullmatch(r"(?:\+init=)?(?:epsg:+)?(\d{4,6})", plain, re.IGNORECASE)
    # In WKT that of the whole system comes last.
    last = re.search(r'(?:AUTHORITY|ID)\["EPSG",\s*"?(\d+)"?\]\s*\]$', plain)
    code = short or last
    return f"EPSG:{code[1]}" if code else plain
