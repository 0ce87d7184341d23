"""Orthonormal bases over bands, as integers that every machine derives alike.

A basis is int64 (B, B) in 2**30ths; its columns are the components. It is made of a start and a
list of rotations, each of two columns by an angle of `code` * pi / 2**fineness. Cosines and
sines come from integer series, and each product is rounded on its own, so that nothing depends
on the machine. Rounding leaves a basis orthonormal to within 1e-8.
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np

from tec_zarr.entropy.compiling import compiled

PATH = pathlib.Path(__file__).with_name("bases.npz")

SCALE_BITS = 30
ONE = 1 << SCALE_BITS

CONTEXT_BITS = 14
"""Bases are rounded to 2**-14 where sums of their products with symbols must stay exact."""

FINENESS = 18
"""Angles are multiples of pi / 2**18."""

RIGHT_ANGLE = 1 << (FINENESS - 1)

_SERIES_BITS = 60
_PI = 3622009729038561421
"""pi in 2**60ths."""


@functools.lru_cache(maxsize=1 << 14)
def cosine_and_sine(code: int, fineness: int) -> tuple[int, int]:
    """Cosine and sine of `code` * pi / 2**`fineness`, at most pi / 4 in magnitude, in 2**30ths."""
    angle = (abs(code) * _PI) >> fineness
    square = (angle * angle) >> _SERIES_BITS
    term = 1 << _SERIES_BITS
    sums = [0, 0]
    # term is angle ** k / k!, without its odd power of the angle; 18 of them leave 1e-17.
    for k in range(18):
        sign = -1 if k % 4 >= 2 else 1
        sums[k % 2] += sign * term
        if k % 2:
            term = term * square >> _SERIES_BITS
            term //= k + 1
        else:
            term //= k + 1
    half = 1 << (_SERIES_BITS - SCALE_BITS - 1)
    cosine = (sums[0] + half) >> (_SERIES_BITS - SCALE_BITS)
    sine = ((sums[1] * angle >> _SERIES_BITS) + half) >> (_SERIES_BITS - SCALE_BITS)
    return cosine, -sine if code < 0 else sine


def rotation(code: int, fineness: int) -> tuple[int, int]:
    """Cosine and sine of `code` * pi / 2**`fineness`, at most pi / 2 in magnitude, in 2**30ths."""
    right_angle = 1 << (fineness - 1)
    if 2 * abs(code) <= right_angle:
        return cosine_and_sine(code, fineness)
    # Beyond pi / 4 the angle's complement is near zero.
    sine, cosine = cosine_and_sine(right_angle - abs(code), fineness)
    return cosine, -sine if code < 0 else sine


@compiled
def _rotate(basis, i, j, cosine, sine):
    """Turn columns i and j of `basis` in place: i takes cosine * i + sine * j."""
    half = np.int64(1) << np.int64(SCALE_BITS - 1)
    for row in range(basis.shape[0]):
        one = basis[row, i]
        other = basis[row, j]
        basis[row, i] = (cosine * one + sine * other + half) >> SCALE_BITS
        basis[row, j] = (cosine * other - sine * one + half) >> SCALE_BITS


def rotated(start: np.ndarray, rotations: np.ndarray, fineness: int) -> np.ndarray:
    """The basis that `rotations` (n, 3), columns i and j and an angle's code each, make of `start`.

    Signs are such that the sum of each column is not negative.
    """
    basis = start.copy()
    for i, j, code in rotations.tolist():
        cosine, sine = rotation(code, fineness)
        _rotate(basis, i, j, cosine, sine)
    signs = np.where(basis.sum(0) < 0, -1, 1)
    return basis * signs


@functools.cache
def default_basis(bands: int) -> np.ndarray:
    """What the first date of a chunk starts from: that of Sentinel-2 for 4, 10, 12 and 13 bands,
    else the bands."""
    with np.load(PATH) as file:
        if f"bands{bands}" in file:
            return file[f"bands{bands}"].astype(np.int64)
    return np.eye(bands, dtype=np.int64) * ONE


def context_basis(basis: np.ndarray) -> np.ndarray:
    """A basis, or several, in 2**14ths instead of 2**30ths."""
    shift = SCALE_BITS - CONTEXT_BITS
    return (basis + (1 << (shift - 1))) >> shift
