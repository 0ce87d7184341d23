"""Side information to bytes and back, by differences from the date before. *Stable.*

One adaptive stream (`tec_zarr.entropy.adaptive`) of, in this order:

    step       1 bit: that of the date before; else the float32's 32 bits
    origin     2 bits
    native     1 bit a band, under whether the date before has it, or else the band before
    means      1 bit: whether the differences from the date before are sent by difference from band
               to band; 5 bits: how many low bits are sent as they are; for each band the rest of
               its difference; then the low bits
    counts     for each zone the difference from the date before, or from the zone below
    zones      for each with components: start, digits, number of rotations, and these
               (`_walk_rotations`)
    energies   for each component of a zone that counts: the difference from the date before, or
               from the component before
    live       for each such component and frequency of the zone one bit, in the order of components
               and frequencies

Encoding and decoding are one walk: values go into the coder and come out as they are, or as they
were.
"""

from __future__ import annotations

import struct

import numpy as np

from tec_zarr.entropy.adaptive import contexts
from tec_zarr.entropy.adaptive_coder import Coder, Decoder, Encoder
from tec_zarr.errors import DamagedChunkError
from tec_zarr.transform import side_models as models
from tec_zarr.transform.side import (
    Side,
    make_bases,
)
from tec_zarr.transform.side_zones import code_counts, code_energies, code_live, code_zones

LEAST_STEP = 1e-3
MOST_STEP = 1e6
MOST_MEAN = 1 << 40


def pack(side: Side, before: Side | None) -> bytes:
    """The bytes of side information, given that of the date before. *Stable.*"""
    encoder = Encoder()
    _walk(encoder, side, side.bands, before)
    return encoder.finish()


def parse(data: bytes, bands: int, before: Side | None) -> Side:
    """Undo `pack`. Raises DamagedChunkError where the bytes are not those of side information."""
    decoder = Decoder(data)
    side = _walk(decoder, None, bands, before)
    decoder.finish()
    return side


def _walk(coder: Coder, side: Side | None, bands: int, before: Side | None) -> Side:
    """Code `side`, or decode what is None; either way the side information comes back."""
    step = _code_step(coder, side, before)
    origin = _code_origin(coder, side)
    native = _code_native(coder, side, bands, before)
    mean_codes = _code_means(coder, side, bands, before, step)
    counts = code_counts(coder, side, bands, before)
    zones = code_zones(coder, side, bands, counts, before)
    bases = make_bases(zones, bands, before) if side is None else side.bases
    energies = code_energies(coder, side, bands, counts, before, step)
    live = code_live(coder, side, counts, energies, before)
    return Side(step, origin, native, mean_codes, counts, zones, bases, energies, live)


def _code_step(coder: Coder, side: Side | None, before: Side | None) -> float:
    if before is not None:
        differs = side is not None and side.step != before.step
        if not models.bit(coder, int(differs), zero=0.97):
            return before.step
    pattern = 0 if side is None else struct.unpack(">I", struct.pack(">f", side.step))[0]
    step = struct.unpack(">f", struct.pack(">I", models.even(coder, pattern, 32)))[0]
    if not LEAST_STEP <= step <= MOST_STEP:
        raise DamagedChunkError(f"a quantization step of {step} DN")
    return step


def _code_origin(coder: Coder, side: Side | None) -> tuple[int, int]:
    given = (0, 0) if side is None else side.origin
    first = models.bit(coder, given[0], zero=0.9)
    second = models.bit(coder, given[1], zero=0.9)
    return first, second


def _code_native(coder: Coder, side: Side | None, bands: int, before: Side | None) -> np.ndarray:
    values = np.zeros(bands, np.int64) if side is None else side.native.astype(np.int64)
    if before is not None:
        model = contexts(2, seen=3)
        model[:, 0] = (64000, 1500)  # as the date before, most likely
        return coder.bits(values, model, before.native.astype(np.int64)).astype(bool)
    model = contexts(2, zero=0.8, seen=2)
    out = np.zeros(bands, bool)
    last = 0
    for band in range(bands):
        value = values[band : band + 1].copy()
        last = int(coder.bits(value, model, np.array([last], np.int64))[0])
        out[band] = last
    return out


def _code_means(
    coder: Coder, side: Side | None, bands: int, before: Side | None, step: float
) -> np.ndarray:
    """Means; the differences are sent with as many low bits apart as are noise."""
    expected = np.zeros(bands, np.int64)
    if before is not None:
        moved = np.rint(before.mean_codes * (before.step / step))
        expected = np.clip(moved, -MOST_MEAN, MOST_MEAN).astype(np.int64)
    differences = np.zeros(bands, np.int64)
    chained = 1
    shift = 0
    if side is not None:
        differences = side.mean_codes - expected
        steps = np.diff(differences, prepend=0)
        chained = int(np.abs(steps).sum() < np.abs(differences).sum())
        differences = steps if chained else differences
        shift = models.best_shift(differences)
    chained = models.bit(coder, chained)
    shift = models.even(coder, shift, 5)
    high = coder.signed(
        differences >> shift, models.expecting(models.MEANS), np.zeros(bands, np.int64)
    )
    low = differences & ((1 << shift) - 1)
    if shift:
        low = coder.even(low, np.full(bands, shift, np.int64))
    found = (high << shift) | low
    if chained:
        found = np.cumsum(found)
    found += expected
    if np.abs(found).max(initial=0) > MOST_MEAN:
        raise DamagedChunkError("impossible means in side information")
    return found
