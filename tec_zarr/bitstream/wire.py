"""Primitive fields to bytes and back; every read checks that its bytes are there."""

from __future__ import annotations

import struct

from tec_zarr.errors import DamagedChunkError

VARINT_BYTES = 5


def varint(value: int) -> bytes:
    """LEB128 of 0 <= value < 2**35."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else -(value << 1) - 1)


class Reader:
    """Takes fields off the front of a buffer; raises DamagedChunkError where it ends too early."""

    def __init__(self, data: bytes | memoryview):
        self._data = memoryview(data)
        self.position = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.position

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise DamagedChunkError(
                f"truncated: {count} bytes wanted at byte {self.position}, {self.left} are left"
            )
        self.position += count
        return bytes(self._data[self.position - count : self.position])

    def unpack(self, fmt: str):
        """One big-endian `struct` value."""
        return struct.unpack(">" + fmt, self.take(struct.calcsize(">" + fmt)))[0]

    def varint(self) -> int:
        value = 0
        for i in range(VARINT_BYTES):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                return value
        raise DamagedChunkError(
            f"a varint of more than {VARINT_BYTES} bytes at byte {self.position}"
        )

    def zigzag(self) -> int:
        value = self.varint()
        return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)
