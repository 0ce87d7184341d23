"""Single settings, checked and brought to one form."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping

from tec_zarr.errors import InvalidInputError
from tec_zarr.models import registry

NOT_FINITE = ("nan", "inf", "-inf")


def is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def checked_max_error(
    value: object, bands: tuple[str, ...] | None
) -> float | tuple[tuple[str, float], ...] | None:
    if value is None:
        return None
    if not isinstance(value, (Mapping, tuple)):
        return _error_bound(value)
    named = dict(value)
    if bands is None:
        raise InvalidInputError(
            f"max_error names the bands {', '.join(map(repr, named))}: name all bands with bands="
        )
    unknown = [band for band in named if band not in bands]
    if unknown:
        raise InvalidInputError(
            f"max_error names {', '.join(map(repr, unknown))}, but the bands are {', '.join(bands)}"
        )
    found = []
    for band in bands:
        if band in named:
            found.append((band, _error_bound(named[band])))
    return tuple(found) or None


def _error_bound(value: object) -> float:
    if not is_number(value) or not math.isfinite(value) or value < 0:
        raise InvalidInputError(
            "max_error must be 0 (lossless) or a positive number in the array's own units, or a "
            f"mapping of bands to such numbers; got {value!r}"
        )
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def checked_nodata(value: object) -> float | str | None:
    if value is None or value in NOT_FINITE:
        return value
    if not is_number(value):
        raise InvalidInputError(f"nodata must be a number or None; got {value!r}")
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def checked_counts(value: object, name: str, most: int) -> int | tuple[int, ...]:
    """A number of tokens or groups, or one for each date, as given by a user or by JSON."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    each = tuple(value) if several else (value,)
    for n in each:
        if not isinstance(n, numbers.Integral) or not is_number(n) or not 1 <= n <= most:
            raise InvalidInputError(
                f"{name} must be 1 to {most}, or one such number for each date of a chunk; got "
                f"{value!r}"
            )
    if not each:
        raise InvalidInputError(
            f"{name} must be 1 to {most}, or one such number for each date of a chunk; got none"
        )
    return tuple(int(n) for n in each) if several else int(value)


def for_each_date(value: int | tuple[int, ...], name: str, times: int) -> list[int]:
    if isinstance(value, int):
        return [value] * times
    if len(value) != times:
        raise InvalidInputError(
            f"{name}={value} are for chunks of {len(value)} dates; got one of {times}"
        )
    return list(value)


def checked_bands(names: object, entry: registry.Entry) -> tuple[str, ...] | None:
    if names is None:
        return entry.bands
    if isinstance(names, str) or not isinstance(names, Iterable):
        names = (names,)
    names = tuple(names)
    if entry.published and sorted(names) != sorted(entry.bands):
        raise InvalidInputError(
            f"{entry.name} codes all of its {len(entry.bands)} bands: bands must name "
            f"{', '.join(entry.bands)} in the order that the cube has them in; got {names}"
        )
    texts = all(isinstance(name, str) for name in names)
    if not names or not texts or len(set(names)) != len(names):
        raise InvalidInputError(
            f"bands must name the band axis with distinct texts, one a band; got {names}"
        )
    return names
