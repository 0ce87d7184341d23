"""Arrays that belong together, brought into one order by their coordinates."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def aligned(other: Data, first: Data, dims: Iterable[Hashable], called: str) -> Data:
    """`other` in the order that the labels of `first` have along each of `dims`; `called` is what
    the two are.

    Raises InvalidInputError where it has other labels, or another size along a dim without any.
    """
    for dim in dims:
        if dim not in first.coords or dim not in other.coords:
            _check_size(other, first, dim, called)
            continue
        labels = np.atleast_1d(first[dim].values)
        found = np.atleast_1d(other[dim].values)
        if _are_same(labels, found):
            continue
        if len(labels) != len(found) or not np.array_equal(np.sort(labels), np.sort(found)):
            raise InvalidInputError(
                f"{called} have other coordinates along {dim}: {_ends(labels)} and "
                f"{_ends(found)}. Select the same part of both, as with xr.align"
            )
        if len(np.unique(labels)) < len(labels):
            raise InvalidInputError(
                f"{called} have the same coordinates along {dim} in another order, and some of "
                "them twice, so that nothing tells which belong together: bring both into one "
                "order first"
            )
        other = other.sel({dim: labels})
    return other


def _are_same(labels: np.ndarray, found: np.ndarray) -> bool:
    """Times and numbers that are missing in both are the same."""
    kinds = {labels.dtype.kind, found.dtype.kind}
    may_be_missing = kinds in ({"f"}, {"M"}, {"m"})
    return np.array_equal(labels, found, equal_nan=may_be_missing)


def _check_size(other: Data, first: Data, dim: Hashable, called: str) -> None:
    if first.sizes[dim] != other.sizes[dim]:
        raise InvalidInputError(
            f"{called} must have one shape; along {dim} they have {first.sizes[dim]} and "
            f"{other.sizes[dim]}"
        )


def _ends(labels: np.ndarray) -> str:
    if len(labels) <= 2:
        return ", ".join(map(str, labels))
    return f"{len(labels)} from {labels[0]} to {labels[-1]}"
