"""Which bytes of a stored chunk a selection needs: a first piece, and what that shows to be wanted
beside it."""

from __future__ import annotations

import dataclasses
from typing import Self

from tec_zarr.bitstream import container
from tec_zarr.bitstream.container import Contents, Front, Section
from tec_zarr.bitstream.runs import needed
from tec_zarr.errors import DamagedChunkError

FIRST_BYTES = 32 * 1024
"""That are read at first: all of a small chunk, or more than any directory of one has."""

Range = tuple[int, int]
"""The first byte, and the one after the last."""

WHOLE = None
"""In the place of a range: all there is."""


@dataclasses.dataclass(frozen=True)
class Fetch:
    """How dates of a chunk are read, in two steps at most.

    `is_whole`: whether all of the chunk is needed anyway, so that one step does.
    """

    times: list[int]
    is_whole: bool

    @property
    def first(self) -> Range | None:
        """What to read first."""
        return WHOLE if self.is_whole else (0, FIRST_BYTES)

    def in_one(self) -> Self:
        """The same dates, of a chunk that is read in one step."""
        return dataclasses.replace(self, is_whole=True)

    def missing(self, start: bytes) -> list[Range | None]:
        """What to read then, after the first piece; may be nothing."""
        if self._is_complete(start):
            return []
        if container.front_bytes(start) > len(start):
            # A directory of thousands of dates: rare enough to read all of the chunk.
            return [WHOLE]
        front = container.parse_front(start)
        ranges: list[Range | None] = []
        for run in needed(front.entries, self.times):
            last = front.entries[run.stop - 1]
            ranges.append((front.entries[run.start].start, last.start + last.size))
        return ranges

    def contents(self, start: bytes, parts: list[tuple[Range | None, bytes]]) -> Contents:
        """The chunk, with those sections alone that the dates need; `parts` are what was missing,
        each with its range.

        Raises DamagedChunkError where bytes are missing or altered, UnsupportedVersionError.
        """
        if self._is_complete(start):
            return container.parse(start)
        if parts and parts[0][0] is WHOLE:
            return container.parse(parts[0][1])
        front = container.parse_front(start)
        sections = []
        for wanted, data in parts:
            begin, end = wanted
            if len(data) != end - begin:
                raise DamagedChunkError(f"payload truncated by {end - begin - len(data)} bytes")
            sections += _sections(front, begin, end, data)
        return Contents(front.header, tuple(sections), front.fill)

    def _is_complete(self, start: bytes) -> bool:
        return self.is_whole or len(start) < FIRST_BYTES


def _sections(front: Front, begin: int, end: int, data: bytes) -> list[Section]:
    """Those that lie within a range, verified."""
    found = []
    for entry in front.entries:
        if begin <= entry.start and entry.start + entry.size <= end:
            part = data[entry.start - begin : entry.start - begin + entry.size]
            found.append(entry.section(part))
    return found
