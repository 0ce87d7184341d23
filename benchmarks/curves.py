"""What is read from curves of bits over PSNR."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping

Curve = list[tuple[float, float]]
"""Bits a sample and PSNR in dB."""

LEVELS_DB = (31, 33, 35, 37, 38, 39, 41, 43, 44, 45)


def best_points(curve: Curve) -> Curve:
    """The points that no other beats in both, by PSNR."""
    kept: Curve = []
    for bits, decibels in sorted(curve, key=lambda point: (point[0], -point[1])):
        if not kept or decibels > kept[-1][1]:
            kept.append((bits, decibels))
    return kept


def bits_at(curve: Curve, decibels: float) -> float | None:
    """Bits a sample at a PSNR, their logarithm interpolated linearly; None beyond the curve."""
    points = best_points(curve)
    for (bits, low), (more_bits, high) in itertools.pairwise(points):
        if low <= decibels <= high:
            part = (decibels - low) / (high - low)
            return math.exp((1 - part) * math.log(bits) + part * math.log(more_bits))
    return None


def best_at(curves: Iterable[Curve], decibels: float) -> float | None:
    """Bits a sample of the best of several codecs at a PSNR; None where none of them has it."""
    found = []
    for curve in curves:
        bits = bits_at(curve, decibels)
        if bits is not None:
            found.append(bits)
    return min(found, default=None)


def ratio(ours: Curve, others: Iterable[Curve], decibels: float) -> float | None:
    """Bits of `ours` as a share of those of the best of `others`; None where either is not
    known."""
    mine = bits_at(ours, decibels)
    theirs = best_at(others, decibels)
    if mine is None or theirs is None:
        return None
    return mine / theirs


def summed_ratio(pairs: Iterable[tuple[Curve, list[Curve], int]], decibels: float) -> float | None:
    """As `ratio`, of several chunks, each at that PSNR: all bits over all bits of the best.

    Parameters
    ----------
    pairs
        Of each chunk our curve, the others' and how many samples it has.
    decibels
        PSNR.

    Returns
    -------
    The share; None where it is not known of some chunk.
    """
    mine = 0.0
    theirs = 0.0
    for ours, others, samples in pairs:
        own = bits_at(ours, decibels)
        best = best_at(others, decibels)
        if own is None or best is None:
            return None
        mine += own * samples
        theirs += best * samples
    return mine / theirs if theirs else None


def highest(curves: Mapping[str, Curve]) -> dict[str, float]:
    """The highest PSNR of each curve, dB."""
    found = {}
    for name, curve in curves.items():
        found[name] = max(decibels for _, decibels in curve)
    return found
