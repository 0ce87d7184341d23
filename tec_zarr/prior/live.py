"""Which channels of a date are worth a symbol. Decided at the encoder, before any symbol is
coded; no torch."""

from __future__ import annotations

import numpy as np

from tec_zarr.prior.rounding import (
    BITS_PER_SQUARED_STEP,
    FIRST_DEAD_ZONE,
    PLAIN_DEAD_ZONE,
    bits,
    quantize,
)

PREDICTED = 0.6
"""Bits that a channel takes with the network, in parts of those that its scale alone would ask
for."""

MAP_BITS = 3.0
"""What it costs more to say that a rare channel is live than that it is not."""

SMALL = 3
"""No symbol of a channel that is in doubt is larger."""


def live_channels(coefficients: np.ndarray, unit: np.ndarray, effort: int) -> np.ndarray:
    """Channels (C, 256) bool of coefficients (C, 256, P), in steps, that are to be coded.

    `unit` (C, 256) is the rms expected of their symbols. With an `effort` of 1 a channel has to
    save more in squared error than it is expected to cost in bits.
    """
    largest = np.abs(coefficients).max(2)
    threshold = 0.5 + (FIRST_DEAD_ZONE if effort else PLAIN_DEAD_ZONE)
    live = largest >= threshold
    if not effort:
        return live
    # Only channels of a few small symbols can be in doubt.
    doubtful = np.nonzero(live & (largest < SMALL))
    own = coefficients[doubtful].astype(np.float64)
    symbols = quantize(own, FIRST_DEAD_ZONE)
    # What a symbol costs in a channel depends on its size alone.
    sizes = np.arange(SMALL + 1.0)
    each = bits(sizes, np.zeros_like(sizes), unit[doubtful][:, None])  # (channels, sizes)
    counts = np.stack([(np.abs(symbols) == size).sum(1) for size in sizes], 1)
    cost = PREDICTED * (counts * each).sum(1) + MAP_BITS
    saved = BITS_PER_SQUARED_STEP * (own**2 - (own - symbols) ** 2).sum(1)
    live[doubtful] = saved > cost
    return live
