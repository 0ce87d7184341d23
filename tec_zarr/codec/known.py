"""Dates that were decoded a moment ago and are to be coded again, unchanged: they get their bytes
back.

Where a chunk is written in part, or copied from store to store, Zarr decodes it and hands all of
it to the codec. Coding it again would lose a little each time, whatever bound was promised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tec_zarr.bitstream.container import Contents
from tec_zarr.bitstream.runs import shown
from tec_zarr.codec.settings import Settings
from tec_zarr.runtime.cache import CACHE


def note(contents: Contents, times: Sequence[int], array: np.ndarray, settings: Settings) -> None:
    """Take note of what dates `times` of a chunk were decoded to; `settings` are those that it was
    coded with."""
    size = sum(len(section.data) for section in contents.sections)
    there = shown(contents.sections)
    for time, date in zip(times, array, strict=True):
        if time not in there:
            continue
        # The chunk is shared by its dates, and counts a little for each.
        CACHE.put(_key(time, date, settings), contents, size // len(times) + 1)


def recall(array: np.ndarray, settings: Settings) -> tuple[Contents | None, list[int]]:
    """The chunk that most dates of `array` were decoded from, and which dates these are."""
    chunks: dict[int, Contents] = {}
    found: dict[int, list[int]] = {}
    for time, date in enumerate(array):
        contents = CACHE.get(_key(time, date, settings))
        if contents is not None and contents.header.shape == array.shape:
            chunks[id(contents)] = contents
            found.setdefault(id(contents), []).append(time)
    if not found:
        return None, []
    best = max(found, key=lambda place: len(found[place]))
    return chunks[best], found[best]


def _key(time: int, date: np.ndarray, settings: Settings) -> bytes:
    digest = hashlib.blake2b(np.ascontiguousarray(date), digest_size=20)
    digest.update(f"{time} {date.dtype.str} {date.shape} {settings}".encode())
    return b"known" + digest.digest()
