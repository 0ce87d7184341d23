"""What clouds are replaced with otherwise: a date from others, without a model.

Each is a function of DN (time, band, y, x), of which pixels may be used (time, y, x), of the
date wanted and of the times of all, in days. It gives the date (band, y, x), NaN where it has
nothing to say.
"""

from __future__ import annotations

import numpy as np

from tec_zarr.clouds.regression import interpolate

YEAR = 365.25
MIN_HARMONIC = 6
"""Usable dates of a pixel below which no harmonics are fitted."""


def least_cloudy(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """The other date with the fewest clouds, clouds and all, the nearest of them (AllClear's
    first baseline)."""
    others = [s for s in range(len(dn)) if s != t]
    return dn[max(others, key=lambda s: (usable[s].mean(), -abs(days[s] - days[t])))]


def mosaic(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """The mean of the usable other dates of each pixel (AllClear's second)."""
    weight = usable.copy()
    weight[t] = False
    count = weight.sum(0)
    total = np.einsum("tbyx,tyx->byx", dn, weight.astype(np.float32))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def nearest(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """The usable date nearest in time to each pixel."""
    out = np.full(dn.shape[1:], np.nan, np.float32)
    for s in sorted((s for s in range(len(dn)) if s != t), key=lambda s: -abs(days[s] - days[t])):
        out[:, usable[s]] = dn[s][:, usable[s]]
    return out


def linear(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """Linear in time between the usable dates before and after each pixel, the nearest where
    there is one side only."""
    found, date = interpolate(list(dn), usable, t, days, range(len(dn)))
    return np.where(date >= 0, found, np.nan)


def harmonic(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """A constant and the first harmonic of the year fitted to each pixel by least squares,
    damped by a thousandth; NaN where fewer than six dates are usable."""
    angle = 2 * np.pi * (days - days[t]) / YEAR
    design = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], 1)
    weight = usable.copy()
    weight[t] = False
    normal = np.einsum(
        "ti,tyx,tj->yxij", design, weight.astype(np.float64), design
    ) + 1e-3 * np.diag([0, 1, 1])
    right = np.einsum("ti,tyx,tbyx->yxib", design, weight.astype(np.float64), dn.astype(np.float64))
    enough = weight.sum(0) >= MIN_HARMONIC
    normal[~enough] = np.eye(3)
    fitted = np.linalg.solve(normal, right)
    return np.where(enough, np.einsum("i,yxib->byx", design[t], fitted), np.nan)


BASELINES = {
    "least cloudy": least_cloudy,
    "mosaic": mosaic,
    "nearest date": nearest,
    "linear in time": linear,
    "harmonic": harmonic,
}
