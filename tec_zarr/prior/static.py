"""Channels that no network predicts: their scales follow from the energies that are sent. No torch.

This is all there is of the prior where no network is asked for (the factorized prior of TEC-FP,
TerraCodec, arXiv 2510.12670, with scales from side information).
"""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy import grid
from tec_zarr.entropy.symbols import Stream, SymbolDecoder, SymbolEncoder
from tec_zarr.prior.channels import group_of_frequency
from tec_zarr.prior.rounding import PLAIN_DEAD_ZONE, cheaper, quantize
from tec_zarr.transform.frequencies import ZONE
from tec_zarr.transform.side import Side
from tec_zarr.transform.spread import spread_of

Channels = tuple[np.ndarray, np.ndarray]
"""Components (n,) and frequencies (n,)."""


def octaves(side: Side, channels: Channels) -> np.ndarray:
    """Expected rms (n,) of symbols of channels, in eighths of an octave of a step; whole
    numbers."""
    component, frequency = channels
    spread = spread_of(len(side.live))[component, frequency]
    return 2 * side.energies[ZONE[frequency], component].astype(np.int64) + spread


def static_rows(side: Side, channels: Channels, positions: int) -> np.ndarray:
    """Table rows (n * positions,) of the symbols of channels."""
    rows = grid.rows_of_octaves(octaves(side, channels))
    return np.repeat(rows, positions)


def round_static(
    coefficients: np.ndarray, side: Side, channels: Channels, effort: int
) -> np.ndarray:
    """Symbols float64 (n, P) of channels, of coefficients (C, 256, P) in steps."""
    own = coefficients[channels]
    if not effort:
        return quantize(own.astype(np.float64), PLAIN_DEAD_ZONE)
    scales = np.exp2(octaves(side, channels) / 8)[:, None]
    return cheaper(own, np.zeros(own.shape), np.broadcast_to(scales, own.shape))


def expected_rms(side: Side) -> np.ndarray:
    """Rms expected of the symbols of every channel, (C, 256), in steps."""
    components = np.arange(len(side.live))
    exponents = 2 * side.energies[ZONE[None], components[:, None]] + spread_of(len(components))
    return np.exp2(exponents / 8)


def _sent(side: Side, groups: int) -> Channels:
    """Live channels of the first `groups` groups."""
    return np.nonzero(side.live & (group_of_frequency() < groups))


def encode_static(
    coefficients: np.ndarray, side: Side, groups: int, effort: int
) -> tuple[Stream, np.ndarray]:
    """The stream of the live channels without a network, and their symbols float32 (C, 256, P)."""
    channels = _sent(side, groups)
    symbols = round_static(coefficients, side, channels, effort)
    encoder = SymbolEncoder()
    if len(channels[0]):
        encoder.step_rows(static_rows(side, channels, symbols.shape[1]), symbols.ravel())
    stream, _ = encoder.finish()
    out = np.zeros(coefficients.shape, np.float32)
    out[channels] = symbols
    return stream, out


def decode_static(stream: Stream, side: Side, groups: int, positions: int) -> np.ndarray:
    """Symbols float32 (C, 256, P) of a stream that `encode_static` wrote.

    Raises DamagedChunkError or DesyncError.
    """
    out = np.zeros((*side.live.shape, positions), np.float32)
    channels = _sent(side, groups)
    if not len(channels[0]):
        return out
    decoder = SymbolDecoder(stream)
    symbols = decoder.step_rows(static_rows(side, channels, positions))
    decoder.finish()
    out[channels] = symbols.reshape(-1, positions)
    return out
