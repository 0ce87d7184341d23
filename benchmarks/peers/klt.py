"""Karhunen-Loeve transform (principal components) over bands, or over bands and dates, in front of
JPEG 2000.

The classical bar. The transform is orthonormal, so the components of all dates are written as
integers of one scale into one file, in which JPEG 2000 cuts all of them at one slope of
distortion over rate. Components that come to nothing are left out, with their rows of the basis.
The basis is kept in as few bits a number as add less than a hundredth to the distortion.
"""

from __future__ import annotations

import struct

import numpy as np

from peers import jpeg2000, parts

HEAD = struct.Struct("<4HHBf")
LARGEST = 32_000
FINEST = 4.0
NEGLIGIBLE = 0.1
BASIS_BITS = (4, 16)


def transform(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of `vectors` (channel, sample): the mean in whole DN, and the basis (component, channel),
    greatest variance first."""
    mean = parts.to_dn(vectors.mean(axis=1))
    covariance = np.cov(vectors) if vectors.shape[1] > 1 else np.zeros((len(vectors),) * 2)
    return mean, np.linalg.eigh(np.atleast_2d(covariance))[1].T[::-1]


def basis_bits(coefficients: np.ndarray, rmse: float) -> int:
    """Bits a number of the basis: as few as add far less than `rmse`, given `coefficients`
    (group, component, pixel)."""
    energy = (coefficients**2).sum(axis=1).mean()
    steps = np.sqrt(energy / 12) / (NEGLIGIBLE * rmse)
    return int(np.clip(np.ceil(np.log2(max(steps, 1))) + 1, *BASIS_BITS))


def largest(bits: int) -> int:
    """What a basis entry of 1 is written as."""
    return 2 ** (bits - 1) - 1


def pack_rows(rows: np.ndarray, bits: int) -> bytes:
    """Numbers from -1 to 1 in `bits` bits each."""
    levels = np.rint(rows * largest(bits)).astype(np.int32).ravel() + largest(bits)
    return np.packbits(levels[:, None] >> np.arange(bits) & 1).tobytes()


def unpack_rows(data: bytes, bits: int, channels: int) -> np.ndarray:
    """The rows of `channels` numbers again; `data` ends less than a row's bits after them."""
    count = len(data) * 8 // bits // channels * channels
    levels = (
        np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits)
        .reshape(count, bits)
        .astype(np.int32)
    )
    return ((levels << np.arange(bits)).sum(axis=1) / largest(bits) - 1).reshape(-1, channels)


def encode(cube: np.ndarray, decibels: float, groups: int) -> bytes:
    """`cube` with a transform for each of `groups` equal parts of the dates."""
    shape = cube.shape
    vectors = cube.reshape(groups, -1, shape[2] * shape[3]).astype(np.float64)
    means, bases = (np.stack(each) for each in zip(*map(transform, vectors), strict=True))
    coefficients = bases @ (vectors - means[..., None])
    rmse = jpeg2000.rmse_of(decibels)
    bits = basis_bits(coefficients, rmse)
    scale = np.float32(min(FINEST, LARGEST / max(np.abs(coefficients).max(), 1)))
    planes = np.rint(coefficients * scale).astype(np.int16).reshape(-1, *shape[2:])
    file = jpeg2000.encode_planes(planes, rmse * scale, signed=True)
    kept = jpeg2000.decode_planes(file).any(axis=(1, 2))
    if kept.any() and not kept.all():
        left_out = (planes[~kept].astype(np.float64) ** 2).sum()
        budget = max((rmse * scale) ** 2 * planes.size - left_out, left_out / 20)
        file = jpeg2000.encode_planes(
            planes[kept], np.sqrt(budget / planes[kept].size), signed=True
        )
    rows = pack_rows(bases.reshape(-1, bases.shape[-1])[kept], bits)
    side = [
        HEAD.pack(*shape, groups, bits, scale),
        means.astype("<u2").tobytes(),
        np.packbits(kept).tobytes(),
        rows,
    ]
    return parts.pack([b"".join(side), file if kept.any() else b""])


def decode(data: bytes) -> np.ndarray:
    side, file = parts.unpack(data)
    *shape, groups, bits, scale = HEAD.unpack_from(side)
    channels = shape[0] * shape[1] // groups
    count = groups * channels
    at = HEAD.size
    means = np.frombuffer(side, "<u2", count, at).reshape(groups, channels, 1)
    at += 2 * count
    kept = np.unpackbits(np.frombuffer(side, np.uint8, -(-count // 8), at), count=count).astype(
        bool
    )
    bases, coefficients = np.zeros((count, channels)), np.zeros((count, shape[2] * shape[3]))
    if kept.any():
        bases[kept] = unpack_rows(side[at + -(-count // 8) :], bits, channels)[: kept.sum()]
        coefficients[kept] = jpeg2000.decode_planes(file).reshape(kept.sum(), -1) / scale
    bases, coefficients = (a.reshape(groups, channels, -1) for a in (bases, coefficients))
    return parts.to_dn(bases.swapaxes(1, 2) @ coefficients + means).reshape(shape)


def encode_bands(cube: np.ndarray, decibels: float) -> bytes:
    """A transform over the bands of each date; all dates in one file."""
    return encode(cube, decibels, len(cube))


def encode_dates(cube: np.ndarray, decibels: float) -> bytes:
    """One transform over bands and dates."""
    return encode(cube, decibels, 1)


decode_bands = decode_dates = decode
