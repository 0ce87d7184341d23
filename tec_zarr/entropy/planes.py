"""Planes of integers to bits and back, losslessly: bands of one date, each predicted from what was
coded before it.

Every sample is predicted from its neighbors above and to the left, from the three planes before it
at the same place and from the same plane of the date before, with weights that follow the data
(normalized least mean squares, much as in CCSDS 123.0-B-2, Low-Complexity Lossless and
Near-Lossless Multispectral and Hyperspectral Image Compression); where rows or columns were
repeating themselves, as in bands that came from a coarser grid, it is predicted to repeat. The
error is coded by rANS under a row of the shipped tables that follows the size of errors in like
surroundings (contexts as in LOCO-I, Weinberger et al., IEEE Trans. Image Processing 2000). All
arithmetic is on integers: every machine finds the same numbers.

The bytes, *stable*:

    count       u32         low bits
    low bits    ⌈count/8⌉   of errors too large for the tables, most significant bit first, zeros to
                            a whole byte
    stream      the rest    rANS of the errors, plane by plane in raster order, samples that are not
                            coded left out
"""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.compiling import compiled
from tec_zarr.entropy.distribution import FRACTIONS
from tec_zarr.entropy.plane_model import (
    CONTEXTS,
    INPUTS,
    LIMIT,
    ONE,
    clipped,
    context_of,
    find_repetition,
    first_contexts,
    first_weights,
    gather_inputs,
    learn_context,
    learn_repetition,
    learn_weights,
    make_thresholds,
    table_of,
)
from tec_zarr.entropy.rans import Decoder, encode_symbols, get_symbol
from tec_zarr.entropy.tables import shipped
from tec_zarr.errors import DamagedChunkError

MAX_VALUE = 1 << 26
"""Samples stay within plus and minus this."""


@compiled
def _walk(
    state, words, position, first, begin, cumulative,
    thresholds, planes, coded, past, decoding, out, bits,
):  # fmt: skip
    """Go over all samples in order, as encoder or as decoder.

    Where `planes` has more planes than `coded` and `past`, the first ones are known to both sides.

    The encoder reads `planes` and writes error, row and low bits of each sample that is coded to
    `out` (N, 3); the decoder reads the low `bits` and writes `planes`. Both write predictions
    where `coded` is False.
    """
    inputs = np.zeros(INPUTS, np.int64)
    weights = np.zeros(INPUTS, np.int64)
    repeats = np.zeros(2, np.int64)
    contexts = first_contexts()
    seen = np.zeros(planes.shape, np.int64)
    done = 0
    read = 0
    known = planes.shape[0] - coded.shape[0]
    for z in range(known, planes.shape[0]):
        plane = planes[z]
        first_weights(z, past.shape[0], weights)
        inputs[:], repeats[:] = 0, 0
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                total = gather_inputs(planes, past, known, z, y, x, inputs)
                moved = 0
                for i in range(INPUTS):
                    moved += weights[i] * inputs[i]
                copy, rows, columns = find_repetition(plane, y, x, repeats)
                if copy:
                    context = CONTEXTS - copy
                    fine = FRACTIONS * (plane[y, x - 1] if copy == 3 else plane[y - 1, x])
                else:
                    context = context_of(seen, z, y, x)
                    fine = (
                        total * 8
                        + (moved >> (ONE - 3))
                        + contexts[context, 2] // contexts[context, 0]
                    )
                fine = clipped(fine, FRACTIONS * MAX_VALUE)
                center = (fine + FRACTIONS // 2) // FRACTIONS
                if not coded[z - known, y, x]:
                    plane[y, x] = center
                    continue
                scale, low = table_of(contexts[context, 1] // contexts[context, 0], thresholds)
                row = FRACTIONS * scale + (
                    FRACTIONS // 2 if low else fine + FRACTIONS // 2 - center * FRACTIONS
                )
                if decoding:
                    state, symbol = get_symbol(
                        state, row, words, position, first, begin, cumulative
                    )
                    error = clipped(np.int64(symbol), 2 * MAX_VALUE)
                    for bit in bits[read : read + low]:
                        error = 2 * error + bit
                    read += low
                    plane[y, x] = clipped(center + error, MAX_VALUE)
                else:
                    out[done, 0], out[done, 1], out[done, 2] = plane[y, x] - center, row, low
                    done += 1
                seen[z, y, x] = plane[y, x] - center
                missed = 0
                if not copy:
                    missed = clipped(4 * plane[y, x] - total - (moved >> ONE), LIMIT)
                    learn_weights(missed, inputs, weights)
                learn_context(context, seen[z, y, x], missed, contexts)
                learn_repetition(plane, y, x, rows, columns, repeats)
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


def _check(
    planes: np.ndarray, coded: np.ndarray, past: np.ndarray | None, known: np.ndarray | None
) -> None:
    unlike_past = past is not None and past.shape != planes.shape
    if planes.ndim != 3 or coded.shape != planes.shape or unlike_past:
        raise ValueError(
            f"planes {planes.shape}, coded {coded.shape} and past must be alike and (planes, y, x)"
        )
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
        make_thresholds(), walked, coded, _past(past), False, out, np.empty(0, np.uint8),
    )  # fmt: skip
    errors, rows, shifts = out.T
    bits = np.empty(int(shifts.sum()), np.uint8)
    _low_bits(errors, shifts, bits)
    stream = encode_symbols(errors >> shifts, rows, tables)
    data = len(bits).to_bytes(4, "big") + np.packbits(bits).tobytes() + stream
    return data, walked[len(walked) - len(planes) :]


def decode_planes(
    data: bytes, coded: np.ndarray, past: np.ndarray | None, known: np.ndarray | None = None
) -> np.ndarray:
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
    decoder.run(_walk, make_thresholds(), walked, coded, _past(past), True, none, bits)
    decoder.finish()
    return walked[len(walked) - len(coded) :]


def _behind(known: np.ndarray | None, planes: np.ndarray) -> np.ndarray:
    """`planes` behind those that are known, int64 (planes, y, x)."""
    return planes if known is None else np.concatenate([known.astype(np.int64), planes])


def _past(past: np.ndarray | None) -> np.ndarray:
    return np.empty((0, 0, 0), np.int64) if past is None else past
