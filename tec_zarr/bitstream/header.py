"""What a chunk says of itself before its sections."""

from __future__ import annotations

import dataclasses
import math
import struct

from tec_zarr.bitstream.wire import Reader, varint, zigzag
from tec_zarr.errors import DamagedChunkError

DTYPES = ("<u2", "<i2", "<f4", "<f8", ">u2", ">i2", ">f4", ">f8")
"""Accepted types, by code: numpy's names, with the byte order."""

MAX_TIME = 4096
MAX_BANDS = 64
MAX_SIDE = 16384
MAX_SAMPLES = 1 << 30
"""A chunk beyond these is refused before anything is allocated."""


@dataclasses.dataclass(frozen=True)
class Header:
    """The fields of the page in `tec_zarr.bitstream`.

    `nodata` holds the bytes of that value in the dtype's own byte order (empty: none); `bands` is None for the model's own.
    """

    model: str
    weights: bytes
    dtype: str
    quality: float
    scale: float
    offset_dn: int
    nodata: bytes
    shape: tuple[int, int, int, int]
    bands: tuple[int, ...] | None

    def check(self) -> None:
        """Raise DamagedChunkError unless every field is within its limits."""
        time, band, y, x = self.shape
        limits = {"time": (time, MAX_TIME), "band": (band, MAX_BANDS), "y": (y, MAX_SIDE), "x": (x, MAX_SIDE)}
        for name, (value, limit) in limits.items():
            if not 1 <= value <= limit:
                raise DamagedChunkError(f"{name} size must be 1 to {limit}, got {value}")
        if math.prod(self.shape) > MAX_SAMPLES:
            raise DamagedChunkError(f"a chunk has at most {MAX_SAMPLES} samples, got {math.prod(self.shape)}")
        if not 1 <= self.quality <= 100:
            raise DamagedChunkError(f"quality must be 1 to 100, got {self.quality}")
        if len(self.nodata) not in (0, self.itemsize):
            raise DamagedChunkError(f"nodata of {len(self.nodata)} bytes in a chunk of {self.dtype}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise DamagedChunkError(f"scale must be positive, got {self.scale}")

    @property
    def is_float(self) -> bool:
        return self.dtype[1] == "f"

    @property
    def itemsize(self) -> int:
        return int(self.dtype[2])

    def pack(self) -> bytes:
        model, nodata = self.model.encode("ascii"), self.nodata.rstrip(b"\0")
        return b"".join([
            self.weights,
            bytes([len(model)]), model,
            bytes([DTYPES.index(self.dtype)]),
            struct.pack(">f", self.quality),
            struct.pack(">d", self.scale) if self.is_float else b"",
            zigzag(self.offset_dn),
            bytes([1 + len(nodata), *nodata]) if self.nodata else bytes([0]),
            *(varint(n) for n in self.shape),
            bytes([0]) if self.bands is None else bytes([len(self.bands), *self.bands]),
        ])  # fmt: skip

    @classmethod
    def parse(cls, reader: Reader) -> Header:
        weights = reader.take(8)
        name = reader.take(reader.unpack("B"))
        code = reader.unpack("B")
        if not name.isascii() or code >= len(DTYPES):
            raise DamagedChunkError(f"impossible model name {name!r} or dtype code {code} in the header")
        dtype, quality = DTYPES[code], reader.unpack("f")
        scale = reader.unpack("d") if dtype[1] == "f" else 1.0
        offset_dn = reader.zigzag()
        nodata = reader.unpack("B")
        nodata = reader.take(nodata - 1).ljust(int(dtype[2]), b"\0") if nodata else b""
        shape = tuple(reader.varint() for _ in range(4))
        count = reader.unpack("B")
        bands = tuple(reader.take(count)) if count else None
        if bands is not None and (count != shape[1] or len(set(bands)) != count):
            raise DamagedChunkError(f"{shape[1]} bands in the shape, but band indices {bands}")
        header = cls(name.decode(), weights, dtype, quality, scale, offset_dn, nodata, shape, bands)
        header.check()
        return header
