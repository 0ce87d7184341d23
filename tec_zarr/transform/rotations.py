"""The rotations that turn a start into a basis worth having: found at the encoder, greedily.

Jacobi's method, the rotation that saves most bits first, as long as it saves more than it costs
to send.
"""

from __future__ import annotations

import math

import numpy as np

from tec_zarr.entropy.compiling import compiled
from tec_zarr.transform.basis import FINENESS, ONE, RIGHT_ANGLE

FLOOR = 0.05
"""Energies, in squared steps, that a coefficient's bits are reckoned from: half of log2(1 +
energy / FLOOR)."""

ROTATION_BITS = 14.0
"""What a rotation has to save, digits aside: what it costs, and a little, since bits are
reckoned too high."""

LEAST_DIGITS = 3
"""Of an angle's code only so many binary digits, from its first one on, are sent: small angles
are sent finer."""

UNIT = math.pi / (1 << FINENESS)

MOST_ROTATIONS = 1023

SWAP_RATIO = 4.0
"""Components that stand in the wrong order change places where their energies differ by more
than this factor."""


def bits(energies: np.ndarray, samples: int, step: float) -> float:
    """About how many bits components of such `energies` (mean squares, DN²) take, `samples`
    coefficients each."""
    ratio = np.maximum(energies, 0) / (FLOOR * step * step)
    return 0.5 * samples * float(np.log2(1 + ratio).sum())


@compiled
def _angle(a, b, d):
    """The angle, -pi / 2 to pi / 2, that makes two components with this covariance independent,
    stronger first."""
    return 0.5 * math.atan2(2 * b, a - d)


@compiled
def _code(angle, digits):
    """The code nearest to an angle with so many digits."""
    code = np.int64(np.rint(abs(angle) / UNIT))
    unit = np.int64(1)
    while code >= (unit << digits):
        unit <<= 1
    code = (code + (unit >> 1)) // unit * unit
    # A right angle either way is the same basis; it is sent one way.
    return -code if angle < 0 and code != RIGHT_ANGLE else code


@compiled
def _bits(energy, floor):
    """About how many bits a coefficient takes; rounding can leave an energy below 0."""
    return 0.5 * math.log2(1 + max(energy, 0.0) / floor)


@compiled
def _saving(a, b, d, floor, angle):
    """What a rotation saves, in bits of one sample."""
    c = math.cos(angle)
    s = math.sin(angle)
    first = c * c * a + 2 * c * s * b + s * s * d
    second = s * s * a - 2 * c * s * b + c * c * d
    return _bits(a, floor) + _bits(d, floor) - _bits(first, floor) - _bits(second, floor)


@compiled
def _turn(covariance, i, j, angle):
    c = math.cos(angle)
    s = math.sin(angle)
    for k in range(covariance.shape[0]):
        one = covariance[k, i]
        other = covariance[k, j]
        covariance[k, i] = c * one + s * other
        covariance[k, j] = c * other - s * one
    for k in range(covariance.shape[0]):
        one = covariance[i, k]
        other = covariance[j, k]
        covariance[i, k] = c * one + s * other
        covariance[j, k] = c * other - s * one


@compiled
def _consider(covariance, i, j, floor, digits, codes, savings):
    """Note the best rotation of components i and j, i < j."""
    a = covariance[i, i]
    b = covariance[i, j]
    d = covariance[j, j]
    code = _code(_angle(a, b, d), digits)
    codes[i, j] = code
    savings[i, j] = _saving(a, b, d, floor, UNIT * code) if code else 0.0


@compiled
def _greedy(covariance, samples, floor, digits, cost, found):
    """Fill `found` (n, 3) with rotations, `covariance` changed by them; how many there are."""
    bands = covariance.shape[0]
    codes = np.zeros((bands, bands), np.int64)
    savings = np.full((bands, bands), -1.0)
    for i in range(bands):
        for j in range(i + 1, bands):
            _consider(covariance, i, j, floor, digits, codes, savings)
    for count in range(found.shape[0]):
        best = savings.argmax()
        first = best // bands
        second = best % bands
        if savings[first, second] * samples <= cost:
            return count
        found[count, 0] = first
        found[count, 1] = second
        found[count, 2] = codes[first, second]
        _turn(covariance, first, second, UNIT * codes[first, second])
        for k in range(bands):
            for other in (first, second):
                if k != other:
                    _consider(
                        covariance, min(k, other), max(k, other), floor, digits, codes, savings
                    )
    return found.shape[0]


@compiled
def _swap(covariance, floor, found, count):
    """Let components that stand in the wrong order by far change places; how many rotations
    there are then."""
    for i in range(covariance.shape[0]):
        for j in range(i + 1, covariance.shape[0]):
            stronger = covariance[j, j] > floor and covariance[j, j] > SWAP_RATIO * covariance[i, i]
            if stronger and count < found.shape[0]:
                _turn(covariance, i, j, RIGHT_ANGLE * UNIT)
                found[count, 0] = i
                found[count, 1] = j
                found[count, 2] = RIGHT_ANGLE
                count += 1
    return count


def find_rotations(
    covariance: np.ndarray, start: np.ndarray, samples: int, step: float, digits: int
) -> tuple[np.ndarray, float]:
    """Rotations int64 (n, 3), as `tec_zarr.transform.basis.rotated` takes them, and the bits of
    all, about.

    `covariance` (B, B) is that of the bands over `samples` coefficients each, in DN².
    """
    turn = start / ONE
    turned = turn.T @ covariance @ turn
    found = np.zeros((MOST_ROTATIONS, 3), np.int64)
    cost = ROTATION_BITS + digits
    floor = FLOOR * step * step
    count = _greedy(turned, samples, floor, digits, cost, found)
    count = _swap(turned, floor, found, count)
    return found[:count], bits(np.diag(turned), samples, step) + count * cost
