"""What is expected of each sample of a plane: a prediction and a context, learned on the way."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from tec_zarr.entropy.compiling import compiled
from tec_zarr.entropy.distribution import FRACTIONS, SCALES
from tec_zarr.entropy.tables import shipped

BEFORE = 3
"""Planes before a plane that it is predicted from."""

INPUTS = 3 + BEFORE + 1

ONE = 16  # binary digits of the weights

_RATE = 5  # each error moves the weights by 2**-5 of what would have undone it

LIMIT = 1 << 22  # of differences, so that products stay within 63 bits

CONTEXTS = 64

_COPIES = 4  # contexts of samples that are predicted to repeat, after the others

_WINDOW = 128  # errors that a context remembers

_CERTAIN = 1 << 12

# Repetitions that came true lately, out of _CERTAIN, from which on they are predicted.
_SURE = 13 << 8

_MAX_LOW = 24
_FINE = 256  # mean errors are counted in these parts of one


@functools.cache
def make_thresholds() -> np.ndarray:
    """Mean errors, in 1/256, between which the tables' scales are the right ones; the last
    stands for the largest scale."""
    tables = shipped()
    means = []
    for scale in range(SCALES):
        row = FRACTIONS * scale + FRACTIONS // 2
        frequencies = np.diff(tables.cumulative[tables.begin[row] : tables.begin[row + 1]]).tolist()
        first = int(tables.first[row])
        tail = 2 * abs(first) * frequencies[-1]
        total = tail + sum(abs(first + i) * f for i, f in enumerate(frequencies[:-1]))
        means.append((total * _FINE) >> 16)
    return np.array(
        [(a + b) // 2 for a, b in itertools.pairwise(means)] + [means[-1] * 5 // 4], np.int64
    )


@compiled
def clipped(value, limit):
    return min(max(value, -limit), limit)


@compiled
def _neighbors(plane, y, x):
    """Samples to the left, above, above to the left and above to the right, where there is none
    the next best."""
    if y == 0:
        left = plane[0, x - 1] if x else np.int64(0)
        return left, left, left, left
    above = plane[y - 1, x]
    left = plane[y, x - 1] if x else above
    return (
        left,
        above,
        plane[y - 1, x - 1] if x else above,
        plane[y - 1, x + 1] if x + 1 < plane.shape[1] else above,
    )


@compiled
def gather_inputs(planes, past, known, z, y, x, out):
    """Differences from the mean of four neighbors, times four, that the prediction is weighted
    of; that sum of four."""
    left, above, corner, right = _neighbors(planes[z], y, x)
    total = left + above + corner + right
    out[0] = clipped(4 * above - total, LIMIT)
    out[1] = clipped(4 * left - total, LIMIT)
    out[2] = clipped(4 * corner - total, LIMIT)
    for k in range(BEFORE):
        if k < z:
            other = planes[z - 1 - k]
            a, b, c, d = _neighbors(other, y, x)
            out[3 + k] = clipped(4 * other[y, x] - (a + b + c + d), LIMIT)
    if past.shape[0]:
        date_before = past[z - known]
        a, b, c, d = _neighbors(date_before, y, x)
        out[3 + BEFORE] = clipped(4 * date_before[y, x] - (a + b + c + d), LIMIT)
    return total


@compiled
def context_of(errors, z, y, x):
    """The context of a sample: twice the logarithm of how large the errors about it were."""
    left, above, corner, right = _neighbors(errors[z], y, x)
    size = 2 * abs(left) + 2 * abs(above) + abs(corner) + abs(right)
    if z:
        size += 2 * abs(errors[z - 1, y, x])
    context = 0
    rest = size
    while rest >= 2:
        rest >>= 1
        context += 2
    if context and size >= 3 << (context // 2 - 1):
        context += 1
    return min(context + (size > 0), CONTEXTS - _COPIES - 1)


@compiled
def table_of(mean, thresholds):
    """The scale of the tables, and how many low bits are coded apart, for errors of this mean
    size."""
    scale = 0
    low = 0
    while scale < SCALES - 1 and mean > thresholds[scale]:
        scale += 1
    while low < _MAX_LOW and mean > thresholds[SCALES - 1] << low:
        low += 1
    return scale, low


@compiled
def find_repetition(plane, y, x, repeats):
    """Whether a sample is expected to repeat the one above (1, or 2 where both) or the one to
    the left (3), or neither (0); then whether it would if rows do, and if columns do."""
    left, above, corner, _ = _neighbors(plane, y, x)
    inside = y > 0 and x > 0
    rows = inside and left == corner
    columns = inside and above == corner
    sure_above = rows and repeats[0] >= _SURE
    sure_left = columns and repeats[1] >= _SURE
    if sure_above:
        return 1 + sure_left, rows, columns
    return 3 * sure_left, rows, columns


@compiled
def learn_repetition(plane, y, x, rows, columns, repeats):
    left, above, _, _ = _neighbors(plane, y, x)
    if rows:
        repeats[0] += (_CERTAIN * (plane[y, x] == above) - repeats[0]) >> 4
    if columns:
        repeats[1] += (_CERTAIN * (plane[y, x] == left) - repeats[1]) >> 4


@compiled
def learn_weights(missed, inputs, weights):
    energy = np.int64(64)
    for i in range(INPUTS):
        energy += inputs[i] * inputs[i]
    for i in range(INPUTS):
        weights[i] += ((missed * inputs[i]) << (ONE - _RATE)) // energy
        weights[i] = clipped(weights[i], 4 << ONE)


@compiled
def learn_context(context, error, missed, contexts):
    contexts[context, 0] += 1
    contexts[context, 1] += _FINE * abs(error)
    contexts[context, 2] += 8 * missed
    if contexts[context, 0] >= _WINDOW:
        contexts[context] >>= 1


@compiled
def first_weights(z, dates, weights):
    weights[:] = 0
    if z:
        weights[3] = 3 << (ONE - 2)
    elif dates:
        weights[3 + BEFORE] = 1 << (ONE - 1)


@compiled
def first_contexts():
    """For each context: how many errors it saw, their sum in 1/256, and by how much, in 1/32,
    predictions were too low."""
    contexts = np.zeros((CONTEXTS, 3), np.int64)
    contexts[:, 0] = 4
    for context in range(CONTEXTS - _COPIES):
        contexts[context, 1] = (_FINE // 2) << min(context // 2, 20)
    contexts[CONTEXTS - _COPIES :, 1] = _FINE // 4
    return contexts
