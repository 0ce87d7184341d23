"""Frequency tables of channels, for latents that no network predicts.

The published checkpoints give such latents a learned density a channel (Ballé et al.,
"Variational image compression with a scale hyperprior", ICLR 2018). It becomes integers when a
checkpoint is converted, so that every machine has the same ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.entropy.tables import Tables
from tec_zarr.models.published.walk import Coder


class ChannelTables(nn.Module):
    """A table row a channel, of symbols relative to the channel's median."""

    def __init__(self, channels: int, symbols: int):
        super().__init__()
        self.register_buffer("medians", torch.zeros(channels))
        self.register_buffer("first", torch.zeros(channels, dtype=torch.int32))
        self.register_buffer("frequencies", torch.zeros(channels, symbols, dtype=torch.int32))

    def tables(self) -> Tables:
        """The rows; zeros behind a row's own frequencies only fill it up."""
        used = self.frequencies > 0
        return Tables.from_frequencies(
            self.first.cpu().numpy(),
            used.sum(1).cpu().numpy(),
            self.frequencies[used].cpu().numpy(),
        )

    def code(self, coder: Coder, shape: tuple[int, ...], values: Tensor | None) -> Tensor:
        """Code values (N, channels, h, w), None to decode that `shape`, in one step: integers
        off the medians."""
        medians = self.medians[:, None, None]
        rows = torch.arange(len(self.medians), device=medians.device)[:, None, None].expand(shape)
        return (
            coder.step_rows(rows, None if values is None else values - medians).to(medians)
            + medians
        )
