"""Quality that gives a PSNR, an RMSE or a size, or the fewest bytes, found with few trials.
Plain numbers, no arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from tec_zarr.bitstream.header import Target
from tec_zarr.codec.metrics import psnr_of_rmse
from tec_zarr.codec.quality import MAX_QUALITY, MIN_QUALITY, quality_of

MAX_TRIALS = 14
PSNR_TOLERANCE = 0.05
"""Of PSNR and RMSE, in dB."""

TOLERANCE = 0.02
"""Of bppb and ratio, relative."""

AIM = 0.7
"""A trial within this part of the tolerance ends the search."""

DB_PER_QUALITY = 0.55
LOG_SIZE_PER_QUALITY = 0.085
"""About what one step of quality changes."""

LIKELY_QUALITY = 40.0
LIKELY_PSNR = 41.0
LIKELY_BPPB = 0.06
"""What imagery has at that quality, more or less: where searches begin."""

STEPS_PER_BOUND = 4.0
"""The quantization step, in parts of a bound on the error, at which a learned layer and a
residual take least."""

STRIDE = 5.0
MOST_STRIDES = 4
"""Of the way to the fewest bytes, in quality."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """A target on a scale that grows with quality: decibels, or the logarithm of bits a sample.

    `first` is the quality to try first. More decibels than asked for, or fewer bits, are enough,
    too.
    """

    value: float
    tolerance: float
    slope: float
    first: float
    at_least: bool

    def reached(self, value: float) -> bool:
        miss = value - self.value
        return (miss if self.at_least else -miss) >= -self.tolerance


def make_goal(target: Target, scale: float, itemsize: int) -> Goal:
    """The goal of a target for arrays whose units are `scale` a DN and whose samples have
    `itemsize` bytes."""
    if target.name in ("psnr", "rmse"):
        value = target.value if target.name == "psnr" else psnr_of_rmse(target.value / scale)
        first = LIKELY_QUALITY + (value - LIKELY_PSNR) / DB_PER_QUALITY
        return Goal(value, PSNR_TOLERANCE, DB_PER_QUALITY, first, at_least=True)
    bppb = target.value if target.name == "bppb" else 8 * itemsize / target.value
    first = LIKELY_QUALITY + math.log(bppb / LIKELY_BPPB) / LOG_SIZE_PER_QUALITY
    return Goal(math.log(bppb), math.log1p(TOLERANCE), LOG_SIZE_PER_QUALITY, first, at_least=False)


def search(measure: Callable[[float], float], goal: Goal) -> tuple[float, bool]:
    """The quality tried whose `measure` came nearest to a goal, and whether that is enough.

    Secants within a bracket that every trial narrows (regula falsi), bisection where they are
    slow. Of trials that miss, one that is enough is preferred.
    """
    low = (MIN_QUALITY, None)
    high = (MAX_QUALITY, None)
    quality = goal.first
    best = None
    for trial in range(MAX_TRIALS):
        quality = min(max(quality, MIN_QUALITY), MAX_QUALITY)
        value = measure(quality)
        miss = value - goal.value
        within = abs(miss) <= goal.tolerance
        rank = (not within, not goal.reached(value), abs(miss), quality)
        best = rank if best is None else min(best, rank)
        end = MIN_QUALITY if miss > 0 else MAX_QUALITY
        if abs(miss) <= AIM * goal.tolerance or quality == end:
            break
        if miss < 0:
            low = (quality, value)
        else:
            high = (quality, value)
        quality = _next(low, high, goal, quality - miss / goal.slope, trial)
    return best[3], not best[1]


def _next(low: tuple, high: tuple, goal: Goal, guess: float, trial: int) -> float:
    quality_low, value_low = low
    quality_high, value_high = high
    if value_low is None or value_high is None:
        if trial < 2:
            return guess
        return quality_low if value_low is None else quality_high
    width = quality_high - quality_low
    if not math.isfinite(value_high - value_low) or trial % 3 == 2:
        return quality_low + width / 2
    share = (goal.value - value_low) / (value_high - value_low)
    inner = 0.05 * width
    return min(max(quality_low + share * width, quality_low + inner), quality_high - inner)


def quality_for(bound_dn: float) -> float:
    """About the quality at which a learned layer and a residual that keeps to a bound (DN) take
    the fewest bytes."""
    return quality_of(STEPS_PER_BOUND * max(bound_dn, 1))


def cheapest(measure: Callable[[float], float], first: float) -> float:
    """The quality of the least `measure`, found downhill from `first`; at most `MOST_STRIDES`
    trials after that."""
    found = {first: measure(first)}
    for stride in (STRIDE, -STRIDE):
        quality = first + stride
        while MIN_QUALITY <= quality <= MAX_QUALITY and len(found) <= MOST_STRIDES:
            found[quality] = measure(quality)
            if found[quality] > min(found.values()):
                break
            quality += stride
        if min(found, key=found.get) != first:
            break
    return min(found, key=found.get)
