"""Analysis and synthesis transforms of strided convolutions, as the published checkpoints have
them.

    x (N, bands, H, W) -> [5x5/2 -> residual units or GDN] three times -> 5x5/2 -> y (N, latents,
    H/16, W/16) y -> the mirror -> x_hat

With residual units an attention block stands before the third convolution and after the last (He
et al., "ELIC", CVPR 2022, without its mixed entropy parts). No clamp anywhere.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tec_zarr.models.published.config import ConvConfig


class ResidualUnit(nn.Module):
    """1x1 to half the channels, 3x3, 1x1 back, added to the input; `relu` may end it."""

    def __init__(self, channels: int, relu: bool):
        super().__init__()
        self.enter = nn.Conv2d(channels, channels // 2, 1)
        self.middle = nn.Conv2d(channels // 2, channels // 2, 3, padding=1)
        self.leave = nn.Conv2d(channels // 2, channels, 1)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.leave(F.relu(self.middle(F.relu(self.enter(x)))))
        return F.relu(x) if self.relu else x


class SpatialAttention(nn.Module):
    """A trunk of residual units times a mask of residual units, added to the input (Cheng et
    al., CVPR 2020)."""

    def __init__(self, channels: int):
        super().__init__()
        self.trunk = nn.Sequential(*(ResidualUnit(channels, True) for _ in range(3)))
        self.mask = nn.Sequential(
            *(ResidualUnit(channels, True) for _ in range(3)), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.trunk(x) * torch.sigmoid(self.mask(x))


class DivisiveNorm(nn.Module):
    """Generalized divisive normalization, x / sqrt(beta + gamma x^2), or its approximate inverse
    (Ballé et al., 2016)."""

    def __init__(self, channels: int, inverse: bool):
        super().__init__()
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels))
        self.inverse = inverse

    def forward(self, x: Tensor) -> Tensor:
        norm = F.conv2d(x**2, self.gamma[:, :, None, None], self.beta)
        return x * (norm.sqrt() if self.inverse else norm.rsqrt())


def _between(config: ConvConfig, channels: int, inverse: bool) -> list[nn.Module]:
    """What follows a convolution to `channels`."""
    if not config.units:
        return [DivisiveNorm(channels, inverse)]
    return [ResidualUnit(channels, config.relu) for _ in range(config.units)]


class ConvAnalysis(nn.Sequential):
    """g_a: standardized bands (N, bands, H, W), H and W multiples of the stride, to latents y."""

    def __init__(self, config: ConvConfig):
        layers = []
        sizes = (len(config.bands), *config.widths, config.latents)
        for number, (a, b) in enumerate(itertools.pairwise(sizes)):
            layers.append(nn.Conv2d(a, b, 5, stride=2, padding=2))
            if number < len(config.widths):
                layers += _between(config, b, inverse=False)
            if config.units and number % 2:
                layers.append(SpatialAttention(b))
        super().__init__(*layers)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`condition` (N, 0) has nothing to say."""
        return super().forward(x)


class ConvSynthesis(nn.Sequential):
    """g_s: latents (N, latents, h, w) to standardized bands (N, bands, stride h, stride w)."""

    def __init__(self, config: ConvConfig):
        layers = []
        sizes = (config.latents, *config.widths[::-1], len(config.bands))
        for number, (a, b) in enumerate(itertools.pairwise(sizes)):
            if config.units and number % 2 == 0:
                layers.append(SpatialAttention(a))
            if number:
                layers += _between(config, a, inverse=True)
            layers.append(nn.ConvTranspose2d(a, b, 5, stride=2, padding=2, output_padding=1))
        super().__init__(*layers)

    def forward(self, y: Tensor, condition: Tensor) -> Tensor:
        """`condition` (N, 0) has nothing to say."""
        return super().forward(y)


def reach(config: ConvConfig) -> int:
    """Latents beyond which a pixel or latent has no influence."""
    pixels = 0
    for number in range(len(config.widths) + 1):
        after = 2 ** (number + 1)
        pixels += after + (number < len(config.widths)) * config.units * after
        pixels += 3 * after if config.units and number % 2 else 0
    return math.ceil(pixels / config.stride)
