"""The zones of side information: rotations, energies and live channels."""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.adaptive import CONTEXTS, code_bit, code_even, code_unsigned
from tec_zarr.entropy.adaptive_coder import Coder
from tec_zarr.entropy.compiling import compiled
from tec_zarr.errors import DamagedChunkError
from tec_zarr.transform import side_models as models
from tec_zarr.transform.basis import FINENESS, RIGHT_ANGLE
from tec_zarr.transform.frequencies import BLOCK, FREQUENCIES, ZONE, ZONES
from tec_zarr.transform.live_table import LIVE_BUCKETS, live_model
from tec_zarr.transform.rotations import LEAST_DIGITS, MOST_ROTATIONS
from tec_zarr.transform.side import (
    DEAD,
    LEAST_ENERGY,
    MOST_ENERGY,
    ZONE_COUNT,
    Side,
    ZoneBasis,
    coded_zones,
    empty_live,
)
from tec_zarr.transform.spread import spread_of

DIGITS_BITS = 2

FIRST_ENERGY = 40
"""Expected of the first component of the lowest zone."""


def code_counts(
    coder: Coder, side: Side | None, bands: int, before: Side | None
) -> tuple[int, ...]:
    model = models.expecting(*models.COUNTS)
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


def code_zones(
    coder: Coder, side: Side | None, bands: int, counts: tuple[int, ...], before: Side | None
) -> tuple[ZoneBasis | None, ...]:
    starts = models.expecting(models.STARTS[int(before is not None)])
    lengths = models.expecting(models.LENGTHS, seen=3)
    model = models.expecting(
        models.FIRST_COLUMNS, models.COLUMN_GAPS, models.HALVINGS, models.MINUS
    )
    out: list[ZoneBasis | None] = []
    for zone in range(ZONE_COUNT):
        own = None if side is None else side.zones[zone]
        if zone >= coded_zones(counts):
            out.append(None)
            continue
        start = models.unsigned(coder, 0 if own is None else own.start, starts)
        digits = LEAST_DIGITS + models.even(
            coder, 0 if own is None else own.digits - LEAST_DIGITS, DIGITS_BITS
        )
        count = models.unsigned(coder, 0 if own is None else len(own.rotations), lengths)
        if count > MOST_ROTATIONS:
            raise DamagedChunkError(f"{count} rotations in side information")
        rotations = np.zeros((count, 3), np.int64) if own is None else own.rotations.copy()
        coder.run(_walk_rotations, count * 4 * CONTEXTS, model, digits, rotations)
        if count and rotations[:, 1].max() >= bands:
            raise DamagedChunkError(f"a rotation of component {rotations[:, 1].max()} of {bands}")
        if count and rotations[:, 2].max() > RIGHT_ANGLE:
            raise DamagedChunkError("a rotation beyond a right angle")
        out.append(ZoneBasis(start, digits, rotations))
    return tuple(out)


@compiled
def _walk_rotations(state, data, model, digits, rotations):
    """Code `rotations` (n, 3) in place, each as four numbers.

    i, then j - i - 1, then how many halvings the angle is below a right angle, and, unless it is
    one, minus as a bit and the rest of its digits as they are.
    """
    for k in range(rotations.shape[0]):
        rotations[k, 0] = code_unsigned(state, data, model[0], rotations[k, 0])
        gap = code_unsigned(state, data, model[1], rotations[k, 1] - rotations[k, 0] - 1)
        rotations[k, 1] = rotations[k, 0] + 1 + gap
        code = rotations[k, 2]
        magnitude = abs(code)
        halvings = np.int64(0)
        while halvings < FINENESS - 1 and magnitude << halvings < RIGHT_ANGLE:
            halvings += 1
        halvings = code_unsigned(state, data, model[2], halvings)
        if halvings == 0:
            rotations[k, 2] = RIGHT_ANGLE
            continue
        if halvings >= FINENESS:
            # Past the finest angle: the caller finds it too large.
            rotations[k, 2] = RIGHT_ANGLE + 1
            continue
        minus = code_bit(state, data, model[3, 0], np.int64(code < 0))
        leading = FINENESS - 1 - halvings
        width = min(digits - 1, leading)
        shift = leading - width
        rest = code_even(state, data, width, (magnitude >> shift) - (np.int64(1) << width))
        magnitude = ((np.int64(1) << width) + rest) << shift
        rotations[k, 2] = -magnitude if minus else magnitude


def code_energies(
    coder: Coder,
    side: Side | None,
    bands: int,
    counts: tuple[int, ...],
    before: Side | None,
    step: float,
) -> np.ndarray:
    model = models.expecting(*models.ENERGIES)
    moved = 0
    if before is not None and before.step != step:
        moved = models.quarter_octaves(before.step) - models.quarter_octaves(step)
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
    """Code the map `live` (C, 256) in place, under what is expected and what is live beside a
    channel."""
    for component in range(live.shape[0]):
        for frequency in range(live.shape[1]):
            if not counted[component, frequency]:
                continue
            bucket = min(
                max((eighths[component, frequency] + LIVE_BUCKETS) >> 1, 0), LIVE_BUCKETS - 1
            )
            earlier = 0
            if known:
                earlier = 2 if before[component, frequency] else 1
            beside = 0
            if frequency % BLOCK == 0 or live[component, frequency - 1]:
                beside += 1
            if frequency < BLOCK or live[component, frequency - BLOCK]:
                beside += 1
            context = (bucket * 3 + earlier) * 3 + beside
            live[component, frequency] = code_bit(
                state, data, model[context], live[component, frequency]
            )


def code_live(
    coder: Coder,
    side: Side | None,
    counts: tuple[int, ...],
    energies: np.ndarray,
    before: Side | None,
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
