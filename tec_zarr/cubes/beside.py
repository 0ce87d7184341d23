"""What stays beside the bands of a cube, and is not coded: said, so that nobody thinks it is, and
refused where no store keeps it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Hashable

import dask
import xarray as xr

from tec_zarr.cubes.bands import band_name
from tec_zarr.cubes.terms import DIMS, NAME
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A

LOG = logging.getLogger("tec_zarr")

LIKE_A_BAND = re.compile(
    r"(^|[^a-z])(b|band)[-_ ]?\d{1,2}([^\d]|$)|coastal|blue|green|(^|[^a-z])red|edge|nir|swir"
    r"|cirrus|pan(chro|$)|thermal|reflectance|(^|[^a-z])(vv|vh|hh|hv)([^a-z]|$)"
)
LIKE_A_MASK = re.compile(
    r"scl|qa|mask|cloud|cld|snow|snw|prob|class|valid|shadow|flag|quality|fmask|count|angle|date"
)

OTHER_BAND = re.compile(
    r"(b|band)_?\d{1,2}[a-z]?|(broad)?(nir|swir|lwir|tir|red_?edge)_?\d{0,2}|coastal_(aerosol|blue)"
    r"|cirrus|pan"
)
"""Names of bands of other sensors and products; without radar, whose floats are no reflectance."""


SENTINEL_2 = re.compile(r"((s2|sentinel_?2)[abc]?|msi|l2a|l1c|boa|toa|_)*")
"""What may stand before the name of a band that is one of Sentinel-2."""


def bands_of_others(data: xr.Dataset) -> dict[Hashable, str]:
    """Variables whose names end in that of a band, as in nbart_red_edge_1, s2_B02, sur_refl_b01 or
    FRE_B8, with these names as they are: what a band is elsewhere need not be one of Sentinel-2.
    Those that are said to be of Sentinel-2, all of them, get its names."""
    ends = {}
    for name, variable in data.data_vars.items():
        end = _band_at_the_end(str(name).lower())
        if end is not None and {"y", "x"} <= set(variable.dims):
            ends[name] = end
    ours = {}
    for name, end in ends.items():
        before = str(name).lower().removesuffix(end)
        known = band_name(end)
        if known is not None and "2" in before and SENTINEL_2.fullmatch(before):
            ours[name] = known
    if len(set(ours.values())) == len(ends):
        return ours
    return {name: str(name) for name in ends}


def _band_at_the_end(text: str) -> str | None:
    if LIKE_A_MASK.search(text):
        return None
    starts = [0, *(mark.end() for mark in re.finditer(r"[-_ .]", text))]
    ends = [text[start:] for start in starts]
    found = (end for end in ends if band_name(end) or OTHER_BAND.fullmatch(end))
    return next(found, None)


def check_names(rest: xr.Dataset, cube: xr.DataArray) -> None:
    """Raise InvalidInputError where what stays beside the bands has a name of the cube's own, or no
    store could hold it."""
    taken = [str(name) for name in rest.data_vars if name in (NAME, *DIMS)]
    if taken:
        raise InvalidInputError(
            f"the variables {', '.join(taken)} are called like parts of a cube, whose variable is "
            f"{NAME} with the dims {', '.join(DIMS)}: rename or drop them first, such as with "
            f'.rename({taken[0]}="{taken[0]}_")'
        )
    odd = [name for name in (*rest.variables, *cube.coords) if not _is_name(name)]
    if odd:
        listed = ", ".join(map(repr, odd))
        plain = str(odd[0]).strip("/._").replace("/", "_") or "variable"
        raise InvalidInputError(
            f"the names {listed} cannot be those of variables in a store, which are texts without "
            "a slash that begin with no dot and no __: rename them first, such as with "
            f'.rename({{{odd[0]!r}: "{plain}"}})'
        )
    for name, variable in rest.data_vars.items():
        is_objects = variable.dtype.kind == "O" and not dask.is_dask_collection(variable.data)
        if is_objects and not all(isinstance(value, str) for value in variable.values.flat):
            raise InvalidInputError(
                f"the variable {name} holds objects of Python, which no store can hold: drop it, "
                "or make texts or numbers of them first"
            )


def _is_name(name: Hashable) -> bool:
    """Whether a store keeps a variable of this name: with a slash it would lie in a group of its
    own, where nobody looks, and some names are those of metadata."""
    if not isinstance(name, str) or name in ("", "zarr.json"):
        return False
    return "/" not in name and not name.startswith((".", "__"))


def tell_of_the_rest(cube: xr.Dataset, is_chosen: bool) -> None:
    """Log what a cube has beside its bands, and warn of what may be meant to be one of them.

    Nobody is warned of variables where a caller chose the bands (`is_chosen`).
    """
    rest = [str(name) for name in cube.data_vars if name != NAME]
    if rest:
        listed = ", ".join(f"{name} ({cube[name].dtype}, {_size(cube[name])})" for name in rest)
        LOG.info("kept losslessly beside the bands, and not coded by tec_zarr: %s", listed)
    if not is_chosen:
        _warn_of_variables(cube, rest)
    _warn_of_names(cube)


def _warn_of_variables(cube: xr.Dataset, rest: list[str]) -> None:
    missed = [name for name in rest if _is_like_a_band(name, cube[name], cube[NAME])]
    if missed:
        warnings.warn(
            f"{', '.join(missed)} may be bands, but are not called like any, and stay beside them "
            f"without being coded. Understood are {', '.join(L2A)} (or B2, b02, blue, nir08 …): "
            "rename them, or name all variables that are bands with bands=[...]",
            stacklevel=5,
        )


def _is_like_a_band(name: str, variable: xr.DataArray, bands: xr.DataArray) -> bool:
    text = name.lower()
    if LIKE_A_MASK.search(text) or not {"y", "x"} <= set(variable.dims):
        return False
    if LIKE_A_BAND.search(text):
        return True
    # Digital numbers of the same kind and shape.
    others = set(bands.dims) - {"band"}
    is_same = variable.dtype == bands.dtype and set(variable.dims) == others
    return is_same and variable.dtype.kind in "iu"


def _warn_of_names(cube: xr.Dataset) -> None:
    """One name that is not understood leaves all others as they are."""
    names = [str(name) for name in cube["band"].values]
    known = {name: band_name(name) for name in names}
    unknown = [name for name, band in known.items() if band is None]
    aliases = [f"{name} ({band})" for name, band in known.items() if band not in (None, name)]
    if unknown and aliases:
        warnings.warn(
            f"the bands {', '.join(unknown)} are not known, so that all names stay as they are, "
            f"{', '.join(aliases)} too. Understood are {', '.join(L2A)} (or B2, b02, blue, nir08 "
            "…): name them with bands=[...]",
            stacklevel=5,
        )


def _size(variable: xr.DataArray) -> str:
    return f"{variable.nbytes:,} bytes"
