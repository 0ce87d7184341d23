"""The section of one frame: which samples are not valid, the residual, and the coded latents.

kind       u8       bit 0: some samples are not valid; bit 1: latents follow; bit 2: not all tokens are kept;
                    bit 3: a residual follows
validity   varint + n    only with bit 0: length and bytes (see `tec_zarr.codec.validity`)
residual   varint + n    only with bit 3: length and bytes (see `tec_zarr.codec.residual`)
grid       u8       only with bit 1: the grid offset of this frame's table rows
rows       u16      only with bit 1: low half of the CRC-32 of the table rows (see `tec_zarr.models.coding`)
tokens     u8       only with bit 2: how many of the 16 tokens of a block are kept, 1 to 15
stream     the rest, only with bit 1
"""

from __future__ import annotations

import dataclasses
import struct

from tec_zarr.bitstream.wire import Reader, varint
from tec_zarr.errors import DamagedChunkError

KINDS = (1, 2, 3, 6, 7, 8, 9, 10, 11, 14, 15)
ALL_TOKENS = 16


@dataclasses.dataclass(frozen=True)
class Latents:
    """Coded latents: the grid offset and CRC of their rows, the rANS stream, how many tokens of each block it holds."""

    grid_offset: int
    rows_crc: int
    stream: bytes
    tokens: int = ALL_TOKENS


@dataclasses.dataclass(frozen=True)
class Frame:
    """`validity` is empty where every sample is valid, `latents` None where none is or nothing was learned, `residual` empty
    where there is none."""

    validity: bytes
    latents: Latents | None
    residual: bytes = b""

    def pack(self) -> bytes:
        dropped = self.latents is not None and self.latents.tokens != ALL_TOKENS
        kind = bool(self.validity) | (self.latents is not None) << 1 | dropped << 2 | bool(self.residual) << 3
        out = bytes([kind])
        if self.validity:
            out += varint(len(self.validity)) + self.validity
        if self.residual:
            out += varint(len(self.residual)) + self.residual
        if self.latents is not None:
            out += struct.pack(">BH", self.latents.grid_offset, self.latents.rows_crc)
            out += bytes([self.latents.tokens]) * dropped + self.latents.stream
        return out

    @classmethod
    def parse(cls, section: bytes) -> Frame:
        reader = Reader(section)
        kind = reader.unpack("B")
        if kind not in KINDS:
            raise DamagedChunkError(f"unknown kind of frame {kind}")
        validity = reader.take(reader.varint()) if kind & 1 else b""
        if kind & 1 and not validity:
            raise DamagedChunkError("a frame that says some samples are not valid, but not which")
        residual = reader.take(reader.varint()) if kind & 8 else b""
        if kind & 8 and not residual:
            raise DamagedChunkError("a frame that says that a residual follows, but it is empty")
        latents = None
        if kind & 2:
            offset, crc = reader.unpack("B"), reader.unpack("H")
            tokens = reader.unpack("B") if kind & 4 else ALL_TOKENS
            if kind & 4 and not 1 <= tokens < ALL_TOKENS:
                raise DamagedChunkError(f"tokens kept must be 1 to {ALL_TOKENS - 1}, got {tokens}")
            latents = Latents(offset, crc, reader.take(reader.left), tokens)
        elif reader.left:
            raise DamagedChunkError(f"{reader.left} bytes too many in a frame without latents")
        return cls(validity, latents, residual)
