"""How far a decoded location is from the original, over valid samples alone."""

from __future__ import annotations

import math

import numpy as np
from locations import Location
from scipy.ndimage import gaussian_filter

from tec_zarr.codec.metrics import PEAK_DN

SIGMA, RADIUS = 1.5, 5
C1, C2 = 0.01**2, 0.03**2


def squared_error(location: Location, decoded: np.ndarray) -> tuple[float, int]:
    """Sum of squared errors in DN over valid samples, and how many these are."""
    error = location.cube[location.valid].astype(np.float64) - decoded[location.valid]
    return float(error @ error), error.size


def number(value: float | None) -> float | None:
    """As JSON can hold it."""
    return None if value is None or not math.isfinite(value) else float(value)


def psnr(squared_error: float, count: int) -> float | None:
    """None for infinite: no error at all, or nothing to measure."""
    return 10 * math.log10(PEAK_DN**2 * count / squared_error) if squared_error > 0 else None


def blur(planes: np.ndarray) -> np.ndarray:
    """The 11 x 11 Gaussian window over the last two axes, edges reflected."""
    return gaussian_filter(planes, SIGMA, axes=(-2, -1), radius=RADIUS)


def ssim(original: np.ndarray, decoded: np.ndarray, valid: np.ndarray) -> float | None:
    """Structural similarity of clip(0, 10000) / 10000, a mean over the valid samples of each band,
    then over bands.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004:
    11 x 11 Gaussian window with sigma 1.5, population moments, K1 = 0.01, K2 = 0.03, L = 1.
    Windows that leave the image are left out of images of more than 10 pixels each way, else the
    image is reflected. Invalid samples must be equal in both.
    """
    inside = tuple(
        slice(RADIUS, n - RADIUS) if n > 2 * RADIUS else slice(None) for n in original.shape[-2:]
    )
    bands = []
    for b in range(original.shape[1]):
        x, y = (np.clip(a[:, b], 0, PEAK_DN) / np.float32(PEAK_DN) for a in (original, decoded))
        mx, my = blur(x), blur(y)
        vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        found = (2 * mx * my + C1) * (2 * cov + C2) / ((mx * mx + my * my + C1) * (vx + vy + C2))
        chosen = valid[:, b][:, *inside]
        if chosen.any():
            bands.append(found[:, *inside][chosen].mean(dtype=np.float64))
    return number(np.mean(bands)) if bands else None


def sam(original: np.ndarray, decoded: np.ndarray, valid: np.ndarray) -> float | None:
    """Mean angle between the spectra of pixels, in degrees, where all bands are valid.

    Kruse et al., The spectral image processing system, 1993. By half angles of unit vectors
    (Kahan): exact for small ones.
    """
    chosen = valid.all(axis=1)
    spectra = [np.moveaxis(a, 1, -1)[chosen].astype(np.float64) for a in (original, decoded)]
    if original.shape[1] < 2 or not chosen.any():
        return None
    u, v = (s / np.maximum(np.linalg.norm(s, axis=1, keepdims=True), 1e-9) for s in spectra)
    angles = 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))
    return number(np.degrees(angles.mean()))
