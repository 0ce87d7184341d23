"""Probability of an integer under the distribution that the shipped tables hold."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tec_zarr.entropy.distribution import COMPONENTS

FLOOR = 1e-9


def _normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * torch.erfc(x * -math.sqrt(0.5))


def bits(y: Tensor, means: Tensor, scales: Tensor) -> Tensor:
    """Bits of each y (rounded, or with noise of a unit width added), elementwise."""
    distance = (y - means).abs()
    total = sum(
        share
        * (
            _normal_cdf((0.5 - distance) / (spread * scales))
            - _normal_cdf((-0.5 - distance) / (spread * scales))
        )
        for share, spread in COMPONENTS
    )
    return -torch.log2(total.clamp(min=FLOOR))
