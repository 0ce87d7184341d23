"""What the network is given of dates, and whom it asks for symbols."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import torch
from torch import Tensor

from tec_zarr.prior.channels import (
    GROUP_SIZES,
    GROUPS,
)


class Regression(Protocol):
    """Predicts a group from earlier dates, by what was fitted on the groups below it."""

    def predict(self, group: int) -> tuple[Tensor, Tensor]:
        """Prediction (N, h, w, n) of the group's channels, and the fit (N, 12): log share of
        energy left."""

    def add(self, group: int, symbols: Tensor) -> None:
        """Take in the symbols (N, h, w, n) of a group."""


class Coder(Protocol):
    """What codes, decodes or counts the symbols as the network comes to them."""

    def code(self, group: int, positions: Tensor | None, means: Tensor, scales: Tensor) -> Tensor:
        """Symbols (N, P, n) at some positions of a group, given their means and scales (N, P, n).

        `positions` are raster indices (P,); None stands for all of them.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class Selection:
    """The channels that are computed: for each group which of its own, and where they stand
    among all selected."""

    local: tuple[Tensor | None, ...]
    """For each group the indices (n,) of its selected channels among its own; None for all of
    them."""

    counts: tuple[int, ...]

    @classmethod
    def every(cls) -> Selection:
        return cls((None,) * GROUPS, GROUP_SIZES)

    @classmethod
    def of(cls, live: Tensor) -> Selection:
        """Those of the channels `live` (2048,) bool."""
        local = []
        counts = []
        for part in live.split(GROUP_SIZES):
            chosen = part.nonzero()[:, 0]
            whole = len(chosen) == len(part)
            local.append(None if whole else chosen)
            counts.append(len(chosen))
        return cls(tuple(local), tuple(counts))

    def slices(self) -> list[slice]:
        """Where each group stands among the selected channels."""
        out = []
        start = 0
        for count in self.counts:
            out.append(slice(start, start + count))
            start += count
        return out

    def indices(self) -> Tensor:
        """Selected channels (n,) among the 2,048."""
        parts = []
        start = 0
        for local, size in zip(self.local, GROUP_SIZES, strict=True):
            own = torch.arange(size) if local is None else local
            parts.append(own + start)
            start += size
        return torch.cat(parts)


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What the network is given of N like-sized dates, before it sees a symbol of them.

    condition
        (N, 50): log rms of zones and components in steps, halved; log of the step; whether there is
        a past.
    live
        (N, 2048): 1 for channels that have a symbol, else 0.
    unit
        (N, n): rms expected of a symbol of each selected channel.
    past
        (N, K, h, w, n): K earlier dates in this date's bases, nearest first.
    past_valid
        (N, K): 1 where there is such a date.
    component
        (n,): the component of each selected channel.
    """

    condition: Tensor
    live: Tensor
    unit: Tensor
    past: Tensor
    past_valid: Tensor
    component: Tensor
    selection: Selection
    size: tuple[int, int]
