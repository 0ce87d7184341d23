"""The encoder's choice of rotations: those that save more bits than they cost. Decides nothing at the decoder."""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.rans import compiled


@compiled
def bits_of(energy, floor):
    """Bits of a coefficient whose mean square is `energy`; next to none below `floor`."""
    return 0.5 * np.log2(1 + max(energy, 0.0) / floor)


@compiled
def _best(covariance, i, j, floor, fineness):
    """The angle's code that takes most from two columns, and the bits that it saves for each sample."""
    a = covariance[i, i]
    b = covariance[j, j]
    c = covariance[i, j]
    if c * c <= 1e-12 * max(a, b) * floor:
        return np.int64(0), 0.0
    angle = 0.5 * np.arctan2(2 * c, abs(a - b))
    if a < b:
        angle = -angle
    code = np.int64(np.rint(angle * 2.0**fineness / np.pi))
    if code == 0:
        return code, 0.0
    cosine = np.cos(code * np.pi / 2.0**fineness)
    sine = np.sin(code * np.pi / 2.0**fineness)
    new_a = cosine * cosine * a + 2 * cosine * sine * c + sine * sine * b
    new_b = cosine * cosine * b - 2 * cosine * sine * c + sine * sine * a
    before = bits_of(a, floor) + bits_of(b, floor)
    return code, before - bits_of(new_a, floor) - bits_of(new_b, floor)


@compiled
def _turn(covariance, i, j, angle):
    cosine = np.cos(angle)
    sine = np.sin(angle)
    for k in range(covariance.shape[0]):
        a = covariance[k, i]
        b = covariance[k, j]
        covariance[k, i] = cosine * a + sine * b
        covariance[k, j] = cosine * b - sine * a
    for k in range(covariance.shape[0]):
        a = covariance[i, k]
        b = covariance[j, k]
        covariance[i, k] = cosine * a + sine * b
        covariance[j, k] = cosine * b - sine * a


@compiled
def choose_rotations(covariance, samples, floor, fineness, cost, most):
    """Rotations int64 (K, 3) that bring `covariance` (B, B), changed in place, towards a diagonal.

    Each takes at least `cost` bits from `samples` coefficients of each component; at most `most` of them.
    """
    bands = covariance.shape[0]
    rotations = np.empty((most, 3), np.int64)
    codes = np.zeros((bands, bands), np.int64)
    savings = np.zeros((bands, bands))
    for i in range(bands):
        for j in range(i + 1, bands):
            codes[i, j], savings[i, j] = _best(covariance, i, j, floor, fineness)
    for count in range(most):
        best = savings.argmax()
        i = best // bands
        j = best % bands
        if savings[i, j] * samples <= cost:
            return rotations[:count]
        rotations[count, 0] = i
        rotations[count, 1] = j
        rotations[count, 2] = codes[i, j]
        _turn(covariance, i, j, codes[i, j] * np.pi / 2.0**fineness)
        for k in range(bands):
            for turned in (i, j):
                if k != turned:
                    low = min(k, turned)
                    high = max(k, turned)
                    codes[low, high], savings[low, high] = _best(covariance, low, high, floor, fineness)
    return rotations
