"""Side information to bytes and back, by differences from the date before. *Stable.*

One adaptive stream (`tec_zarr.entropy.adaptive`) of, in this order:

    step       1 bit: that of the date before; else the float32's 32 bits
    origin     2 bits
    native     1 bit a band, under whether the date before has it, or else the band before
    means      5 bits: how many low bits are sent as they are; for each band the rest of the difference from the date
               before, or from the band before, then the low bits
    counts     for each zone the difference from the date before, or from the zone below
    zones      for each with components: start, fineness, number of rotations, for each of these i, j - i - 1, angle
    energies   for each component of a zone that counts: the difference from the date before, or from the component before
    live       for each such component and frequency of the zone one bit, in the order of components and frequencies

Encoding and decoding are one walk: values go into the coder and come out as they are, or as they were.
"""

from __future__ import annotations

import struct

import numpy as np

from tec_zarr.entropy.adaptive import CONTEXTS, Coder, Decoder, Encoder, code_bit, contexts
from tec_zarr.entropy.rans import compiled
from tec_zarr.errors import DamagedChunkError
from tec_zarr.transform.frequencies import BLOCK, FREQUENCIES, ZONE, ZONES
from tec_zarr.transform.live_table import LIVE_BUCKETS, live_model
from tec_zarr.transform.rotations import LEAST_FINENESS, MOST_FINENESS, MOST_ROTATIONS
from tec_zarr.transform.side import (
    DEAD,
    LEAST_ENERGY,
    MOST_ENERGY,
    ZONE_COUNT,
    Side,
    ZoneBasis,
    coded_zones,
    empty_live,
    make_bases,
)
from tec_zarr.transform.spread import spread_of

LEAST_STEP = 1e-3
MOST_STEP = 1e6
MOST_MEAN = 1 << 40
FIRST_ENERGY = 40
"""Expected of the first component of the lowest zone."""


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
    counts = _code_counts(coder, side, bands, before)
    zones = _code_zones(coder, side, bands, counts, before)
    bases = make_bases(zones, bands, before) if side is None else side.bases
    energies = _code_energies(coder, side, bands, counts, before, step)
    live = _code_live(coder, side, counts, energies, before)
    return Side(step, origin, native, mean_codes, counts, zones, bases, energies, live)


