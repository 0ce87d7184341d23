"""Bands of a coarser grid that nearest-neighbor resampling put on a finer one: each sample is
there 2 x 2 times."""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.compiling import compiled

LEAST = 4
"""Bands with fewer pixels along y or x count as not repeated."""


@compiled
def _along_x(band, phase):
    for row in range(band.shape[0]):
        for column in range(phase, band.shape[1] - 1, 2):
            if band[row, column] != band[row, column + 1]:
                return False
    return True


@compiled
def _along_y(band, phase):
    for row in range(phase, band.shape[0] - 1, 2):
        for column in range(band.shape[1]):
            if band[row, column] != band[row + 1, column]:
                return False
    return True


@compiled
def _find(dn, repeats):
    for band in range(dn.shape[0]):
        for phase in range(2):
            # Most bands are not repeated and show it within a row.
            if _along_x(dn[band], phase):
                repeats[band, :, phase] = True
        for phase in range(2):
            if not repeats[band].any() or not _along_y(dn[band], phase):
                repeats[band, phase] = False
        if repeats[band].all():
            repeats[band] = False


def find_repeats(dn: np.ndarray) -> np.ndarray:
    """Whether each band of `dn` (B, y, x), of any dtype, repeats its samples: bool (B, phase of y,
    phase of x).

    It does at a phase where every 2 x 2 cell that begins there holds one value; cells that the
    border cuts, too. Constant bands do not count.
    """
    bands, height, width = dn.shape
    repeats = np.zeros((bands, 2, 2), np.bool_)
    if min(height, width) >= LEAST:
        _find(np.ascontiguousarray(dn), repeats)
    return repeats
