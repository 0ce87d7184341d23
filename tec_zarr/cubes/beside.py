"""What stays beside the bands of a cube, and is not coded: said, so that nobody thinks it is."""

from __future__ import annotations

import logging
import re
import warnings

import xarray as xr

from tec_zarr.cubes.bands import band_name
from tec_zarr.cubes.terms import NAME
from tec_zarr.models.bands import L2A

LOG = logging.getLogger("tec_zarr")

LIKE_A_BAND = re.compile(
    r"(^|[^a-z])(b|band)[-_ ]?\d{1,2}([^\d]|$)|coastal|blue|green|(^|[^a-z])red|edge|nir|swir"
    r"|cirrus|pan(chro|$)|thermal|reflectance|(^|[^a-z])(vv|vh|hh|hv)([^a-z]|$)"
)
LIKE_A_MASK = re.compile(
    r"scl|qa|mask|cloud|cld|snow|snw|prob|class|valid|shadow|flag|quality|fmask|count|angle|date"
)


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