def _bit(coder: Coder, value: int, zero: float = 0.5) -> int:
    model = contexts(1, zero=zero, seen=4)
    return int(coder.bits(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def _even(coder: Coder, value: int, width: int) -> int:
    return int(coder.even(np.array([value], np.int64), np.array([width], np.int64))[0])


def _unsigned(coder: Coder, value: int, model: np.ndarray) -> int:
    return int(coder.unsigned(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def _signed(coder: Coder, value: int, model: np.ndarray) -> int:
    return int(coder.signed(np.array([value], np.int64), model, np.zeros(1, np.int64))[0])


def _fresh(rows: int = 1, zero: float = 0.5) -> np.ndarray:
    return contexts(rows, CONTEXTS, zero=zero, seen=2)


def _code_step(coder: Coder, side: Side | None, before: Side | None) -> float:
    if before is not None:
        differs = side is not None and side.step != before.step
        if not _bit(coder, int(differs), zero=0.97):
            return before.step
    pattern = 0 if side is None else struct.unpack(">I", struct.pack(">f", side.step))[0]
    step = struct.unpack(">f", struct.pack(">I", _even(coder, pattern, 32)))[0]
    if not LEAST_STEP <= step <= MOST_STEP:
        raise DamagedChunkError(f"a quantization step of {step} DN")
    return step


def _code_origin(coder: Coder, side: Side | None) -> tuple[int, int]:
    given = (0, 0) if side is None else side.origin
    first = _bit(coder, given[0], zero=0.9)
    second = _bit(coder, given[1], zero=0.9)
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


def _code_means(coder: Coder, side: Side | None, bands: int, before: Side | None, step: float) -> np.ndarray:
    """Means; the differences are sent with as many low bits apart as are noise."""
    expected = np.zeros(bands, np.int64)
    if before is not None:
        expected = np.rint(before.mean_codes * (before.step / step)).astype(np.int64)
    differences = np.zeros(bands, np.int64)
    shift = 0
    if side is not None:
        differences = side.mean_codes - expected
        if before is None:
            differences = np.diff(differences, prepend=0)
        typical = max(float(np.abs(differences).mean()), 1.0)
        shift = max(int(np.log2(typical)), 0)
    shift = _even(coder, shift, 5)
    high = coder.signed(differences >> shift, _fresh(), np.zeros(bands, np.int64))
    low = differences & ((1 << shift) - 1)
    if shift:
        low = coder.even(low, np.full(bands, shift, np.int64))
    found = (high << shift) | low
    if before is None:
        found = np.cumsum(found)
    if np.abs(found).max(initial=0) > MOST_MEAN:
        raise DamagedChunkError("impossible means in side information")
    return found + expected


def _code_counts(coder: Coder, side: Side | None, bands: int, before: Side | None) -> tuple[int, ...]:
    model = _fresh(2)
    out: list[int] = []
    last = bands // 2
    for zone in range(ZONE_COUNT):
        expected = last if before is None else before.counts[zone]
        own = 0 if side is None else side.counts[zone] - expected
        row = np.array([int(before is not None)], np.int64)
        count = expected + int(coder.signed(np.array([own], np.int64), model, row)[0])
        if not 0 <= count <= bands:
            raise DamagedChunkError(f"{count} components in side information of {bands} bands")
        out.append(count)
        last = count
    return tuple(out)


def _code_zones(
    coder: Coder, side: Side | None, bands: int, counts: tuple[int, ...], before: Side | None
) -> tuple[ZoneBasis | None, ...]:
    starts = _fresh()
    finenesses = _fresh()
    lengths = _fresh()
    pairs = _fresh(2)
    expected = LEAST_FINENESS + 1
    out: list[ZoneBasis | None] = []
    for zone in range(ZONE_COUNT):
        own = None if side is None else side.zones[zone]
        if zone >= coded_zones(counts):
            out.append(None)
            continue
        start = _unsigned(coder, 0 if own is None else own.start, starts)
        fineness = expected + _signed(coder, 0 if own is None else own.fineness - expected, finenesses)
        count = _unsigned(coder, 0 if own is None else len(own.rotations), lengths)
        if not LEAST_FINENESS <= fineness <= MOST_FINENESS or count > MOST_ROTATIONS:
            raise DamagedChunkError(f"{count} rotations of fineness {fineness} in side information")
        rotations = np.zeros((count, 3), np.int64) if own is None else own.rotations
        out.append(ZoneBasis(start, fineness, _code_rotations(coder, rotations, bands, fineness, pairs)))
        expected = fineness
    return tuple(out)


def _code_rotations(
    coder: Coder, rotations: np.ndarray, bands: int, fineness: int, pairs: np.ndarray
) -> np.ndarray:
    count = len(rotations)
    first = coder.unsigned(rotations[:, 0].copy(), pairs, np.zeros(count, np.int64))
    gaps = coder.unsigned(rotations[:, 1] - rotations[:, 0] - 1, pairs, np.ones(count, np.int64))
    second = first + 1 + gaps
    if count and second.max() >= bands:
        raise DamagedChunkError(f"a rotation of component {second.max()} of {bands}")
    least = -(1 << (fineness - 1)) + 1
    codes = coder.even(rotations[:, 2] - least, np.full(count, fineness, np.int64)) + least
    return np.stack([first, second, codes], 1)


def _code_energies(
    coder: Coder, side: Side | None, bands: int, counts: tuple[int, ...], before: Side | None, step: float
) -> np.ndarray:
    model = _fresh(2, zero=0.4)
    moved = 0
    if before is not None and before.step != step:
        moved = int(np.rint(4 * np.log2(before.step / step)))
    out = np.full((ZONE_COUNT, bands), DEAD, np.int64)
    for zone, count in enumerate(counts):
        for component in range(count):
            known = before is not None and component < before.counts[zone]
            if known:
                expected = before.energies[zone, component] + moved
            elif component:
                expected = out[zone, component - 1] - 4
            else:
                expected = out[zone - 1, 0] - 10 if zone else FIRST_ENERGY
            own = 0 if side is None else side.energies[zone, component] - expected
            row = np.array([int(known)], np.int64)
            energy = expected + coder.signed(np.array([own], np.int64), model, row)[0]
            if not LEAST_ENERGY <= energy <= MOST_ENERGY:
                raise DamagedChunkError(f"an energy of {energy} in side information")
            out[zone, component] = energy
    return out


@compiled
def _walk_live(state, data, model, eighths, counted, known, before, live):
    """Code the map `live` (C, 256) in place, under what is expected and what is live beside a channel."""
    for component in range(live.shape[0]):
        for frequency in range(live.shape[1]):
            if not counted[component, frequency]:
                continue
            bucket = min(max((eighths[component, frequency] + LIVE_BUCKETS) >> 1, 0), LIVE_BUCKETS - 1)
            earlier = 0
            if known:
                earlier = 2 if before[component, frequency] else 1
            beside = 0
            if frequency % BLOCK == 0 or live[component, frequency - 1]:
                beside += 1
            if frequency < BLOCK or live[component, frequency - BLOCK]:
                beside += 1
            context = (bucket * 3 + earlier) * 3 + beside
            live[component, frequency] = code_bit(state, data, model[context], live[component, frequency])


def _code_live(
    coder: Coder, side: Side | None, counts: tuple[int, ...], energies: np.ndarray, before: Side | None
) -> np.ndarray:
    bands = energies.shape[1]
    counted = np.empty((bands, FREQUENCIES), bool)
    for zone, frequencies in enumerate(ZONES):
        counted[:, frequencies] = (np.arange(bands) < counts[zone])[:, None]
    eighths = 2 * energies[ZONE].T + spread_of(bands)
    live = empty_live(bands).astype(np.int64) if side is None else side.live.astype(np.int64)
    earlier = empty_live(bands) if before is None else before.live
    most = bands * FREQUENCIES
    coder.run(_walk_live, most, live_model(), eighths, counted, before is not None, earlier, live)
    return live.astype(bool)
