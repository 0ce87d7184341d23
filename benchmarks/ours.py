"""tec_zarr as the benchmarks call it: its public functions on locations."""

from __future__ import annotations

import dataclasses
import time

import locations
import measures
import numpy as np

REFLECTANCE_PER_DN = 1e-4


@dataclasses.dataclass(frozen=True)
class Point:
    """One chunk, coded.

    Attributes
    ----------
    size
        Bytes.
    samples
        Of the chunk, valid or not.
    squared_error
        Summed over valid samples, DN².
    valid
        Valid samples.
    seconds_encode, seconds_decode
        By the clock.
    """

    size: int
    samples: int
    squared_error: float
    valid: int
    seconds_encode: float
    seconds_decode: float

    @property
    def bits(self) -> float:
        """Bits a sample."""
        return 8 * self.size / self.samples

    @property
    def psnr(self) -> float | None:
        """In dB; None without any error."""
        return measures.psnr(self.squared_error, self.valid)


def together(points: list[Point]) -> Point:
    """Several chunks as one."""
    sums = {}
    for field in dataclasses.fields(Point):
        sums[field.name] = sum(getattr(point, field.name) for point in points)
    return Point(**sums)


def encode(location: locations.Location, is_float: bool = False, **settings: object) -> bytes:
    """A location as one chunk; in reflectance, float32, with `is_float`."""
    from tec_zarr.codec.chunk import encode_chunk
    from tec_zarr.codec.settings import Settings

    known = {
        "bands": location.bands,
        "offset_dn": location.offset_dn,
        "nodata": location.nodata,
    }
    cube = location.cube
    if is_float:
        cube = cube.astype(np.float32) * np.float32(REFLECTANCE_PER_DN)
    return encode_chunk(cube, Settings(**{**known, **settings}))


def decode(data: bytes) -> np.ndarray:
    """The chunk in DN, whatever its dtype."""
    from tec_zarr.codec.chunk import decode_chunk

    decoded = decode_chunk(data)
    if decoded.dtype.kind == "f":
        return decoded.astype(np.float64) / REFLECTANCE_PER_DN
    return decoded


def point(location: locations.Location, is_float: bool = False, **settings: object) -> Point:
    """Code a location once and measure it."""
    began = time.perf_counter()
    data = encode(location, is_float, **settings)
    encoded = time.perf_counter()
    decoded = decode(data)
    ended = time.perf_counter()
    error, valid = measures.squared_error(location, decoded)
    return Point(len(data), location.cube.size, error, valid, encoded - began, ended - encoded)


def curve(points: list[Point]) -> list[tuple[float, float]]:
    """Bits a sample and PSNR of points that err."""
    found = []
    for each in points:
        if each.psnr is not None:
            found.append((each.bits, each.psnr))
    return found


def parsed(texts: list[str]) -> dict[str, object]:
    """Settings from texts such as "effort=0", numbers where they read as numbers."""
    found: dict[str, object] = {}
    for text in texts:
        name, _, value = text.partition("=")
        found[name] = int(value) if value.lstrip("-").isdigit() else value
    return found
