"""Parts of chunks: dates written into a chunk without coding its others a second time, and parts
read without decoding the rest."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.container import Contents
from tec_zarr.bitstream.runs import keep, shown
from tec_zarr.codec.chunk import encode_parts
from tec_zarr.codec.known import note, recall
from tec_zarr.codec.reading import Date, assembled, decode_dates
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.task import Part
from tec_zarr.errors import DamagedChunkError, InvalidInputError

Selection = tuple[Any, ...]
"""What numpy takes between brackets, for (time, band, y, x)."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """What an array says of its chunks: shape (time, band, y, x), dtype, and the value of samples
    that nobody wrote."""

    shape: tuple[int, int, int, int]
    dtype: np.dtype
    fill_value: Any

    @property
    def fill(self) -> bytes:
        """That value's bytes."""
        return np.array(self.fill_value, self.dtype).tobytes()

    def is_fill(self, values: np.ndarray) -> bool:
        """Whether values are all that value."""
        if values.dtype.kind == "f" and math.isnan(self.fill_value):
            return bool(np.isnan(values).all())
        return bool((values == np.array(self.fill_value, self.dtype)).all())

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        """Raise DamagedChunkError where a chunk has another shape or dtype."""
        if tuple(shape) != self.shape:
            raise DamagedChunkError(
                f"a chunk of shape {tuple(shape)} in an array with chunks of {self.shape}"
            )
        if np.dtype(dtype) != self.dtype:
            raise DamagedChunkError(f"a chunk of {dtype} in an array of {self.dtype}")

    def times(self, selection: Selection) -> list[int]:
        """The dates that a selection touches."""
        dates = np.arange(self.shape[0])
        if not selection:
            return dates.tolist()
        return np.unique(dates[selection[0]]).tolist()

    def is_all(self, selection: Selection) -> bool:
        """Whether a selection is everything, as it stands."""
        for part, length in zip(selection, self.shape, strict=False):
            if not isinstance(part, slice) or part.indices(length) != (0, length, 1):
                return False
        return True

    def may_be_all(self, selection: Selection) -> bool:
        """Whether a selection may be all that there is of its dates: at the edge of an array a
        chunk has samples that nobody reads."""
        for part, length, is_cut in zip(selection[1:], self.shape[1:], (0, 1, 1), strict=False):
            if not isinstance(part, slice) or part.indices(length)[::2] != (0, 1):
                return False
            if not is_cut and part.indices(length)[1] != length:
                return False
        return True


def write_part(
    existing: bytes | None,
    values: np.ndarray,
    selection: Selection,
    layout: Layout,
    settings: Settings,
    device: str,
    store_empty: bool = False,
) -> bytes | None:
    """The bytes of a chunk (None: it has none so far) after `values` were written to `selection`;
    None where it holds nothing but the fill value, unless `store_empty`.

    Dates that are not touched keep their bytes.

    Raises
    ------
    InvalidInputError
        Where a part of a date would be written whose rest is coded with a loss already, or the
        values cannot be coded.
    TargetError
        Where no quality gives the target.
    """
    touched = np.zeros(layout.shape, bool)
    touched[selection] = True
    array = np.full(layout.shape, layout.fill_value, layout.dtype)
    array[selection] = _shaped(values, array[selection])
    before, stays = _before(existing, array, touched, layout, settings)
    old = _half_written(touched, before, device) if existing is not None else {}
    hidden = _hidden(before, stays)
    parts = {}
    for time, part in _parts(array, touched, stays, old).items():
        # A date without a section is the fill value, unless others need its old one.
        if time in hidden or store_empty or not layout.is_fill(part.values):
            parts[time] = part
    if not parts and not stays:
        return None
    return encode_parts(parts, before, stays, layout.shape, settings, device)


def _before(
    existing: bytes | None,
    array: np.ndarray,
    touched: np.ndarray,
    layout: Layout,
    settings: Settings,
) -> tuple[Contents, list[int]]:
    """What the chunk holds, and which of its dates stay as they are.

    A new chunk may hold dates that were decoded from another one a moment ago.
    """
    if existing is not None:
        contents = container.parse(existing)
        layout.check(contents.header.shape, contents.header.dtype)
        times = touched.any(axis=(1, 2, 3))
        stays = [time for time in shown(contents.sections) if not times[time]]
    else:
        contents, stays = recall(array, settings)
    if contents is None:
        return Contents(None, (), layout.fill), []
    return dataclasses.replace(contents, fill=layout.fill), stays


def _hidden(before: Contents, stays: list[int]) -> set[int]:
    """Dates that do not stay, though their sections have to."""
    return {section.time for section in keep(before.sections, stays)} - set(stays)


def _shaped(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values as their place wants them; dims of one that a selection dropped may be missing."""
    if values.ndim == 0 or values.shape == place.shape:
        return values
    return values.reshape(place.shape)


def _half_written(touched: np.ndarray, before: Contents, device: str) -> dict[int, Date]:
    """The dates that are there and that are written in part."""
    times = []
    for time in shown(before.sections):
        if touched[time].any() and not touched[time].all():
            times.append(time)
    return decode_dates(before, times, device, hold=False)


def _parts(
    array: np.ndarray, touched: np.ndarray, stays: list[int], old: dict[int, Date]
) -> dict[int, Part]:
    """The dates that are touched, with what they held beside that."""
    parts = {}
    for time, (values, is_new) in enumerate(zip(array, touched, strict=True)):
        if not is_new.any() or time in stays:
            continue
        absent = ~is_new
        if time in old:
            _check_exact(old[time], absent, time)
            values = np.where(absent, old[time].values, values)  # noqa: PLW2901
            absent &= old[time].kept
        parts[time] = Part(values, absent)
    return parts


def _check_exact(date: Date, rest: np.ndarray, time: int) -> None:
    if not (date.kept | date.exact)[rest].all():
        raise InvalidInputError(
            f"a part of date {time} of a chunk would be written, and the rest of it is coded "
            "already: coding that a second time would lose more of it, whatever was promised. "
            "Write all of a date's pixels and bands that are in a chunk at once: regions and Dask "
            "chunks that end where chunks of the store end (or max_error=0, which loses nothing)"
        )


def read_part(
    contents: Contents, selection: Selection, layout: Layout, settings: Settings, device: str
) -> np.ndarray:
    """What a selection of a chunk holds. Of `contents` only the sections are looked at that its
    dates need.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    layout.check(contents.header.shape, contents.header.dtype)
    times = layout.times(selection)
    is_all = layout.is_all(selection)
    dates = decode_dates(contents, times, device, hold=not is_all)
    array = assembled(contents, times, dates)
    if layout.may_be_all(selection):
        note(contents, times, array, settings)
    if is_all:
        return array
    # Of a single sample this is an array of no dims.
    return np.asarray(array[_among(times, selection, layout)], order="C")


def _among(times: list[int], selection: Selection, layout: Layout) -> Selection:
    """The same selection in an array of the dates `times` alone, which are all that it touches."""
    first, *others = selection or (slice(None),)
    if isinstance(first, slice):
        # All that is left of a slice is its direction.
        is_backwards = first.indices(layout.shape[0])[2] < 0
        return (slice(None, None, -1 if is_backwards else 1), *others)
    places = np.searchsorted(times, np.arange(layout.shape[0])[first])
    return (places if np.ndim(places) else int(places), *others)
