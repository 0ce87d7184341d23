"""Curves of rate over distortion and what is read from two of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from measures import psnr
from scipy.interpolate import PchipInterpolator

Point = dict
LEVELS_DB = (33.0, 34.0, 36.0, 38.0, 41.0)


def pooled(records: Iterable[dict], settings: Sequence) -> list[Point]:
    """A point a setting: all bits over all samples, one mean squared error over all valid samples of all locations.

    Only settings that every location of these records of one codec has, and that err at all.
    """
    by_setting = {s: [] for s in settings}
    for record in records:
        by_setting[record["setting"]].append(record)
    locations = max(map(len, by_setting.values()), default=0)
    points = []
    for setting, chosen in by_setting.items():
        size, samples, error, valid = (sum(r[key] for r in chosen) for key in ("bytes", "samples", "squared_error", "valid"))
        decibels = psnr(error, valid)
        if len(chosen) == locations and decibels is not None:
            points.append({"setting": setting, "bppb": 8 * size / samples, "psnr": decibels})
    return points


def log_rate(points: Sequence[Point]) -> PchipInterpolator | None:
    """Logarithm of bppb over PSNR, through the points that no other beats in both; None where fewer than two remain."""
    kept: list[tuple[float, float]] = []
    for rate, decibels in sorted(((p["bppb"], p["psnr"]) for p in points), key=lambda p: (p[0], -p[1])):
        if not kept or decibels > kept[-1][0]:
            kept.append((decibels, math.log(rate)))
    return PchipInterpolator(*zip(*kept, strict=True), extrapolate=False) if len(kept) > 1 else None


def bd_rate(points: Sequence[Point], reference: Sequence[Point], span: tuple[float, float] | None = None) -> float | None:
    """Mean difference in bits at equal PSNR against `reference` in percent: -50 is half the bits.

    Bjøntegaard, VCEG-M33, 2001, with monotone piecewise cubics (JCTVC-L1100) instead of one cubic. Over the PSNR that both
    curves reach, within `span` in dB where given; None where they share none.
    """
    ours, theirs = log_rate(points), log_rate(reference)
    if ours is None or theirs is None:
        return None
    low, high = (f(ours.x[i], theirs.x[i]) for f, i in ((max, 0), (min, -1)))
    if span is not None:
        low, high = max(low, span[0]), min(high, span[1])
    if low >= high:
        return None
    difference = float(ours.integrate(low, high) - theirs.integrate(low, high)) / (high - low)
    return 100 * math.expm1(difference)


def bits_at(points: Sequence[Point], decibels: float) -> float | None:
    """bppb at a PSNR; None beyond the ends of the curve."""
    curve = log_rate(points)
    found = math.nan if curve is None else float(np.exp(curve(decibels)))
    return None if math.isnan(found) else found


def against(points: Sequence[Point], reference: Sequence[Point]) -> dict:
    """BD-rate in percent, overall, from 33 to 36 dB and from 36 to 41 dB, and the ratio of bits to `reference`'s by PSNR."""
    ratios = {}
    for decibels in LEVELS_DB:
        ours, theirs = bits_at(points, decibels), bits_at(reference, decibels)
        ratios[f"{decibels:g}"] = None if ours is None or theirs is None else ours / theirs
    spans = {"percent": None, "percent_33_36": (33.0, 36.0), "percent_36_41": (36.0, 41.0)}
    return {**{name: bd_rate(points, reference, span) for name, span in spans.items()}, "bits_ratio": ratios}
