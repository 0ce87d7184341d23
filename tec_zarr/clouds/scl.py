"""The scene classification of Sentinel-2, and what is called so without being it."""

from __future__ import annotations

import re

import dask
import numpy as np
import xarray as xr

from tec_zarr.cubes.samples import spread_chunks
from tec_zarr.errors import InvalidInputError

HIDING = (0, 3, 8, 9, 10)
"""Classes that hide: no data, cloud shadow, likely and very likely clouds, thin cirrus."""

LAST = 11

OTHERS = re.compile(r"fmask|qa|prob|cld|cloud|shadow|snow|snw|valid|clear|udm|ndvi")
"""Names of other masks: attributes stay where one is made of SCL."""


def is_named(mask: xr.DataArray) -> bool:
    """Whether a mask is called SCL, by its name or, where this is not that of another mask, by what
    it says of itself."""
    if OTHERS.search(str(mask.name or "").lower()):
        return False
    said = (mask.name, mask.attrs.get("long_name"), mask.attrs.get("description"))
    text = " ".join(str(part).lower() for part in said if part is not None)
    return re.search(r"(^|[^a-z])scl([^a-z]|$)|scene.classification", text) is not None


def hides(mask: xr.DataArray) -> xr.DataArray:
    """Where classes of SCL hide; where `mask` is NaN nothing is known, and nothing hides.

    Of a lazy mask some chunks are read, and the others are checked when they are computed.

    Raises InvalidInputError where the values are no classes.
    """

    def of_block(values: np.ndarray) -> np.ndarray:
        check_classes(values)
        return np.isin(values, HIDING)

    if dask.is_dask_collection(mask.data):
        some = [mask.isel(place).values.ravel() for place in spread_chunks(mask)]
        check_scl(np.concatenate(some))
        return mask.copy(data=mask.data.map_blocks(of_block, dtype=bool))
    check_scl(mask.values)
    return mask.copy(data=of_block(mask.values))


def check_scl(values: np.ndarray) -> None:
    """Raise InvalidInputError unless this is SCL.

    It is none with 0 and 1 alone: of classes 0 would be no data, and hide all that is clear.
    """
    check_classes(values)
    found = set(np.unique(values[np.isfinite(values)]).tolist())
    if 1 in found and found <= {0, 1}:
        raise InvalidInputError(
            "the mask is called SCL, but has 0 and 1 alone, as a mask has that was made of it: "
            "give it as bool (mask == 1), or classes=(1,) for the values that hide"
        )


def check_classes(values: np.ndarray) -> None:
    """Raise InvalidInputError unless all values are classes of SCL or NaN."""
    known = values[np.isfinite(values)]
    odd = known[(known < 0) | (known > LAST)]
    if odd.size:
        raise InvalidInputError(
            f"the mask is called SCL, whose classes are 0 to {LAST}, but it has {odd.max():g}: "
            "give classes= for the values that hide, or threshold="
        )
    if not np.array_equal(known, np.rint(known)):
        raise InvalidInputError(
            "the mask is called SCL, but has values that are no whole numbers, as where classes "
            'were interpolated: bring it to the grid with method="nearest"'
        )
