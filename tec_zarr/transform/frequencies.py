"""Frequencies of a 16 x 16 block, and the zones that share a basis."""

from __future__ import annotations

import numpy as np

BLOCK = 16
"""Side of a block, in pixels."""

FREQUENCIES = BLOCK * BLOCK
"""A frequency is 16 * vertical + horizontal."""

ZONE_RINGS = (0, 2, 5, 8, 16)
"""Rings at which zones begin, and where the last one ends."""

RING = np.maximum(np.arange(FREQUENCIES) // BLOCK, np.arange(FREQUENCIES) % BLOCK)
"""The larger of a frequency's two indices, (256,)."""

ZONE = np.searchsorted(ZONE_RINGS[1:], RING, side="right")
"""The zone (256,) of each frequency, 0 to 3."""

ZONES = tuple(np.flatnonzero(zone == ZONE) for zone in range(len(ZONE_RINGS) - 1))
"""Frequencies of each zone."""
