"""Plausible values where there is no measurement, so that nothing invalid reaches the network
and gaps cost few bits."""

from __future__ import annotations

import numpy as np

REACH = 4
"""Samples from the valid ones within which they are repeated, ever less. Without, what lies at a
border is averaged away right beside it, and the step that this makes costs the valid samples
next to it a quarter of their accuracy."""


def fill(plane: np.ndarray, valid: np.ndarray, default: float) -> np.ndarray:
    """`plane` (y, x) with samples outside `valid` that continue the valid ones smoothly; itself
    where all are valid.

    Those within `REACH` repeat the valid ones beside them and fade into a push-pull
    interpolation. Without any valid sample all become `default`.
    """
    if valid.all():
        return plane
    if not valid.any():
        return np.full_like(plane, default)
    return _repeat_borders(_push_pull(plane, valid), valid)


def _repeat_borders(filled: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Rings of samples around the valid ones, each the mean of its neighbors in the ring before,
    faded into `filled`."""
    out = filled.copy()
    known = valid
    for step in range(REACH):
        count = _beside(known.astype(filled.dtype))
        ring = ~known & (count > 0)
        repeated = _beside(np.where(known, out, 0))[ring] / count[ring]
        out[ring] += (1 - step / REACH) * (repeated - out[ring])
        known = known | ring
    return out


def _beside(plane: np.ndarray) -> np.ndarray:
    """Sum of the four neighbors of each sample."""
    around = np.pad(plane, 1)
    return around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]


def _push_pull(plane: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Average down to ever coarser grids, then fill each grid's gaps from the coarser one
    (Gortler et al., The Lumigraph, 1996). There is a valid sample."""
    if valid.all():
        return plane
    coarse = _push_pull(*_halve(plane, valid))
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
