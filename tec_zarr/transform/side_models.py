"""How side information is put into bits: what is to be expected of its integers before any is
known, and single ones."""

from __future__ import annotations

import math

import numpy as np

from tec_zarr.entropy.adaptive import CONTEXTS, MOST, UNARY, contexts
from tec_zarr.entropy.adaptive_coder import Coder

EXPECTED_SEEN = 8
"""How much the first contexts count as having seen. What they expect was measured on training
places."""

# Each first as to be expected without, then with a date before.
COUNTS = ((27, 34, 30, 29, 31, 29, 33), (56, 60, 46, 42, 48, 49, 47))
ENERGIES = ((71, 10, 21, 28, 32, 30, 34), (54, 18, 36, 34, 30, 28, 30, 25, 21))
STARTS = ((50, 25, 1, 99), (50, 12, 54, 99))

MEANS = (50, 22, 51, 64, 63, 50, 42, 53)
LENGTHS = (50, 15, 13, 10, 9)
FIRST_COLUMNS = (50, 36, 36, 36, 37, 37, 45, 43, 50, 60, 80)
COLUMN_GAPS = (50, 23, 24, 25, 24, 26, 28, 32, 40, 45, 68)
HALVINGS = (50, 1, 9, 13, 19, 30, 41, 49, 61, 69, 70)
MINUS = (53, 50)

MOST_SHIFT = 31

QUARTERS = (0.5946035575013605, 0.7071067811865476, 0.8408964152537145)
"""The half an octave and the quarters between 1/2 and 1."""


def bit(coder: Coder, value: int, zero: float = 0.5) -> int:
    """One bit, 0 with probability `zero`."""
    model = contexts(1, zero=zero, seen=4)
    return int(coder.bits(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def even(coder: Coder, value: int, width: int) -> int:
    """One integer of `width` bits, each as likely as not."""
    return int(coder.even(np.array([value], np.int64), np.array([width], np.int64))[0])


def unsigned(coder: Coder, value: int, model: np.ndarray) -> int:
    """One integer from 0 on, under the first row of `model`."""
    return int(coder.unsigned(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def signed(coder: Coder, value: int, model: np.ndarray) -> int:
    """One integer, under the first row of `model`."""
    return int(coder.signed(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def expecting(*rows: tuple[int, ...], seen: int = EXPECTED_SEEN) -> np.ndarray:
    """Fresh rows of contexts of integers: how often, in hundredths, one is not negative, then is
    0, else 1, else 2, ..."""
    model = contexts(len(rows), CONTEXTS, zero=0.5, seen=2)
    for row, hundredths in zip(model, rows, strict=True):
        known = len(hundredths)
        row[:known, 0] = np.array(hundredths, np.int64) * 65536 // 100
        row[:known, 1] = seen
        # As the last one, up to where exp-Golomb begins.
        row[known : 1 + UNARY] = row[known - 1]
    return model


def quarter_octaves(step: float) -> int:
    """The whole part of 4 * log2 of `step`, by comparisons, so that it is the same everywhere."""
    mantissa, exponent = math.frexp(step)
    quarters = 4 * (exponent - 1)
    for border in QUARTERS:
        quarters += int(mantissa >= border)
    return quarters


def best_shift(values: np.ndarray) -> int:
    """How many low bits of integers to send as they are, so that what is left is small enough;
    the encoder's choice."""
    costs = []
    for shift in range(MOST_SHIFT + 1):
        high = np.abs(values >> shift)
        fits = high.max(initial=0) < MOST
        costs.append(shift * len(values) + 2 * np.log2(1 + high).sum() if fits else np.inf)
    return int(np.argmin(costs))
