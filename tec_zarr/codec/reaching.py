"""The trial that meets a target, or takes the fewest bytes within bounds."""

from __future__ import annotations

import functools
import math
import warnings

import numpy as np

from tec_zarr.bitstream.header import Target
from tec_zarr.codec import metrics
from tec_zarr.codec.quality import DEFAULT_QUALITY, as_quality, quality_of
from tec_zarr.codec.targets import (
    AIM,
    PSNR_TOLERANCE,
    cheapest,
    make_goal,
    quality_for,
    search,
)
from tec_zarr.codec.trial import Trial, Work
from tec_zarr.errors import TargetError, TargetWarning

LEAST_LEARNED_DN = 4.0
"""Below bounds of this the learned layer never paid: its residual is the noise of every sample."""

HOPELESS = 1.2
"""Times the bytes without a learned layer, from which on no other quality will pay."""

NEAR_PASSES = 3
MOST_PASSES = 10
"""On the way to a PSNR: passes that look for what is near enough, and passes in all, until it is
reached."""

SAFE_DB = 0.1
"""By how much more than what is missing each pass after the first ones is finer."""

SMALL_CHUNK = 2**15
"""Samples, below which what is no symbol (50 to 150 bytes) can alone be more than a size that
larger chunks reach."""


def reach(work: Work, target: Target) -> Trial:
    """The trial that meets a target.

    Raises TargetError where no quality meets it, or warns where the settings want the nearest.
    """
    if not work.gathered.coded:
        return _without_symbols(work, target)
    if target.name in ("psnr", "rmse"):
        return _reach_error(work, target)
    return _reach_size(work, target)


def _without_symbols(work: Work, target: Target) -> Trial:
    """All there is comes back exactly; a chunk of few samples may still be larger than asked."""
    trial = work.at(DEFAULT_QUALITY)
    array = work.gathered.array
    if target.name in ("psnr", "rmse"):
        return trial
    goal = make_goal(target, 1.0, array.itemsize)
    met = goal.reached(math.log(metrics.bppb(trial.size, array.size)))
    return trial if met else trial.missed()


def smallest(work: Work) -> Trial:
    """The fewest bytes within bounds of every band, at whichever quality, or without a learned
    layer."""
    if not work.gathered.coded:
        return work.at(DEFAULT_QUALITY)
    trials = []
    without = math.inf
    if not work.learned:
        trials.append(work.without_learning(DEFAULT_QUALITY))
        without = len(trials[0].data)

    @functools.cache
    def measure(quality: float) -> int:
        trials.append(work.with_learning(as_quality(quality)))
        return len(trials[-1].data)

    scale = work.gathered.header.scale
    bounds_dn = [limit / scale for limit in work.limits.of_bands]
    first = quality_for(float(np.median(bounds_dn)))
    may_learn = work.learned or (work.learned is None and max(bounds_dn) >= LEAST_LEARNED_DN)
    if may_learn and measure(first) < HOPELESS * without:
        cheapest(measure, first)
    return min(trials, key=lambda trial: len(trial.data)).proven()


def _reach_error(work: Work, target: Target) -> Trial:
    scale = work.gathered.header.scale
    goal = make_goal(target, scale, work.gathered.array.itemsize)
    trial = _nearest_psnr(work, goal.value)
    psnr = metrics.psnr_of_rmse(trial.rmse / scale)
    if goal.reached(psnr):
        return trial
    value = psnr if target.name == "psnr" else trial.rmse
    return _missed(trial, target, value)


def _nearest_psnr(work: Work, psnr: float) -> Trial:
    """The trial whose PSNR comes nearest.

    Coefficients tell nearly all that is needed, so that one pass mostly does.
    """
    header = work.gathered.header
    wanted = (metrics.PEAK_DN * 10 ** (-psnr / 20)) ** 2
    rounding = 0.0 if header.is_float else 1 / 12
    squared_error = max(wanted - rounding, 0.02 * wanted)
    best = None
    for number in range(MOST_PASSES):
        result = work.layer.encode_toward(squared_error)
        trial = work.behind(as_quality(quality_of(result.step)), result)
        miss = metrics.psnr_of_rmse(trial.rmse / header.scale) - psnr
        falls_short = miss < -PSNR_TOLERANCE
        if best is None or (falls_short, abs(miss)) < best[:2]:
            best = (falls_short, abs(miss), trial)
        at_end = (result.is_coarsest and miss > 0) or (result.is_finest and miss < 0)
        if abs(miss) <= AIM * PSNR_TOLERANCE or not math.isfinite(miss) or at_end:
            break
        # A small chunk may have no step that comes near enough: then one is taken that is better.
        if number >= NEAR_PASSES and not best[0]:
            break
        caution = SAFE_DB * max(0, number - NEAR_PASSES + 1)
        squared_error *= 10 ** ((miss - caution) / 10)
    return best[2]


def _reach_size(work: Work, target: Target) -> Trial:
    array = work.gathered.array
    trials: dict[float, Trial] = {}

    def measure(quality: float) -> float:
        trials[quality] = work.at(as_quality(quality))
        return math.log(metrics.bppb(trials[quality].size, array.size))

    quality, met = search(measure, make_goal(target, 1.0, array.itemsize))
    trial = trials[quality]
    if met:
        return trial
    is_mostly_headers = trial.is_empty or array.size < SMALL_CHUNK
    if is_mostly_headers:
        # The chunk is as small as chunks are, and says so: one at the edge of an array must not
        # fail all of it.
        return trial.missed()
    ratio = array.nbytes / trial.size
    value = metrics.bppb(trial.size, array.size) if target.name == "bppb" else ratio
    return _missed(trial, target, value)


def _missed(trial: Trial, target: Target, value: float) -> Trial:
    """The nearest there is, with a warning, where the settings want it; else raise TargetError."""
    work = trial.work
    said = (
        f"{target.name}={target.value:g} cannot be met in a chunk of shape "
        f"{work.gathered.array.shape}: the nearest is {value:.6g}, at quality "
        f"{trial.header.quality:.4g}"
    )
    if not work.settings.best_effort:
        raise TargetError(
            f"{said}. Ask for another value, larger chunks, or best_effort=True to take the nearest"
        )
    warnings.warn(f"{said}; it was taken", TargetWarning, stacklevel=5)
    return trial.missed()
