"""Which bytes of a stored chunk a selection needs: a first piece, and what that shows to be wanted
beside it."""

from __future__ import annotations

import dataclasses

from tec_zarr.bitstream import container
from tec_zarr.bitstream.container import Contents, Front, Section
from tec_zarr.bitstream.runs import needed
from tec_zarr.errors import DamagedChunkError

FIRST_BYTES = 32 * 1024
"""That are read at first: all of a small chunk, or more than any directory of one has."""

Range = tuple[int, int]
"""The first byte, and the one after the last."""


@dataclasses.dataclass(frozen=True)
class Fetch:
    """How dates of a chunk are read, in two steps at most.

    `is_whole`: whether all of the chunk is needed anyway, so that one step does.
    """

    times: list[int]
    is_whole: bool

    @property
    def first(self) -> Range | None:
        """What to read first; None for all there is."""
        return None if self.is_whole else (0, FIRST_BYTES)

    def missing(self, start: bytes) -> list[Range]:
        """What to read then, after the first piece; may be nothing."""
        if self._is_complete(start):
            return []
        length = container.front_bytes(start)
        if length > len(start):
            # A directory of thousands of dates: rare enough to read all of the chunk.
            return [(0, 2**62)]
        front = container.parse_front(start)
        ranges = []
        for run in needed(front.entries, self.times):
            last = front.entries[run.stop - 1]
            ranges.append((front.entries[run.start].start, last.start + last.size))
        return ranges

    def contents(self, start: bytes, parts: list[tuple[Range, bytes]]) -> Contents:
        """The chunk, with those sections alone that the dates need.

        Raises DamagedChunkError where bytes are missing or altered, UnsupportedVersionError.
        """
        if self._is_complete(start):
            return container.parse(start)
        if len(parts) == 1 and parts[0][0][0] == 0:
            return container.parse(parts[0][1])
        front = container.parse_front(start)
        sections = []
        for (begin, end), data in parts:
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
