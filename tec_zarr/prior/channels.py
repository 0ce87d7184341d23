"""Channels (component x frequency) in the order that they are coded in: group by group.

A group holds the channels of one or a few rings of frequencies. All positions of a group are
predicted at once, from the groups before it and from earlier dates.
"""

from __future__ import annotations

import functools

import numpy as np

from tec_zarr.transform.frequencies import RING

GROUP_RINGS = ((0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,), (8, 9), (10, 11), (12, 13, 14, 15))
"""Rings of each group."""

GROUP_SIZES = (12, 36, 60, 84, 108, 132, 156, 180, 360, 440, 480)
"""Channels of each group that the network knows."""

GROUPS = len(GROUP_SIZES)
CHANNELS = sum(GROUP_SIZES)

ZONE_GROUPS = ((0, 1), (2, 3, 4), (5, 6, 7), (8, 9, 10))
"""Groups of each zone of frequencies."""

CHECKERBOARDS = 6
"""The first groups are coded in two passes: the white squares of a chess board of positions,
then the black ones."""

COMPONENTS = 12
"""Components that the network knows."""


def group_frequencies(group: int) -> np.ndarray:
    """Frequencies (n,) of a group, ring by ring."""
    rings = GROUP_RINGS[group]
    found = [np.flatnonzero(ring == RING) for ring in rings]
    return np.concatenate(found)


def group_zone(group: int) -> int:
    """The zone of frequencies that a group lies in."""
    return next(zone for zone, groups in enumerate(ZONE_GROUPS) if group in groups)


@functools.cache
def group_of_frequency() -> np.ndarray:
    """The group (256,) of each frequency."""
    out = np.empty(len(RING), np.int64)
    for group in range(GROUPS):
        out[group_frequencies(group)] = group
    return out


@functools.cache
def white_positions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Raster indices of the white and of the black squares among `height` x `width` positions."""
    rows = np.arange(height)[:, None]
    columns = np.arange(width)[None]
    white = ((rows + columns) % 2 == 0).ravel()
    return np.flatnonzero(white), np.flatnonzero(~white)
