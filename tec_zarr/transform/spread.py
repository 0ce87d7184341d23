"""What is known of a channel before any data: its share of its zone's energy, and the order that
the network takes."""

from __future__ import annotations

import functools
import pathlib

import numpy as np

PATH = pathlib.Path(__file__).with_name("spread.npz")

KNOWN_COMPONENTS = 12
"""Components with statistics of their own; each one beyond takes those of the last."""


@functools.cache
def known_spread() -> np.ndarray:
    """Spread int64 (12, 256), in eighths of an octave: log2 of a channel's rms over that of its
    component and zone.

    With the energy code e of its component and zone, the expected rms of a channel's symbols is
    2 ** ((2 * e + s) / 8) steps.
    """
    with np.load(PATH) as file:
        return file["spread"].astype(np.int64)


def spread_of(components: int) -> np.ndarray:
    """`known_spread` for any number of components: int64 (components, 256)."""
    rows = np.minimum(np.arange(components), KNOWN_COMPONENTS - 1)
    return known_spread()[rows]


@functools.cache
def network_channels() -> np.ndarray:
    """The 2,048 channels, component * 256 + frequency, that the network predicts, in its order;
    int64."""
    with np.load(PATH) as file:
        return file["channels"].astype(np.int64)
