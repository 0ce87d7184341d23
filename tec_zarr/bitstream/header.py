"""What a chunk says of itself before its sections."""

from __future__ import annotations

import dataclasses
import enum
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

MAX_STEP = 2.0**20

_ONE_BOUND = 2
_BOUNDS = 4
_TARGET = 8


TARGETS = ("psnr", "rmse", "bppb", "ratio")
"""What quality may have been searched for, by code."""

MISSED = 0x80
"""Added to the code of a target that could not be met."""


class Base(enum.IntEnum):
    """What the residual of a band is added to."""

    NONE = 0
    """There is no residual, and no bound."""
    LEARNED = 1
    """The reconstruction from the latents."""
    ZERO = 2
    """Nothing: steps of the residual are all there is."""
    EXACT = 3
    """The same in steps of 1 DN, and corrections to the last bit follow; only where the dtype is
    a float."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """The residual of a band: `step` in the array's own units for integers, in DN for floats; 0
    where there is none."""

    base: Base
    step: float


@dataclasses.dataclass(frozen=True)
class Target:
    """What quality was searched for: a name out of `TARGETS`, the value asked for, whether it
    was met."""

    name: str
    value: float
    met: bool = True


@dataclasses.dataclass(frozen=True)
class Header:
    """The fields of the page in `tec_zarr.bitstream`.

    `nodata` holds the bytes of that value in the dtype's own byte order (empty: none); `bands`
    is None for the model's own; `bounds` is None where no frame has a residual, else one a band;
    `target` is None where quality itself was asked for.
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
    bounds: tuple[Bound, ...] | None = None
    target: Target | None = None

    def check(self) -> None:
        """Raise DamagedChunkError unless every field is within its limits."""
        time, band, y, x = self.shape
        limits = {
            "time": (time, MAX_TIME),
            "band": (band, MAX_BANDS),
            "y": (y, MAX_SIDE),
            "x": (x, MAX_SIDE),
        }
        for name, (value, limit) in limits.items():
            if not 1 <= value <= limit:
                raise DamagedChunkError(f"{name} size must be 1 to {limit}, got {value}")
        if math.prod(self.shape) > MAX_SAMPLES:
            raise DamagedChunkError(
                f"a chunk has at most {MAX_SAMPLES} samples, got {math.prod(self.shape)}"
            )
        if not 1 <= self.quality <= 100:
            raise DamagedChunkError(f"quality must be 1 to 100, got {self.quality}")
        if len(self.nodata) not in (0, self.itemsize):
            raise DamagedChunkError(
                f"nodata of {len(self.nodata)} bytes in a chunk of {self.dtype}"
            )
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise DamagedChunkError(f"scale must be positive, got {self.scale}")

    @property
    def is_float(self) -> bool:
        return self.dtype[1] == "f"

    @property
    def itemsize(self) -> int:
        return int(self.dtype[2])

    def pack(self) -> bytes:
        model = self.model.encode("ascii")
        nodata = self.nodata.rstrip(b"\0")
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
            bytes([self._parts()]),
            b"".join(struct.pack(">Bd", b.base, b.step) for b in self._distinct_bounds()),
            _pack_target(self.target),
        ])  # fmt: skip

    def _parts(self) -> int:
        alike = self.bounds is not None and len(set(self.bounds)) == 1
        bounds = 0 if self.bounds is None else _ONE_BOUND if alike else _BOUNDS
        return bounds | _TARGET * (self.target is not None)

    def _distinct_bounds(self) -> tuple[Bound, ...]:
        return self.bounds[:1] if self._parts() & _ONE_BOUND else self.bounds or ()

    @classmethod
    def parse(cls, reader: Reader) -> Header:
        weights = reader.take(8)
        name = reader.take(reader.unpack("B"))
        code = reader.unpack("B")
        if not name.isascii() or code >= len(DTYPES):
            raise DamagedChunkError(
                f"impossible model name {name!r} or dtype code {code} in the header"
            )
        dtype = DTYPES[code]
        quality = reader.unpack("f")
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
        parts = reader.unpack("B")
        if (
            parts & ~(_ONE_BOUND | _BOUNDS | _TARGET)
            or parts & (_ONE_BOUND | _BOUNDS) == _ONE_BOUND | _BOUNDS
        ):
            raise DamagedChunkError(f"unknown parts of a header: {parts:#x}")
        bounds = None
        if parts & _ONE_BOUND:
            bounds = (_parse_bound(reader, header.is_float),) * shape[1]
        elif parts & _BOUNDS:
            bounds = tuple(_parse_bound(reader, header.is_float) for _ in range(shape[1]))
        target = _parse_target(reader) if parts & _TARGET else None
        return dataclasses.replace(header, bounds=bounds, target=target)


def _parse_bound(reader: Reader, is_float: bool) -> Bound:
    base = reader.unpack("B")
    step = reader.unpack("d")
    whole = is_float or (base != Base.EXACT and step % 2 == 1)
    if base not in list(Base) or not (0 < step <= MAX_STEP and whole if base else step == 0):
        raise DamagedChunkError(f"impossible residual of a band: base {base}, step {step}")
    return Bound(Base(base), step)


def _pack_target(target: Target | None) -> bytes:
    if target is None:
        return b""
    return struct.pack(">Bd", TARGETS.index(target.name) + MISSED * (not target.met), target.value)


def _parse_target(reader: Reader) -> Target:
    code = reader.unpack("B")
    value = reader.unpack("d")
    if code % MISSED >= len(TARGETS) or not (math.isfinite(value) and value > 0):
        raise DamagedChunkError(f"impossible target: code {code}, value {value}")
    return Target(TARGETS[code % MISSED], value, code < MISSED)
