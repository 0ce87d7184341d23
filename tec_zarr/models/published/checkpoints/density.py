"""A learned density a channel to integer frequencies (Ballé et al., ICLR 2018, appendix 6.1).
Runs in float64."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tec_zarr.entropy.build_tables import quantize

WIDTHS = (1, 3, 3, 3, 3, 1)
LAYERS = len(WIDTHS) - 1
MAX_REACH = 4096
"""Symbols on each side of the median that a row has at most; the others are escapes."""

State = dict[str, Tensor]


def shapes(prefix: str, channels: int) -> dict[str, tuple[int, ...]]:
    """What a state dict holds of a density, below `prefix`."""
    found = {f"{prefix}quantiles": (channels, 1, 3)}
    for i, (before, after) in enumerate(itertools.pairwise(WIDTHS)):
        found[f"{prefix}matrices.{i}"] = (channels, after, before)
        found[f"{prefix}biases.{i}"] = (channels, after, 1)
        if i < LAYERS - 1:
            found[f"{prefix}factors.{i}"] = (channels, after, 1)
    return found


def _reach(state: State, prefix: str) -> tuple[Tensor, Tensor]:
    """How many symbols each row has below and above its median, (channels,)."""
    low, medians, high = state[f"{prefix}quantiles"][:, 0].unbind(1)
    return tuple(r.ceil().clamp(0, MAX_REACH).int() for r in (medians - low, high - medians))


def columns(state: State, prefix: str) -> int:
    """Frequencies of the longest row, its escape included."""
    below, above = _reach(state, prefix)
    return int((below + above).max()) + 2


def tables(state: State, prefix: str) -> State:
    """The buffers of a `ChannelTables` from the density below `prefix`."""
    medians, (below, above) = state[f"{prefix}quantiles"][:, 0, 1].clone(), _reach(state, prefix)
    rows = []
    for channel, (first, last) in enumerate(zip(below.tolist(), above.tolist(), strict=True)):
        edges = medians[channel].double() + torch.arange(-first, last + 2).double() - 0.5
        logits = _logits(state, prefix, channel, edges)
        # Differences of the smaller tail's sigmoids lose no digits.
        sign = torch.where(logits[1:] + logits[:-1] > 0, -1.0, 1.0)
        inside = (torch.sigmoid(sign * logits[1:]) - torch.sigmoid(sign * logits[:-1])).abs()
        tail = torch.sigmoid(logits[:1]) + torch.sigmoid(-logits[-1:])
        rows.append(quantize(torch.cat([inside, tail]).numpy()))
    frequencies = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, found in zip(frequencies, rows, strict=True):
        row[: len(found)] = found
    return {"medians": medians, "first": -below, "frequencies": torch.from_numpy(frequencies)}


def _logits(state: State, prefix: str, channel: int, x: Tensor) -> Tensor:
    """The cumulative distribution of a channel at x (N,), before its sigmoid."""
    x = x[None]
    for i in range(LAYERS):
        x = (
            F.softplus(state[f"{prefix}matrices.{i}"][channel].double()) @ x
            + state[f"{prefix}biases.{i}"][channel].double()
        )
        if i < LAYERS - 1:
            x = x + state[f"{prefix}factors.{i}"][channel].double().tanh() * x.tanh()
    return x[0]
