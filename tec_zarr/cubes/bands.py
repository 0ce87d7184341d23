"""Names of bands, as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A

_COMMON = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "rededge1": "B05",
    "rededge071": "B05",
    "rededge2": "B06",
    "rededge075": "B06",
    "rededge3": "B07",
    "rededge078": "B07",
    "nir": "B08",
    "nir08": "B8A",
    "nir09": "B09",
    "swir16": "B11",
    "swir22": "B12",
    "aerosol": "B01",
    "watervapor": "B09",
    "nirnarrow": "B8A",
}
"""Common names of STAC's electro-optical extension, and keys of Earth Search's assets."""


def band_name(alias: object) -> str | None:
    """The L2A band that an alias like B2, b02, B02_10m, blue or nir08 stands for; None where it
    is none."""
    text = str(alias).strip()
    plain = re.sub(r"[-_ ]", "", re.sub(r"[_-]?(10|20|60)m$", "", text.lower()))
    if plain in _COMMON:
        return _COMMON[plain]
    match = re.fullmatch(r"b(?:and)?0*(8a|\d{1,2})", plain)
    name = match and f"B{match[1].upper().zfill(2)}"
    return name if name in L2A else None


def given_names(data: xr.DataArray, bands: Iterable[str] | None) -> list[Any]:
    """What the bands of an array are called, None where nothing says.

    Raises InvalidInputError where `bands` names another number of them.
    """
    count = data.sizes.get("band", 1)
    names = _own_names(data, count)
    if bands is None:
        return names
    asked = list(bands)
    if len(asked) != count:
        raise InvalidInputError(
            f"bands={tuple(asked)} names {len(asked)} bands, but there are {count}: {names}"
        )
    return asked


def _own_names(data: xr.DataArray, count: int) -> list[Any]:
    if "band" not in data.coords:
        is_named = count == 1 and band_name(data.name) is not None
        return [str(data.name)] if is_named else [None] * count
    names = np.atleast_1d(data["band"].values).tolist()
    long_names = data.attrs.get("long_name")
    if isinstance(long_names, (tuple, list)) and len(long_names) == count:
        return names if all(map(band_name, names)) else list(long_names)
    return names


def final_names(names: Sequence[Any]) -> list[str]:
    """Distinct texts: those of L2A where all names stand for these, else the names as they are.

    Raises InvalidInputError where bands are only numbered, unnamed or named twice.
    """
    known = [band_name(name) for name in names]
    understood_all = [name for name in known if name is not None]
    is_numbered = list(names) == list(range(1, len(names) + 1))
    final = [str(name).strip() for name in names]
    if len(understood_all) == len(names) and not is_numbered:
        final = understood_all
    is_named = all(isinstance(name, str) and name.strip() for name in names)
    if not is_named or len(set(final)) != len(final):
        understood = ", ".join(
            f"{a!r} is {b or 'unknown'}" for a, b in zip(names, known, strict=True)
        )
        raise InvalidInputError(
            f"bands need distinct names, such as {', '.join(L2A)} (or B2, b02, blue, nir08 …) or "
            f"any others; understood was: {understood}. Name them in their order with bands=(...), "
            "or leave out what is no band with .sel(band=[...])"
        )
    return final
