"""Quality, 1 to 100: one checkpoint for a continuous range of rates through learned gain vectors on
the latents.

Gained latents follow Cui et al., "Asymmetric Gained Deep Image Compression With Continuous Rate
Adaptation" (CVPR 2021); gains between two knots are interpolated geometrically.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tec_zarr.models.published.transformer import Linear

MIN_QUALITY = 1.0
MAX_QUALITY = 100.0


def position(quality: Tensor) -> Tensor:
    """Where a quality lies in the range, from 0 (quality 1) to 1 (quality 100)."""
    return (quality - MIN_QUALITY) / (MAX_QUALITY - MIN_QUALITY)


def knot_weights(quality: Tensor, knots: int) -> Tensor:
    """Linear interpolation weights of `quality` (N,) over evenly spaced knots: (N, knots), rows
    sum to 1."""
    at = position(quality)[:, None] * (knots - 1)
    return (1 - (at - torch.arange(knots, dtype=quality.dtype, device=quality.device)).abs()).clamp(
        min=0
    )


def make_condition(quality: Tensor, missing: Tensor, knots: int) -> Tensor:
    """What every part of a model is conditioned on: knot weights of `quality` (N,), then 1 for
    each missing band of `missing` (N, bands), together (N, knots + bands); nothing, (N, 0), of a
    model without knots."""
    if not knots:
        return quality.new_zeros(len(quality), 0)
    return torch.cat([knot_weights(quality, knots), missing.to(quality)], 1)


def lmbda(quality: Tensor, lmbda_range: tuple[float, float]) -> Tensor:
    """The rate-distortion weight that a quality is trained at (bits a pixel + lmbda x
    standardised MSE)."""
    low, high = (math.log(v) for v in lmbda_range)
    return torch.exp(low + (high - low) * position(quality))


class ConditionBias(Linear):
    """A bias (N, width) by condition (N, conditions): zero where there are no conditions."""

    def __init__(self, conditions: int, width: int):
        super().__init__(conditions, width, bias=False)

    def reset_parameters(self) -> None:
        if self.in_features:
            super().reset_parameters()


class Gains(nn.Module):
    """Learned positive gains (N, latents) by condition: latents are multiplied by them before
    rounding."""

    def __init__(self, knots: int, conditions: int, latents: int, lmbda_range: tuple[float, float]):
        super().__init__()
        at = torch.linspace(MIN_QUALITY, MAX_QUALITY, knots)
        # For orthonormal patches the step that balances rate and distortion is near 10 /
        # sqrt(lmbda).
        start = 0.5 * torch.log(lmbda(at, lmbda_range)) - math.log(10.0)
        self.log_gain = nn.Parameter(
            torch.cat([start, torch.zeros(conditions - knots)])[:, None].repeat(1, latents)
        )

    def forward(self, condition: Tensor) -> Tensor:
        return torch.exp(condition @ self.log_gain)
