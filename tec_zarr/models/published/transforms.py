"""Analysis and synthesis transforms: pixels to latents and back, cheap on a CPU.

    x (N, bands, H, W) -> patches of 8x8 as channels -> 1x1 to width -> residual blocks -> 2x2/2 to
    latents y (N, latents, H/16, W/16) -> the mirror -> x_hat

All heavy work is 1x1 convolutions at 1/8 of the resolution. Started from patch PCA the untrained
pair is a 16x16 KLT transform coder (`tec_zarr.training.pca`); training bends it from there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.models.published.config import TransformConfig


def float32(x: Tensor) -> torch.autocast:
    """No autocast while training in bfloat16: what enters and leaves the residual blocks needs
    more than 8 bits."""
    return torch.autocast(x.device.type, enabled=False)


class ResidualBlock(nn.Module):
    """1x1, depthwise 3x3, 1x1, then a two-fold MLP, each added to its input; a bias by condition
    opens the block.

    The last convolution of each branch starts at zero, so that the block starts as the identity.
    """

    def __init__(self, width: int, conditions: int):
        super().__init__()
        self.bias = nn.Linear(conditions, width, bias=False)
        self.enter = nn.Conv2d(width, width, 1)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.leave = nn.Conv2d(width, width, 1)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.contract = nn.Conv2d(2 * width, width, 1)
        self.activation = nn.LeakyReLU(0.1)
        nn.init.zeros_(self.bias.weight)
        for last in (self.leave, self.contract):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.activation(self.enter(x) + self.bias(condition)[:, :, None, None])
        x = x + self.leave(self.activation(self.depthwise(h)))
        return x + self.contract(self.activation(self.expand(x)))


class Analysis(nn.Module):
    """g_a: standardised bands (N, bands, H, W), H and W multiples of twice the patch, to latents
    y."""

    def __init__(self, config: TransformConfig, conditions: int):
        super().__init__()
        self.patches = nn.PixelUnshuffle(config.patch)
        self.enter = nn.Conv2d(len(config.bands) * config.patch**2, config.width, 1)
        self.blocks = nn.ModuleList(
            ResidualBlock(config.width, conditions) for _ in range(config.blocks)
        )
        self.leave = nn.Conv2d(config.width, config.latents, 2, stride=2)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        with float32(x):
            x = self.enter(self.patches(x))
        for block in self.blocks:
            x = block(x, condition)
        with float32(x):
            return self.leave(x)


class Synthesis(nn.Module):
    """g_s: latents (N, latents, h, w) to standardised bands (N, bands, 16 h, 16 w)."""

    def __init__(self, config: TransformConfig, conditions: int):
        super().__init__()
        self.enter = nn.ConvTranspose2d(config.latents, config.width, 2, stride=2)
        self.blocks = nn.ModuleList(
            ResidualBlock(config.width, conditions) for _ in range(config.blocks)
        )
        self.leave = nn.Conv2d(config.width, len(config.bands) * config.patch**2, 1)
        self.pixels = nn.PixelShuffle(config.patch)

    def forward(self, y: Tensor, condition: Tensor) -> Tensor:
        with float32(y):
            y = self.enter(y)
        for block in self.blocks:
            y = block(y, condition)
        with float32(y):
            return self.pixels(self.leave(y))


def receptive_latents(config: TransformConfig) -> int:
    """Latents beyond which a pixel or latent has no influence: a depthwise 3x3 a block, at half
    a latent each."""
    return (config.blocks + 1) // 2 + 1
