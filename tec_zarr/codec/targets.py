"""Quality that gives a PSNR, an RMSE or a size, or the fewest bytes, found with few trials. Plain numbers, no arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from tec_zarr.bitstream.header import Target
from tec_zarr.codec.metrics import PEAK_DN

MIN_QUALITY, MAX_QUALITY = 1.0, 100.0
MAX_TRIALS = 14
PSNR_TOLERANCE = 0.1
TOLERANCE = 0.02
"""Of RMSE, bppb and ratio, relative."""

AIM = 0.7
"""A trial within this part of the tolerance ends the search."""

DB_PER_QUALITY = 0.125
LOG_SIZE_PER_QUALITY = 0.042
"""About what one step of quality changes."""

STEP, MOST_STEPS = 9.0, 4
"""Of the way to the fewest bytes."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """A target on a scale that grows with quality: decibels, or the logarithm of bits a sample. `first` is the quality to
    try first."""

    value: float
    tolerance: float
    slope: float
    first: float

    def reached(self, value: float) -> bool:
        return abs(value - self.value) <= self.tolerance


def psnr_of(rmse_dn: float) -> float:
    """PSNR in dB of an RMSE in DN."""
    return math.inf if rmse_dn == 0 else 20 * math.log10(PEAK_DN / rmse_dn)


def make_goal(target: Target, scale: float, itemsize: int) -> Goal:
    """The goal of a target for arrays whose units are `scale` a DN and whose samples have `itemsize` bytes."""
    if target.name in ("psnr", "rmse"):
        value = target.value if target.name == "psnr" else psnr_of(target.value / scale)
        tolerance = PSNR_TOLERANCE if target.name == "psnr" else 20 * math.log10(1 + TOLERANCE)
        return Goal(value, tolerance, DB_PER_QUALITY, 10 + (value - 33) / DB_PER_QUALITY)
    bppb = target.value if target.name == "bppb" else 8 * itemsize / target.value
    return Goal(
        math.log(bppb), math.log1p(TOLERANCE), LOG_SIZE_PER_QUALITY, 90 + math.log(bppb / 0.2) / LOG_SIZE_PER_QUALITY
    )


def search(measure: Callable[[float], float], goal: Goal) -> tuple[float, bool]:
    """The quality tried whose `measure` came nearest to a goal, and whether that is near enough.

    Secants within a bracket that every trial narrows (regula falsi), bisection where they are slow.
    """
    low, high = (MIN_QUALITY, None), (MAX_QUALITY, None)
    quality, nearest = goal.first, (math.inf, MIN_QUALITY)
    for trial in range(MAX_TRIALS):
        quality = min(max(quality, MIN_QUALITY), MAX_QUALITY)
        value = measure(quality)
        miss = value - goal.value
        nearest = min(nearest, (abs(miss), quality))
        if abs(miss) <= AIM * goal.tolerance or quality == (MIN_QUALITY if miss > 0 else MAX_QUALITY):
            break
        low, high = ((quality, value), high) if miss < 0 else (low, (quality, value))
        quality = _next(low, high, goal, quality - miss / goal.slope, trial)
    return nearest[1], nearest[0] <= goal.tolerance


def _next(low: tuple, high: tuple, goal: Goal, guess: float, trial: int) -> float:
    (a, at_a), (b, at_b) = low, high
    if at_a is None or at_b is None:
        return guess if trial < 2 else a if at_a is None else b
    if not math.isfinite(at_b - at_a) or trial % 3 == 2:
        return (a + b) / 2
    inner = 0.05 * (b - a)
    return min(max(a + (goal.value - at_a) / (at_b - at_a) * (b - a), a + inner), b - inner)


def quality_for(bound_dn: float) -> float:
    """About the quality at which a learned layer and a residual that keeps to a bound (DN) take the fewest bytes."""
    return min(max(90 - 18 * math.log2(max(bound_dn, 1) / 100), MIN_QUALITY), MAX_QUALITY)


def cheapest(measure: Callable[[float], float], first: float) -> float:
    """The quality of the least `measure`, found downhill from `first`; at most `MOST_STEPS` trials after that."""
    found = {first: measure(first)}
    for step in (STEP, -STEP):
        quality = first + step
        while MIN_QUALITY <= quality <= MAX_QUALITY and len(found) <= MOST_STEPS:
            found[quality] = measure(quality)
            if found[quality] > min(found.values()):
                break
            quality += step
        if min(found, key=found.get) != first:
            break
    return min(found, key=found.get)
