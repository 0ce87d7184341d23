"""Header and sections to one chunk of bytes, and back with every length and checksum verified."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Sequence

from tec_zarr.bitstream.header import MAX_TIME, Header
from tec_zarr.bitstream.wire import Reader, varint
from tec_zarr.errors import DamagedChunkError, UnsupportedVersionError

MAGIC = b"TECZ"
VERSION = 3

MAX_SECTIONS = 4 * MAX_TIME


@dataclasses.dataclass(frozen=True)
class Section:
    """The bytes of a date, and whether they were coded without a look at earlier sections."""

    time: int
    key: bool
    data: bytes


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the directory says of a section, and its first byte in the chunk."""

    time: int
    key: bool
    size: int
    crc: int
    start: int

    def section(self, data: bytes) -> Section:
        """The section of these bytes; raises DamagedChunkError where they are others."""
        if len(data) != self.size or zlib.crc32(data) != self.crc:
            raise DamagedChunkError(
                f"damaged payload: the checksum of date {self.time} does not match"
            )
        return Section(self.time, self.key, data)


@dataclasses.dataclass(frozen=True)
class Front:
    """What comes before the sections: header, the value (bytes) of dates without a section,
    directory, and how many bytes all of it has."""

    header: Header
    fill: bytes
    entries: tuple[Entry, ...]
    length: int

    @property
    def size(self) -> int:
        """Bytes of the whole chunk."""
        return self.length + sum(entry.size for entry in self.entries)


@dataclasses.dataclass(frozen=True)
class Contents:
    """A chunk: its header, its sections in the order that they were coded in, and the value
    (bytes) of dates without one; empty where every date has one.

    Of several sections of a date the last one counts; the others are there for those that were
    predicted from them.
    """

    header: Header
    sections: tuple[Section, ...]
    fill: bytes = b""


def pack(contents: Contents) -> bytes:
    """The bytes of a chunk: *stable*."""
    sections = contents.sections
    directory = [_pack_order(contents)]
    for section in sections:
        directory.append(varint(2 * len(section.data) + section.key))
        directory.append(struct.pack(">I", zlib.crc32(section.data)))
    body = contents.header.pack() + b"".join(directory)
    front = MAGIC + bytes([VERSION]) + varint(len(body)) + body
    crc = struct.pack(">I", zlib.crc32(front))
    return b"".join([front, crc, *(section.data for section in sections)])


def _is_plain(times: Sequence[int], dates: int) -> bool:
    return list(times) == list(range(dates))


def _pack_order(contents: Contents) -> bytes:
    """Which date each section is of, where it is not simply one a date."""
    times = [section.time for section in contents.sections]
    if _is_plain(times, contents.header.shape[0]):
        return varint(0)
    if len(contents.fill) != contents.header.itemsize:
        raise ValueError(f"a value for dates without a section is needed; got {contents.fill!r}")
    listed = b"".join(varint(time) for time in times)
    return varint(1 + len(times)) + contents.fill + listed


def front_bytes(data: bytes | memoryview) -> int:
    """How many bytes come before the sections, as the first ten of a chunk tell."""
    reader = Reader(data)
    reader.take(len(MAGIC) + 1)
    length = reader.varint()
    return reader.position + length + 4


def parse_front(data: bytes | memoryview) -> Front:
    """What comes before the sections, of at least these bytes of a chunk.

    Raises as `parse` does.
    """
    reader = Reader(data)
    if (magic := reader.take(4)) != MAGIC:
        raise DamagedChunkError(f"not a tec_zarr chunk: it begins with {magic!r}, not {MAGIC!r}")
    version = reader.unpack("B")
    length = reader.varint()
    reader.take(length)
    end = reader.position
    intact = reader.unpack("I") == zlib.crc32(memoryview(data)[:end])
    if version != VERSION:
        if intact:
            raise UnsupportedVersionError(
                f"format version {version} is not known, only {VERSION}: upgrade tec_zarr"
            )
        raise DamagedChunkError(
            f"damaged header (and format version {version}, where {VERSION} is known)"
        )
    if not intact:
        raise DamagedChunkError("damaged header: its checksum does not match")
    fields = Reader(memoryview(data)[end - length : end])
    header = Header.parse(fields)
    fill, times = _parse_order(fields, header)
    entries = _parse_entries(fields, times, reader.position)
    if fields.left:
        raise DamagedChunkError(f"{fields.left} bytes too many in the header")
    return Front(header, fill, entries, reader.position)


def _parse_order(fields: Reader, header: Header) -> tuple[bytes, list[int]]:
    dates = header.shape[0]
    code = fields.varint()
    if code == 0:
        return b"", list(range(dates))
    if code - 1 > MAX_SECTIONS:
        raise DamagedChunkError(f"a chunk has at most {MAX_SECTIONS} sections, got {code - 1}")
    fill = fields.take(header.itemsize)
    times = [fields.varint() for _ in range(code - 1)]
    if max(times, default=0) >= dates or _is_plain(times, dates):
        raise DamagedChunkError(f"impossible order of the dates of {dates}: {times}")
    return fill, times


def _parse_entries(fields: Reader, times: list[int], start: int) -> tuple[Entry, ...]:
    entries = []
    for time in times:
        code = fields.varint()
        crc = fields.unpack("I")
        entries.append(Entry(time, bool(code % 2), code // 2, crc, start))
        start += code // 2
    return tuple(entries)


def parse(data: bytes | memoryview) -> Contents:
    """All of a chunk.

    Raises DamagedChunkError where anything is missing, superfluous or altered,
    UnsupportedVersionError for a version that is not known here. Nothing is allocated before its
    size is checked.
    """
    front = parse_front(data)
    missing = front.size - len(data)
    if missing:
        raise DamagedChunkError(
            f"payload {'truncated by' if missing > 0 else 'too long by'} {abs(missing)} bytes"
        )
    sections = []
    for entry in front.entries:
        part = bytes(memoryview(data)[entry.start : entry.start + entry.size])
        sections.append(entry.section(part))
    return Contents(front.header, tuple(sections), front.fill)
