"""TEC-FP: transforms with a factorized prior, the simplest of the family (arXiv 2510.12670; Ballé
et al., ICLR 2017).

Each channel of y_hat has one distribution for all places and dates; it moves with the condition.
No network stands between the bits and the latents, so a frame decodes without any other and for
next to nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.models.published.channel_tables import ChannelTables
from tec_zarr.models.published.config import LOG_SCALE_RANGE, ModelConfig
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.models.published.walk import Coder


class FactorizedPrior(nn.Module):
    """Mean and scale of each channel, in its unit, linear in the condition (the scale in its
    logarithm)."""

    tables = None
    relative = False

    def __init__(self, latents: int, conditions: int):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(conditions, latents))
        self.log_scale = nn.Parameter(torch.zeros(conditions, latents))

    def walk(
        self,
        coder: Coder,
        unit: Tensor,
        condition: Tensor,
        size: tuple[int, int],
        y: Tensor | None = None,
    ) -> Tensor:
        """Code y (N, latents, h, w) with unit (N, latents), in one step."""
        scales = torch.exp((condition @ self.log_scale).clamp(*LOG_SCALE_RANGE)) * unit
        means, scales = (
            part[:, :, None, None].expand(-1, -1, *size)
            for part in ((condition @ self.mean) * unit, scales)
        )
        return coder.step(means, scales, y)


class TabulatedPrior(nn.Module):
    """A table of each channel, as the published checkpoints have it."""

    relative = True

    def __init__(self, latents: int, symbols: int):
        super().__init__()
        self.tables = ChannelTables(latents, symbols)

    def walk(
        self,
        coder: Coder,
        unit: Tensor,
        condition: Tensor,
        size: tuple[int, int],
        y: Tensor | None = None,
    ) -> Tensor:
        """Code y (N, latents, h, w) in one step; the unit is 1."""
        return self.tables.code(coder, (*unit.shape, *size), y)


class TecFP(TransformCodec):
    """A TEC-FP of any size."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        latents = config.transforms.latents
        symbols = config.prior.symbols
        self.prior = (
            TabulatedPrior(latents, symbols)
            if symbols
            else FactorizedPrior(latents, config.conditions)
        )
