"""Adaptive binary range coder for side information: few bytes, counts that learn quickly.

The stream is that of LZMA's range coder (Martin 1979; Pavlov 1998), all in integers, and *stable*:

- `low` starts at 0, `range` at 2**32 - 1. A bit whose probability of being 0 is p / 2**16 splits
  the range at `bound = (range >> 16) * p`: a 0 keeps the lower part, a 1 the upper. While range <
  2**24, a byte leaves.
- A context is (p, n): its probability of 0 in 2**16ths and how much it has seen. After a bit, p
  moves towards it by `(distance * RATES[n]) >> 16`, is kept within 2**16ths 48 to 65488, and n
  grows by 1 up to LIMIT.
- The first byte, always 0, is left out. At the end `low` is raised, within the range, to the number
  that ends in most zeros; of the four bytes that flush it, zeros at the end are left out, and read
  as zeros.
- An unsigned integer in a row of CONTEXTS contexts: min(value, UNARY) ones and a 0 where value <
  UNARY, each under its own context; the rest, value - UNARY, as exp-Golomb: with k bits of rest + 1
  below its leading one, k ones and a 0 under contexts, then these bits, each with probability a
  half.
- A signed integer: its magnitude as above, then, unless it is 0, one bit for minus under the row's
  first context.

The same compiled walk runs at both ends: `code_bit` takes the bit to encode and returns it, or
returns the one decoded.
"""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.compiling import compiled

UNARY = 12
"""Magnitudes below this are sent in unary."""

CONTEXTS = 1 + UNARY + 20
"""Contexts that an integer takes: its sign, the unary part, the prefix of exp-Golomb."""

MOST = 1 << 19
"""Integers stay below this in magnitude, so that the prefix is at most 19 long."""

LIMIT = 60
RATES = np.array([round(2**16 / (n + 1.6)) for n in range(LIMIT + 1)], np.int64)
"""How far, in 2**16ths, a context that has seen n bits moves towards the next."""

HALF = 1 << 15
FULL_RANGE = (1 << 32) - 1
SMALL = 1 << 24

# What is in the state of a coder, int64 (8,).
DECODES, LOW, RANGE, CACHE, PENDING, POSITION, CODE, FAILED = range(8)
STATE = 8


@compiled
def shift_low(state, data):
    """Let the top byte of `low` leave, with a carry into those before it."""
    low = state[LOW]
    if low < 0xFF000000 or low > FULL_RANGE:
        carry = low >> 32
        data[state[POSITION]] = (state[CACHE] + carry) & 0xFF
        state[POSITION] += 1
        while state[PENDING] > 0:
            data[state[POSITION]] = (0xFF + carry) & 0xFF
            state[POSITION] += 1
            state[PENDING] -= 1
        state[CACHE] = (low >> 24) & 0xFF
    else:
        state[PENDING] += 1
    state[LOW] = (low << 8) & FULL_RANGE


@compiled
def next_byte(state, data):
    position = state[POSITION]
    state[POSITION] = position + 1
    if position < data.size:
        return np.int64(data[position])
    # The encoder leaves out at most the four bytes of its flush.
    if position >= data.size + 4:
        state[FAILED] = 1
    return np.int64(0)


@compiled
def _code(state, data, probability, bit):
    """Encode `bit`, or decode one, whose probability of 0 is `probability` / 2**16."""
    bound = (state[RANGE] >> 16) * probability
    if state[DECODES]:
        bit = np.int64(state[CODE] >= bound)
        if bit:
            state[CODE] -= bound
    elif bit:
        state[LOW] += bound
    state[RANGE] = state[RANGE] - bound if bit else bound
    while state[RANGE] < SMALL:
        state[RANGE] <<= 8
        if state[DECODES]:
            state[CODE] = (state[CODE] << 8) | next_byte(state, data)
        else:
            shift_low(state, data)
    return bit


@compiled
def code_bit(state, data, context, bit):
    """One bit under `context`, int64 (2,), which learns from it. For compiled code."""
    bit = _code(state, data, context[0], bit)
    seen = context[1]
    probability = context[0]
    if bit:
        probability -= (probability * RATES[seen]) >> 16
    else:
        probability += ((65536 - probability) * RATES[seen]) >> 16
    context[0] = min(max(probability, 48), 65488)
    if seen < LIMIT:
        context[1] = seen + 1
    return bit


@compiled
def code_even(state, data, width, value):
    """An integer of `width` bits, each as likely as not. For compiled code."""
    decoded = np.int64(0)
    for shift in range(width - 1, -1, -1):
        bit = _code(state, data, HALF, (value >> shift) & 1)
        decoded = (decoded << 1) | bit
    return decoded


@compiled
def code_unsigned(state, data, row, value):
    """An integer from 0 to MOST - 1 under the contexts of `row`, int64 (CONTEXTS, 2). For
    compiled code."""
    decoded = np.int64(0)
    while decoded < UNARY:
        if not code_bit(state, data, row[1 + decoded], np.int64(value > decoded)):
            return decoded
        decoded += 1
    rest = value - UNARY + 1
    width = np.int64(0)
    while code_bit(state, data, row[1 + UNARY + width], np.int64(rest >> (width + 1) > 0)):
        width += 1
        if width >= 19:
            # Reached by damage only: an encoder's value is below MOST.
            state[FAILED] = 1
            return decoded
    low_bits = code_even(state, data, width, rest & ((1 << width) - 1))
    return decoded + (1 << width) + low_bits - 1


@compiled
def code_signed(state, data, row, value):
    """An integer of magnitude below MOST under the contexts of `row`, int64 (CONTEXTS, 2). For
    compiled code."""
    magnitude = code_unsigned(state, data, row, abs(value))
    if magnitude and code_bit(state, data, row[0], np.int64(value < 0)):
        return -magnitude
    return magnitude


def contexts(*shape: int, zero: float = 0.5, seen: int = 0) -> np.ndarray:
    """New contexts, int64 (*shape, 2), that expect a 0 with probability `zero` as if they had
    seen `seen` bits."""
    fresh = np.empty((*shape, 2), np.int64)
    fresh[..., 0] = min(max(int(zero * 65536), 48), 65488)
    fresh[..., 1] = seen
    return fresh
