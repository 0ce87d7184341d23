"""Cubes of nothing."""

from __future__ import annotations

import xarray as xr

from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError


def check_not_empty(cube: xr.Dataset) -> None:
    """Raise InvalidInputError where a cube has no dates or no pixels."""
    empty = [str(dim) for dim, size in cube[NAME].sizes.items() if not size]
    if empty:
        raise InvalidInputError(
            f"the cube is empty along {', '.join(empty)}: there is nothing to code. Begin a store "
            "with the first date that there is, and append() the others"
        )
