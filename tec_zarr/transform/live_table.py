"""How likely a channel is to have symbols, before any of a date's map is known: where the map's
contexts begin."""

from __future__ import annotations

import functools
import pathlib

import numpy as np

from tec_zarr.entropy.adaptive import contexts

PATH = pathlib.Path(__file__).with_name("live.npz")

LIVE_BUCKETS = 32
"""Expected rms of a channel's symbols in buckets of a quarter of an octave, the middle one at a
step."""

LIVE_CONTEXTS = LIVE_BUCKETS * 9
"""Bucket, the same channel in the date before (none, dead, live), live neighbors in frequency (0
to 2)."""

SEEN = 20
"""Bits that the contexts count as having seen."""


@functools.cache
def _zeros() -> np.ndarray:
    """Probability of a dead channel (contexts,) in 2**16ths."""
    with np.load(PATH) as file:
        return file["zeros"].astype(np.int64)


def live_model() -> np.ndarray:
    """Fresh contexts int64 (contexts, 2) of the map of live channels."""
    model = contexts(LIVE_CONTEXTS, seen=SEEN)
    model[:, 0] = np.clip(_zeros(), 48, 65488)
    return model
