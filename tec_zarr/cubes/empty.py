"""Cubes of nothing."""

from __future__ import annotations

import xarray as xr

from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError

NO_DATES = "Begin a store with the first date that there is, and append() the others"

NO_PIXELS = (
    "A selection may be of another place, or a slice run against the coordinates: "
    "y mostly falls, as in sel(y=slice(north, south))"
)


def check_not_empty(cube: xr.Dataset) -> None:
    """Raise InvalidInputError where a cube has no dates or no pixels."""
    empty = [str(dim) for dim, size in cube[NAME].sizes.items() if not size]
    if empty:
        advice = NO_DATES if empty == ["time"] else NO_PIXELS
        raise InvalidInputError(
            f"the cube is empty along {', '.join(empty)}: there is nothing to code. {advice}"
        )
