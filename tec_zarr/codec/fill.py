"""Plausible values where there is no measurement, so that nothing invalid reaches the network and gaps cost few bits."""

from __future__ import annotations

import numpy as np


def fill(plane: np.ndarray, valid: np.ndarray, default: float) -> np.ndarray:
    """`plane` (y, x) with samples outside `valid` that continue the valid ones smoothly; itself where all are valid.

    Push-pull (Gortler et al., The Lumigraph, 1996): average down to ever coarser grids, then fill each grid's gaps from the
    coarser one. Without any valid sample all become `default`.
    """
    if valid.all():
        return plane
    if not valid.any():
        return np.full_like(plane, default)
    coarse, known = _halve(plane, valid)
    coarse = fill(coarse, known, default)
    return np.where(valid, plane, _double(coarse, plane.shape))


def _halve(plane: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the valid ones of each 2x2 samples, and whether there is one."""
    even = [(0, -n % 2) for n in plane.shape]
    weight = np.pad(valid, even).astype(plane.dtype)
    total = np.pad(np.where(valid, plane, 0), even)
    weight, total = (a.reshape(a.shape[0] // 2, 2, -1, 2).sum(axis=(1, 3)) for a in (weight, total))
    return total / np.maximum(weight, 1), weight > 0


def _double(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bilinear, at twice the resolution, cut to `shape`."""
    for axis in (0, 1):
        ends = np.concatenate([coarse.take([0], axis), coarse, coarse.take([-1], axis)], axis)
        before, after = (ends.take(range(k, k + coarse.shape[axis]), axis) for k in (0, 2))
        pairs = np.stack([0.75 * coarse + 0.25 * before, 0.75 * coarse + 0.25 * after], axis + 1)
        coarse = pairs.reshape([n * (2 if i == axis else 1) for i, n in enumerate(coarse.shape)])
    return coarse[: shape[0], : shape[1]]
