"""Names of bands, as people write them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
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

SHORTEST_WAVELENGTH = 300
"""In nanometres: whole numbers below it may count bands."""


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
    is_named = all(map(band_name, names)) and not are_numbers(names)
    told = _names_by_number(names, data.attrs.get("long_name"))
    if told is not None and (not is_named or all(map(band_name, told))):
        return told
    # Numbers in the form of names, too, say nothing.
    return list(range(1, count + 1)) if are_numbers(names) else names


def _names_by_number(names: Sequence[Any], long_names: Any) -> list[Any] | None:
    """What a file tells of its bands, by their numbers in it, whatever was selected of them; None
    where they have none, or it tells nothing of some."""
    if isinstance(long_names, str):
        long_names = [long_names]
    numbers = [_number(name) for name in names]
    if not isinstance(long_names, (tuple, list)) or not all(numbers):
        return None
    if max(numbers) > len(long_names):
        return None
    return [long_names[number - 1] for number in numbers]


def _number(name: Any) -> int:
    """Of a band that is counted from 1, as in band_3; else 0."""
    if isinstance(name, int):
        return max(name, 0)
    match = re.fullmatch(r"band[-_ ]?(\d+)", str(name).strip().lower())
    return int(match[1]) if match else 0


def are_numbers(names: Sequence[Any]) -> bool:
    """Whether names only count bands, from the first one on: 1, 2 … or band_1, band_2 … of GDAL
    and rioxarray."""
    return [_number(name) for name in names] == list(range(1, len(names) + 1))


def are_wavelengths(names: Sequence[Any]) -> bool:
    """Whether numbers are those of a spectrum, in nanometres or micrometres, and do not only count
    bands."""
    if not all(isinstance(name, (int, float)) and 0 < name < np.inf for name in names):
        return False
    is_fraction = any(name != int(name) for name in names)
    return is_fraction or min(names) >= SHORTEST_WAVELENGTH


def names_of_variables(data: xr.Dataset) -> dict[Hashable, str]:
    """The band of each variable that is called like one.

    Raises InvalidInputError where they are only numbered, and their `long_name` does not tell.
    """
    named = {}
    for name in data.data_vars:
        band = band_name(name)
        if band is not None:
            named[name] = band
    counted = [name for name in data.data_vars if re.match(r"band[-_ ]?\d", str(name).lower())]
    told = [data[name].attrs.get("long_name") for name in counted]
    if not counted or not (are_numbers(counted) or all(map(band_name, told))):
        return named
    if not all(isinstance(text, str) for text in told):
        raise InvalidInputError(
            f"{', '.join(map(str, counted))} only count bands, and no long_name tells which ones "
            f"they are. Call them {', '.join(L2A)} (or B2, b02, blue, nir08 …), such as "
            f'ds.rename({counted[0]}="B02")'
        )
    return named | dict(zip(counted, final_names(told), strict=True))


def final_names(names: Sequence[Any]) -> list[str]:
    """Distinct texts: those of L2A where all names stand for these, else the names, or wavelengths,
    as they are.

    Raises InvalidInputError where bands are only numbered, unnamed or named twice.
    """
    known = [band_name(name) for name in names]
    understood_all = [name for name in known if name is not None]
    is_numbered = are_numbers(names)
    final = [str(name).strip() for name in names]
    if len(understood_all) == len(names) and not is_numbered:
        final = understood_all
    is_named = all(isinstance(name, str) and name.strip() for name in names)
    if not (is_named or are_wavelengths(names)) or len(set(final)) != len(final):
        understood = ", ".join(
            f"{a!r} is {b or 'unknown'}" for a, b in zip(names, known, strict=True)
        )
        raise InvalidInputError(
            f"bands need distinct names, such as {', '.join(L2A)} (or B2, b02, blue, nir08 …) or "
            f"any others; understood was: {understood}. Name them in their order with bands=(...), "
            "or leave out what is no band with .sel(band=[...])"
        )
    return final
