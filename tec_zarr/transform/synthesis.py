"""Decoded coefficients in steps back to DN of one date."""

from __future__ import annotations

import numpy as np

from tec_zarr.transform import lapped
from tec_zarr.transform.basis import ONE
from tec_zarr.transform.frame import Frame
from tec_zarr.transform.frequencies import ZONES
from tec_zarr.transform.mixing import mix
from tec_zarr.transform.side import Side


def synthesize(values: np.ndarray, side: Side, size: tuple[int, int]) -> np.ndarray:
    """DN float32 (B, y, x) of `values` float32 (C, 256, h, w), in steps.

    `size` is (y, x). Bands that are native come back with one value in each 2 x 2 cell.
    """
    frame = Frame(size, side.origin)
    bands = np.empty_like(values)
    for zone, frequencies in enumerate(ZONES):
        turn = (side.bases[zone] * (side.step / ONE)).astype(np.float32)
        source = values[:, frequencies]
        bands[:, frequencies] = mix(turn, source.reshape(len(source), -1)).reshape(source.shape)
    padded = np.empty((side.bands, *frame.padded), np.float32)
    native = side.native
    if native.any():
        padded[native] = lapped.inverse_native(bands[native])
    if not native.all():
        padded[~native] = lapped.inverse(bands[~native])
    padded += side.means.astype(np.float32)[:, None, None]
    return np.ascontiguousarray(frame.crop(padded))
