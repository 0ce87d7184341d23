"""The border between float and integer: predicted means and scales to rows of the frequency tables.

Nothing else in the codec turns a float that two machines must agree on into an integer. The prior runs in float64, where
machines differ by some 1e-15; a value that lies closer than `GUARD` to a rounding edge is refused, the encoder moves the
whole grid by the next of 256 offsets and tries again, and the offset travels in the stream. Hence every machine
whose float64 results are within `GUARD` of a grid step of the encoder's derives the same rows.
"""

from __future__ import annotations

import dataclasses
import math
import zlib

import numpy as np

from tec_zarr.entropy.distribution import FRACTIONS, MAX_SCALE, MIN_SCALE, SCALES
from tec_zarr.errors import InvalidInputError

GUARD = 1e-8
"""Least distance from a rounding edge, in grid steps."""

OFFSETS = 256
NUDGE = 2.0**-13
"""What one offset moves the grid by, in grid steps: all of them together by 1/32."""

MAX_MEAN = 2.0**16
"""Means are limited to this: up to here, float64 results that differ by 1e-15 of themselves keep within `GUARD`."""

STEPS_PER_LOG = (SCALES - 1) / math.log(MAX_SCALE / MIN_SCALE)


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """Integers `centers` to code symbols relative to, table `rows`, and `margin`, the least distance from an edge."""

    centers: np.ndarray
    rows: np.ndarray
    margin: float


def place(means: np.ndarray, scales: np.ndarray, offset: int) -> Placement:
    """Place float64 means and scales (N,), in quantization steps, on the grid moved by `offset` (0 to 255).

    Raises FloatingPointError where a value is not finite.
    """
    if not (np.isfinite(means).all() and np.isfinite(scales).all()):
        raise FloatingPointError("the prior gave a mean or scale that is not finite")
    fine = np.clip(means, -MAX_MEAN, MAX_MEAN) * FRACTIONS + offset * NUDGE
    log_scale = np.log(np.clip(scales, MIN_SCALE, MAX_SCALE) / MIN_SCALE) * STEPS_PER_LOG + offset * NUDGE
    mean_index, mean_margin = _round(fine)
    scale_index, scale_margin = _round(log_scale)
    half = FRACTIONS // 2
    centers = (mean_index + half) // FRACTIONS
    fraction = mean_index + half - centers * FRACTIONS
    scale_index = np.minimum(scale_index, SCALES - 1)
    return Placement(
        centers.astype(np.int32), (scale_index * FRACTIONS + fraction).astype(np.int32), min(mean_margin, scale_margin)
    )


def _round(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Round half up; also the least distance of a value from a point between two integers."""
    floor = np.floor(values + 0.5)
    margin = 0.5 - np.abs(values - floor).max(initial=0.0)
    return floor.astype(np.int64), float(margin)


def place_unambiguous(means: np.ndarray, scales: np.ndarray, least: int = 0) -> tuple[int, Placement]:
    """The first offset from `least` on whose placement keeps `GUARD`, and that placement; for encoders.

    Raises InvalidInputError where none does: a frame of some hundred million latents.
    """
    for offset in range(least, OFFSETS):
        placement = place(means, scales, offset)
        if placement.margin >= GUARD:
            return offset, placement
    raise InvalidInputError(f"a frame of {means.size} latents is too large to code without ambiguity; choose smaller chunks")


def rows_crc(centers: np.ndarray, rows: np.ndarray, seed: int = 0) -> int:
    """CRC-32 of centers and rows, continuing from `seed`: tells whether two machines derived the same ones."""
    for integers in (centers, rows):
        seed = zlib.crc32(integers.astype(">i4").tobytes(), seed)
    return seed
