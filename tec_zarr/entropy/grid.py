"""The border between float and integer: predicted means and scales to rows of the frequency tables.

Nothing else in the codec turns a float that two machines must agree on into an integer. The
prior runs in float64, where machines differ by some 1e-15; a value that lies closer than `GUARD`
to a rounding edge is refused, the encoder moves the whole grid by the next of 256 offsets and
tries again, and the offset travels in the stream. Hence every machine whose float64 results are
within `GUARD` of a grid step of the encoder's derives the same rows.
"""

from __future__ import annotations

import dataclasses
import math
import zlib

import numpy as np

from tec_zarr.entropy.distribution import FRACTIONS, MAX_SCALE, MIN_SCALE, SCALES
from tec_zarr.entropy.tables import SHIPPED_ROWS
from tec_zarr.errors import InvalidInputError

GUARD = 1e-7
"""Least distance from a rounding edge, in grid steps."""

OFFSETS = 256
NUDGE = 2.0**-13
"""What one offset moves the grid by, in grid steps: all of them together by 1/32."""

MAX_MEAN = 2.0**19
"""Means are limited to this: up to here, float64 results that differ by 1e-15 of themselves keep
within `GUARD`."""

STEPS_PER_LOG = (SCALES - 1) / math.log(MAX_SCALE / MIN_SCALE)

MAX_SHIFT = 20
"""Low bits that a symbol is cut by at most: scales go on to 2**20 times the largest of the
tables."""

MAX_SCALE_BEYOND = MAX_SCALE * 2.0**MAX_SHIFT

OWN_ROWS = 1 << 16
"""What rows of tables that a model adds are counted from."""

_MILLI_STEPS_PER_OCTAVE = round(1000 * STEPS_PER_LOG * math.log(2))


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """Integers `centers` to code symbols relative to, `rows`, and `margin`, the least distance from
    an edge.

    Rows go on beyond those of the tables; `cut` says how symbols under them are coded.
    """

    centers: np.ndarray
    rows: np.ndarray
    margin: float


def place(means: np.ndarray, scales: np.ndarray, offset: int) -> Placement:
    """Place float64 means and scales (N,), in quantization steps, on the grid moved by `offset` (0
    to 255).

    Raises FloatingPointError where a value is not finite.
    """
    if not (np.isfinite(means).all() and np.isfinite(scales).all()):
        raise FloatingPointError("the prior gave a mean or scale that is not finite")
    fine = np.clip(means, -MAX_MEAN, MAX_MEAN) * FRACTIONS + offset * NUDGE
    log_scale = (
        np.log(np.clip(scales, MIN_SCALE, MAX_SCALE_BEYOND) / MIN_SCALE) * STEPS_PER_LOG
        + offset * NUDGE
    )
    mean_index, mean_margin = _round(fine)
    scale_index, scale_margin = _round(log_scale)
    half = FRACTIONS // 2
    centers = (mean_index + half) // FRACTIONS
    fraction = mean_index + half - centers * FRACTIONS
    return Placement(
        centers.astype(np.int32),
        (scale_index * FRACTIONS + fraction).astype(np.int32),
        min(mean_margin, scale_margin),
    )


def cut(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the tables (N,), and by how many low bits (N,) symbols are cut before they are coded
    under them.

    Rows of a step are all of the grid, or all from `OWN_ROWS` on: rows of tables that a model
    adds, as they are. Of a cut symbol, high * 2**shift + low, the high part has a mean of about
    -1/2 and a scale within the tables.
    """
    over = rows // FRACTIONS - (SCALES - 1)
    if over.max(initial=0) <= 0:
        return rows, np.zeros(len(rows), np.int64)
    if rows[0] >= OWN_ROWS:
        return rows - (OWN_ROWS - SHIPPED_ROWS), np.zeros(len(rows), np.int64)
    shifts = np.maximum(-(-over * 1000 // _MILLI_STEPS_PER_OCTAVE), 0).astype(np.int64)
    down = (shifts * _MILLI_STEPS_PER_OCTAVE + 500) // 1000
    scale_index = np.minimum(rows // FRACTIONS - down, SCALES - 1)
    fraction = np.where(shifts > 0, 0, rows % FRACTIONS)
    return (scale_index * FRACTIONS + fraction).astype(np.int32), shifts


def rows_of_octaves(eighths: np.ndarray) -> np.ndarray:
    """Rows of symbols about zero whose scale is 2**(eighths / 8); whole numbers in, whole
    numbers out."""
    scales = np.exp2(np.arange(-400, 401) / 8)
    indices = np.floor(
        np.log(np.clip(scales, MIN_SCALE, MAX_SCALE_BEYOND) / MIN_SCALE) * STEPS_PER_LOG + 0.5
    )
    found = indices.astype(np.int64)[np.clip(eighths, -400, 400) + 400]
    return (found * FRACTIONS + FRACTIONS // 2).astype(np.int32)


def _round(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Round half up; also the least distance of a value from a point between two integers."""
    floor = np.floor(values + 0.5)
    margin = 0.5 - np.abs(values - floor).max(initial=0.0)
    return floor.astype(np.int64), float(margin)


def place_unambiguous(
    means: np.ndarray, scales: np.ndarray, least: int = 0
) -> tuple[int, Placement]:
    """The first offset from `least` on whose placement keeps `GUARD`, and that placement; for
    encoders.

    Raises InvalidInputError where none does: a frame of some hundred million latents.
    """
    for offset in range(least, OFFSETS):
        placement = place(means, scales, offset)
        if placement.margin >= GUARD:
            return offset, placement
    raise InvalidInputError(
        f"a frame of {means.size} latents is too large to code without ambiguity; choose smaller "
        "chunks"
    )


def rows_crc(centers: np.ndarray, rows: np.ndarray, seed: int = 0) -> int:
    """CRC-32 of centers and rows, continuing from `seed`: tells whether two machines derived the
    same ones."""
    for integers in (centers, rows):
        seed = zlib.crc32(integers.astype(">i4").tobytes(), seed)
    return seed
