"""Rounding by rate and distortion: of two integers the one that costs less in bits and squared
error together."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from tec_zarr.entropy.distribution import COMPONENTS as MIXTURE
from tec_zarr.entropy.distribution import MAX_SCALE, MIN_SCALE

BITS_PER_SQUARED_STEP = 8.0
"""What a squared step of error is worth. 8.66 is right at high rates; a little less is better at
low ones."""

PLAIN_DEAD_ZONE = 0.15
"""Of rounding that knows no rates."""

FIRST_DEAD_ZONE = 0.1
"""Of what is weighed against rates afterwards."""

LEAST_SHARE = 1e-9


def quantize(coefficients: np.ndarray, dead_zone: float) -> np.ndarray:
    """Integers nearest to coefficients in steps, each but zero beginning later by `dead_zone`;
    the dtype stays."""
    magnitude = np.floor(np.abs(coefficients) + (0.5 - dead_zone))
    return np.copysign(magnitude, coefficients) + 0.0


def bits(symbols: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Bits of integers under the distribution of the tables, before it is cut into rows."""
    distance = np.abs(symbols - means)
    scales = np.clip(scales, MIN_SCALE, MAX_SCALE * 2.0**20)
    share = np.zeros(np.broadcast_shapes(distance.shape, scales.shape))
    for weight, spread in MIXTURE:
        wide = spread * scales
        share += weight * (ndtr((0.5 - distance) / wide) - ndtr((-0.5 - distance) / wide))
    return -np.log2(np.maximum(share, LEAST_SHARE))


def cheaper(coefficients: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Of each nearest integer and the next one towards zero the cheaper one, float64.

    Coefficients are in steps; all three have one shape.
    """
    nearest = quantize(coefficients.astype(np.float64), FIRST_DEAD_ZONE)
    where = np.nonzero(nearest)
    upper = nearest[where]
    lower = upper - np.sign(upper)
    own = coefficients[where]
    mean = means[where]
    scale = scales[where]
    cost_upper = bits(upper, mean, scale) + BITS_PER_SQUARED_STEP * (own - upper) ** 2
    cost_lower = bits(lower, mean, scale) + BITS_PER_SQUARED_STEP * (own - lower) ** 2
    nearest[where] = np.where(cost_lower < cost_upper, lower, upper)
    return nearest
