"""Planes of integers to bits and back, losslessly: bands of one date, each predicted from what was coded before it.

Every sample is predicted from its neighbors above and to the left, from the three planes before it at the same place and
from the same plane of the date before, with weights that follow the data (normalized least mean squares, much as in CCSDS
123.0-B-2, Low-Complexity Lossless and Near-Lossless Multispectral and Hyperspectral Image Compression); where rows or
columns were repeating themselves, as in bands that came from a coarser grid, it is predicted to repeat. The error is coded
by rANS under a row of the shipped tables that follows the size of errors in like surroundings (contexts as in LOCO-I,
Weinberger et al., IEEE Trans. Image Processing 2000). All arithmetic is on integers: every machine finds the same numbers.

The bytes, *stable*:

    count       u32         low bits
    low bits    ⌈count/8⌉   of errors too large for the tables, most significant bit first, zeros to a whole byte
    stream      the rest    rANS of the errors, plane by plane in raster order, samples that are not coded left out
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from tec_zarr.entropy.distribution import FRACTIONS, SCALES
from tec_zarr.entropy.rans import Decoder, compiled, encode_symbols, get_symbol
from tec_zarr.entropy.tables import shipped
from tec_zarr.errors import DamagedChunkError

MAX_VALUE = 1 << 26
"""Samples stay within plus and minus this."""

BEFORE = 3
"""Planes before a plane that it is predicted from."""

_INPUTS = 3 + BEFORE + 1
_ONE = 16  # binary digits of the weights
_RATE = 5  # each error moves the weights by 2**-5 of what would have undone it
_LIMIT = 1 << 22  # of differences, so that products stay within 63 bits
_CONTEXTS = 64
_COPIES = 4  # contexts of samples that are predicted to repeat, after the others
_WINDOW = 128  # errors that a context remembers
_CERTAIN = 1 << 12
_SURE = 13 << 8  # repetitions that came true lately, out of _CERTAIN, from which on they are predicted
_MAX_LOW = 24
_FINE = 256  # mean errors are counted in these parts of one


@functools.cache
def _thresholds() -> np.ndarray:
    """Mean errors, in 1/256, between which the tables' scales are the right ones; the last stands for the largest scale."""
    tables, means = shipped(), []
    for scale in range(SCALES):
        row = FRACTIONS * scale + FRACTIONS // 2
        frequencies = np.diff(tables.cumulative[tables.begin[row] : tables.begin[row + 1]]).tolist()
        first = int(tables.first[row])
        tail = 2 * abs(first) * frequencies[-1]
        total = tail + sum(abs(first + i) * f for i, f in enumerate(frequencies[:-1]))
        means.append((total * _FINE) >> 16)
    return np.array([(a + b) // 2 for a, b in itertools.pairwise(means)] + [means[-1] * 5 // 4], np.int64)


@compiled
def _clip(value, limit):
    return min(max(value, -limit), limit)


@compiled
def _neighbors(plane, y, x):
    """Samples to the left, above, above to the left and above to the right, where there is none the next best."""
    if y == 0:
        left = plane[0, x - 1] if x else np.int64(0)
        return left, left, left, left
    above = plane[y - 1, x]
    left = plane[y, x - 1] if x else above
    return left, above, plane[y - 1, x - 1] if x else above, plane[y - 1, x + 1] if x + 1 < plane.shape[1] else above


@compiled
def _inputs(planes, past, known, z, y, x, out):
    """Differences from the mean of four neighbors, times four, that the prediction is weighted of; that sum of four."""
    left, above, corner, right = _neighbors(planes[z], y, x)
    total = left + above + corner + right
    out[0] = _clip(4 * above - total, _LIMIT)
    out[1] = _clip(4 * left - total, _LIMIT)
    out[2] = _clip(4 * corner - total, _LIMIT)
    for k in range(BEFORE):
        if k < z:
            other = planes[z - 1 - k]
            a, b, c, d = _neighbors(other, y, x)
            out[3 + k] = _clip(4 * other[y, x] - (a + b + c + d), _LIMIT)
    if past.shape[0]:
        date_before = past[z - known]
        a, b, c, d = _neighbors(date_before, y, x)
        out[3 + BEFORE] = _clip(4 * date_before[y, x] - (a + b + c + d), _LIMIT)
    return total


@compiled
def _surroundings(errors, z, y, x):
    """The context of a sample: twice the logarithm of how large the errors about it were."""
    left, above, corner, right = _neighbors(errors[z], y, x)
    size = 2 * abs(left) + 2 * abs(above) + abs(corner) + abs(right)
    if z:
        size += 2 * abs(errors[z - 1, y, x])
    context, rest = 0, size
    while rest >= 2:
        rest >>= 1
        context += 2
    if context and size >= 3 << (context // 2 - 1):
        context += 1
    return min(context + (size > 0), _CONTEXTS - _COPIES - 1)


@compiled
def _table(mean, thresholds):
    """The scale of the tables, and how many low bits are coded apart, for errors of this mean size."""
    scale, low = 0, 0
    while scale < SCALES - 1 and mean > thresholds[scale]:
        scale += 1
    while low < _MAX_LOW and mean > thresholds[SCALES - 1] << low:
        low += 1
    return scale, low


@compiled
def _repetition(plane, y, x, repeats):
    """Whether a sample is expected to repeat the one above (1, or 2 where both) or the one to the left (3), or neither (0);
    then whether it would if rows do, and if columns do."""
    left, above, corner, _ = _neighbors(plane, y, x)
    inside = y > 0 and x > 0
    rows, columns = inside and left == corner, inside and above == corner
    sure_above, sure_left = rows and repeats[0] >= _SURE, columns and repeats[1] >= _SURE
    if sure_above:
        return 1 + sure_left, rows, columns
    return 3 * sure_left, rows, columns


@compiled
def _learn_repetition(plane, y, x, rows, columns, repeats):
    left, above, _, _ = _neighbors(plane, y, x)
    if rows:
        repeats[0] += (_CERTAIN * (plane[y, x] == above) - repeats[0]) >> 4
    if columns:
        repeats[1] += (_CERTAIN * (plane[y, x] == left) - repeats[1]) >> 4


@compiled
def _learn_weights(missed, inputs, weights):
    energy = np.int64(64)
    for i in range(_INPUTS):
        energy += inputs[i] * inputs[i]
    for i in range(_INPUTS):
        weights[i] += ((missed * inputs[i]) << (_ONE - _RATE)) // energy
        weights[i] = _clip(weights[i], 4 << _ONE)


@compiled
def _learn_context(context, error, missed, contexts):
    contexts[context, 0] += 1
    contexts[context, 1] += _FINE * abs(error)
    contexts[context, 2] += 8 * missed
    if contexts[context, 0] >= _WINDOW:
        contexts[context] >>= 1


@compiled
def _first_weights(z, dates, weights):
    weights[:] = 0
    if z:
        weights[3] = 3 << (_ONE - 2)
    elif dates:
        weights[3 + BEFORE] = 1 << (_ONE - 1)


@compiled
def _first_contexts():
    """For each context: how many errors it saw, their sum in 1/256, and by how much, in 1/32, predictions were too low."""
    contexts = np.zeros((_CONTEXTS, 3), np.int64)
    contexts[:, 0] = 4
    for context in range(_CONTEXTS - _COPIES):
        contexts[context, 1] = (_FINE // 2) << min(context // 2, 20)
    contexts[_CONTEXTS - _COPIES :, 1] = _FINE // 4
    return contexts


@compiled
def _walk(
    state, words, position, first, begin, cumulative,
    thresholds, planes, coded, past, decoding, out, bits,
):  # fmt: skip
    """Go over all samples in order, as encoder or as decoder.

    Where `planes` has more planes than `coded` and `past`, the first ones are known to both sides.

    The encoder reads `planes` and writes error, row and low bits of each sample that is coded to `out` (N, 3); the decoder
    reads the low `bits` and writes `planes`. Both write predictions where `coded` is False.
    """
    inputs, weights, repeats = np.zeros(_INPUTS, np.int64), np.zeros(_INPUTS, np.int64), np.zeros(2, np.int64)
    contexts, seen = _first_contexts(), np.zeros(planes.shape, np.int64)
    done, read = 0, 0
    known = planes.shape[0] - coded.shape[0]
    for z in range(known, planes.shape[0]):
        plane = planes[z]
        _first_weights(z, past.shape[0], weights)
        inputs[:], repeats[:] = 0, 0
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                total, moved = _inputs(planes, past, known, z, y, x, inputs), 0
                for i in range(_INPUTS):
                    moved += weights[i] * inputs[i]
                copy, rows, columns = _repetition(plane, y, x, repeats)
                if copy:
                    context = _CONTEXTS - copy
                    fine = FRACTIONS * (plane[y, x - 1] if copy == 3 else plane[y - 1, x])
                else:
                    context = _surroundings(seen, z, y, x)
                    fine = total * 8 + (moved >> (_ONE - 3)) + contexts[context, 2] // contexts[context, 0]
                fine = _clip(fine, FRACTIONS * MAX_VALUE)
                center = (fine + FRACTIONS // 2) // FRACTIONS
                if not coded[z - known, y, x]:
                    plane[y, x] = center
                    continue
                scale, low = _table(contexts[context, 1] // contexts[context, 0], thresholds)
                row = FRACTIONS * scale + (FRACTIONS // 2 if low else fine + FRACTIONS // 2 - center * FRACTIONS)
                if decoding:
                    state, symbol = get_symbol(state, row, words, position, first, begin, cumulative)
                    error = _clip(np.int64(symbol), 2 * MAX_VALUE)
                    for bit in bits[read : read + low]:
                        error = 2 * error + bit
                    read += low
                    plane[y, x] = _clip(center + error, MAX_VALUE)
                else:
                    out[done, 0], out[done, 1], out[done, 2] = plane[y, x] - center, row, low
                    done += 1
                seen[z, y, x] = plane[y, x] - center
                missed = 0
                if not copy:
                    missed = _clip(4 * plane[y, x] - total - (moved >> _ONE), _LIMIT)
                    _learn_weights(missed, inputs, weights)
                _learn_context(context, seen[z, y, x], missed, contexts)
                _learn_repetition(plane, y, x, rows, columns, repeats)
    if decoding and read != bits.size:
        position[1] = 1
    return state


@compiled
def _low_bits(errors, shifts, bits):
    count = 0
    for i in range(errors.size):
        for k in range(shifts[i] - 1, -1, -1):
            bits[count] = (errors[i] >> k) & 1
            count += 1


def _check(planes: np.ndarray, coded: np.ndarray, past: np.ndarray | None, known: np.ndarray | None) -> None:
    unlike_past = past is not None and past.shape != planes.shape
    if planes.ndim != 3 or coded.shape != planes.shape or unlike_past:
        raise ValueError(f"planes {planes.shape}, coded {coded.shape} and past must be alike and (planes, y, x)")
    if known is not None and known.shape[1:] != planes.shape[1:]:
        raise ValueError(f"known planes {known.shape} must be as large as planes {planes.shape}")


def encode_planes(
    planes: np.ndarray,
    coded: np.ndarray,
    past: np.ndarray | None,
    known: np.ndarray | None = None,
) -> tuple[bytes, np.ndarray]:
    """The bytes of planes, *stable*, and the planes as decoded.

    Parameters
    ----------
    planes
        Integers, (planes, y, x).
    coded
        bool, (planes, y, x): whether a sample is coded; the others come back as predicted.
    past
        The decoded planes of the date before, (planes, y, x), or None.
    known
        Planes (any number, y, x) that the decoder has, too: they are predicted from as if coded
        before the others.

    Returns
    -------
    data, seen
        The bytes, and int64 (planes, y, x) as the decoder finds them.

    Raises
    ------
    ValueError
        Where shapes differ or a sample is beyond plus or minus `MAX_VALUE`.
    """
    _check(planes, coded, past, known)
    planes = planes.astype(np.int64)
    greatest = np.abs(planes[coded]).max(initial=0)
    if greatest > MAX_VALUE:
        raise ValueError(f"samples must be within plus and minus {MAX_VALUE}, got {greatest}")
    walked = _behind(known, planes)
    out = np.empty((int(coded.sum()), 3), np.int64)
    tables = shipped()
    none = np.empty(0, np.uint16)
    _walk(
        np.uint64(0), none, np.zeros(2, np.int64), tables.first, tables.begin, tables.cumulative,
        _thresholds(), walked, coded, _past(past), False, out, np.empty(0, np.uint8),
    )  # fmt: skip
    errors, rows, shifts = out.T
    bits = np.empty(int(shifts.sum()), np.uint8)
    _low_bits(errors, shifts, bits)
    stream = encode_symbols(errors >> shifts, rows, tables)
    data = len(bits).to_bytes(4, "big") + np.packbits(bits).tobytes() + stream
    return data, walked[len(walked) - len(planes) :]


def decode_planes(data: bytes, coded: np.ndarray, past: np.ndarray | None, known: np.ndarray | None = None) -> np.ndarray:
    """The planes, int64 (planes, y, x), of `encode_planes`; the other arguments are the same.

    Raises
    ------
    DamagedChunkError
        Where the bytes do not fit.
    """
    count = int.from_bytes(data[:4], "big")
    begin = 4 + -(-count // 8)
    if len(data) < begin:
        raise DamagedChunkError(f"{count} low bits of planes in {len(data)} bytes")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, begin - 4, offset=4), count=count)
    decoder = Decoder(data[begin:], shipped())
    walked = _behind(known, np.zeros(coded.shape, np.int64))
    none = np.empty((0, 3), np.int64)
    decoder.run(_walk, _thresholds(), walked, coded, _past(past), True, none, bits)
    decoder.finish()
    return walked[len(walked) - len(coded) :]


def _behind(known: np.ndarray | None, planes: np.ndarray) -> np.ndarray:
    """`planes` behind those that are known, int64 (planes, y, x)."""
    return planes if known is None else np.concatenate([known.astype(np.int64), planes])


def _past(past: np.ndarray | None) -> np.ndarray:
    return np.empty((0, 0, 0), np.int64) if past is None else past
