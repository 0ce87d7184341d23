"""How far a reconstruction is from the original, over the samples that are measurements."""

from __future__ import annotations

import math

import numpy as np

PEAK_DN = 10_000.0
"""Digital number of a reflectance of 1: the peak that PSNR is taken against."""


def measured(original: np.ndarray, nodata: float | None) -> np.ndarray:
    """Which samples are measurements: finite and not nodata."""
    valid = np.isfinite(original)
    return valid if nodata is None else valid & (original != nodata)


def rmse(original: np.ndarray, decoded: np.ndarray, valid: np.ndarray) -> float:
    """Root of the one mean squared error over all `valid` samples, in the arrays' units; NaN
    where none is valid."""
    difference = original[valid].astype(np.float64) - decoded[valid]
    return float(np.sqrt(np.mean(difference**2))) if difference.size else float("nan")


def psnr(original: np.ndarray, decoded: np.ndarray, valid: np.ndarray, scale: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB against 10,000 DN; `scale` is the arrays' units a DN (1
    for integer cubes)."""
    return psnr_of_rmse(rmse(original, decoded, valid) / scale)


def psnr_of_rmse(rmse_dn: float) -> float:
    """PSNR in dB of an RMSE in DN."""
    return math.inf if rmse_dn == 0 else 20 * math.log10(PEAK_DN / rmse_dn)


def bppb(size: int, samples: int) -> float:
    """Bits a sample: of a pixel, of a band, of a date."""
    return 8 * size / samples
