"""Header and sections to one chunk of bytes, and back with every length and checksum verified."""

from __future__ import annotations

import struct
import zlib

from tec_zarr.bitstream.header import Header
from tec_zarr.bitstream.wire import Reader, varint
from tec_zarr.errors import DamagedChunkError, UnsupportedVersionError

MAGIC = b"TECZ"
VERSION = 2


def pack(header: Header, sections: list[bytes]) -> bytes:
    """The bytes of a chunk: *stable*. One section a frame."""
    if len(sections) != header.shape[0]:
        raise ValueError(f"one section a frame: {header.shape[0]} frames, {len(sections)} sections")
    directory = b"".join(varint(len(s)) + struct.pack(">I", zlib.crc32(s)) for s in sections)
    body = header.pack() + directory
    front = MAGIC + bytes([VERSION]) + varint(len(body)) + body
    return b"".join([front, struct.pack(">I", zlib.crc32(front)), *sections])


def front_bytes(data: bytes | memoryview) -> int:
    """How many bytes come before the sections, as the first ten of a chunk tell."""
    reader = Reader(data)
    reader.take(len(MAGIC) + 1)
    length = reader.varint()
    return reader.position + length + 4


def parse_front(data: bytes | memoryview) -> tuple[Header, list[tuple[int, int]], int]:
    """Header, size and CRC of each section, and how many bytes come before the sections, of at
    least these of a chunk.

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
    directory = [(fields.varint(), fields.unpack("I")) for _ in range(header.shape[0])]
    if fields.left:
        raise DamagedChunkError(f"{fields.left} bytes too many in the header")
    return header, directory, reader.position


def parse(data: bytes | memoryview) -> tuple[Header, list[bytes]]:
    """Header and sections of a chunk.

    Raises DamagedChunkError where anything is missing, superfluous or altered,
    UnsupportedVersionError for a version that is not known here. Nothing is allocated before its
    size is checked.
    """
    header, directory, front = parse_front(data)
    reader = Reader(memoryview(data)[front:])
    if (missing := sum(n for n, _ in directory) - reader.left) != 0:
        raise DamagedChunkError(
            f"payload {'truncated by' if missing > 0 else 'too long by'} {abs(missing)} bytes"
        )
    sections = [reader.take(n) for n, _ in directory]
    for t, (section, (_, crc)) in enumerate(zip(sections, directory, strict=True)):
        if zlib.crc32(section) != crc:
            raise DamagedChunkError(f"damaged payload: the checksum of frame {t} does not match")
    return header, sections
