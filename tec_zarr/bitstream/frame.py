"""The section of one frame: which samples are not valid, the residual, and what the model coded.

kind       u8            bit 0: some samples are not valid; bit 1: a stream follows; bit 2: not all
                         is kept; bit 3: a residual follows; bit 4: side information follows
validity   varint + n    only with bit 0: length and bytes (see `tec_zarr.codec.validity`)
residual   varint + n    only with bit 3: length and bytes (see `tec_zarr.codec.residual`)
side       varint + n    only with bit 4: length and bytes (see `tec_zarr.transform.side`)
kept       u8            only with bit 2: groups that are sent, or tokens of a block
grid       u8            only with bit 1: the grid offset of this frame's table rows
rows       u16           only with bit 1: low half of the CRC-32 of the table rows (see
                         `tec_zarr.entropy.symbols`)
stream     the rest      only with bit 1

Bit 2 needs bit 1 or bit 4.
"""

from __future__ import annotations

import dataclasses
import struct

from tec_zarr.bitstream.wire import Reader, varint
from tec_zarr.errors import DamagedChunkError

_INVALID = 1
_STREAM = 2
_KEPT = 4
_RESIDUAL = 8
_SIDE = 16


@dataclasses.dataclass(frozen=True)
class Coded:
    """What a model coded of a frame.

    grid_offset, rows_crc, stream
        The rANS stream and what its table rows follow from; an empty stream where nothing had to be
        coded.
    side
        Side information; empty where the model has none.
    kept
        How many groups are sent, or tokens of each block; None for all.
    """

    grid_offset: int = 0
    rows_crc: int = 0
    stream: bytes = b""
    side: bytes = b""
    kept: int | None = None


@dataclasses.dataclass(frozen=True)
class Frame:
    """`validity` is empty where every sample is valid, `coded` None where none is or nothing was
    learned, `residual` empty where there is none."""

    validity: bytes
    coded: Coded | None
    residual: bytes = b""

    @property
    def has_values(self) -> bool:
        """Whether anything but samples that are not valid is coded."""
        return self.coded is not None or bool(self.residual)

    def pack(self) -> bytes:
        kind = _INVALID * bool(self.validity) | _RESIDUAL * bool(self.residual)
        parts = []
        for part in (self.validity, self.residual):
            if part:
                parts += [varint(len(part)), part]
        coded = self.coded
        if coded is not None:
            kind |= _STREAM * bool(coded.stream) | _SIDE * bool(coded.side)
            kind |= _KEPT * (coded.kept is not None)
            if coded.side:
                parts += [varint(len(coded.side)), coded.side]
            if coded.kept is not None:
                parts.append(bytes([coded.kept]))
            if coded.stream:
                parts += [struct.pack(">BH", coded.grid_offset, coded.rows_crc), coded.stream]
        return b"".join([bytes([kind]), *parts])

    @classmethod
    def parse(cls, section: bytes) -> Frame:
        """The frame of a section; raises DamagedChunkError where its parts do not add up."""
        reader = Reader(section)
        kind = reader.unpack("B")
        is_coded = bool(kind & (_STREAM | _SIDE))
        if not 0 < kind < 2 * _SIDE or (kind & _KEPT and not is_coded):
            raise DamagedChunkError(f"unknown kind of frame {kind}")
        validity = _part(reader, "validity section") if kind & _INVALID else b""
        residual = _part(reader, "residual") if kind & _RESIDUAL else b""
        coded = _parse_coded(reader, kind) if is_coded else None
        if reader.left:
            raise DamagedChunkError(f"{reader.left} bytes too many in a frame")
        return cls(validity, coded, residual)


def _part(reader: Reader, name: str) -> bytes:
    part = reader.take(reader.varint())
    if not part:
        raise DamagedChunkError(f"a frame that says that a {name} follows, but it is empty")
    return part


def _parse_coded(reader: Reader, kind: int) -> Coded:
    side = _part(reader, "side information") if kind & _SIDE else b""
    kept = reader.unpack("B") if kind & _KEPT else None
    offset = 0
    crc = 0
    stream = b""
    if kind & _STREAM:
        offset = reader.unpack("B")
        crc = reader.unpack("H")
        stream = reader.take(reader.left)
        if not stream:
            raise DamagedChunkError("a frame that says that a stream follows, but it is empty")
    return Coded(offset, crc, stream, side, kept)
