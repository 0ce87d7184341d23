"""A cheap image-only prior to train the transforms with: a mean-scale hyperprior (Minnen et al.,
NeurIPS 2018).

It is also the image-only baseline that the temporal prior is measured against; it is not
shipped.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tec_zarr.entropy.distribution import MAX_SCALE, MIN_SCALE
from tec_zarr.training.likelihood import bits


class HyperPrior(nn.Module):
    """Mean and scale of each latent from hyper-latents z at a quarter of the latents'
    resolution."""

    def __init__(self, latents: int, conditions: int, width: int = 128, hyper: int = 64):
        super().__init__()
        self.condition_in = nn.Linear(conditions, width, bias=False)
        self.condition_out = nn.Linear(conditions, width, bias=False)
        self.register_buffer("spread", torch.ones(latents))
        self.h_a_in = nn.Conv2d(latents, width, 1)
        self.h_a = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 2, stride=2), nn.LeakyReLU(0.1),
            nn.Conv2d(width, hyper, 2, stride=2),
        )  # fmt: skip
        self.h_s_in = nn.ConvTranspose2d(hyper, width, 2, stride=2)
        self.h_s = nn.Sequential(
            nn.LeakyReLU(0.1), nn.ConvTranspose2d(width, width, 2, stride=2), nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.1),
            nn.Conv2d(width, 2 * latents, 1),
        )  # fmt: skip
        self.z_mean = nn.Parameter(torch.zeros(hyper))
        self.z_log_scale = nn.Parameter(torch.zeros(hyper))
        nn.init.zeros_(self.h_s[-1].weight)
        nn.init.zeros_(self.h_s[-1].bias)

    def forward(self, y_gained: Tensor, gains: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Bits of y (N,) and of z (N,); `y_gained` with noise, `gains` (N, latents)."""
        unit = (gains * self.spread)[:, :, None, None]
        h = self.h_a_in(y_gained / unit) + self.condition_in(condition)[:, :, None, None]
        height, width = h.shape[-2:]
        z = self.h_a(F.pad(h, (0, -width % 4, 0, -height % 4), mode="replicate"))
        z = z + torch.rand_like(z) - 0.5
        z_bits = bits(
            z, self.z_mean[:, None, None], self.z_log_scale.exp().clamp(MIN_SCALE)[:, None, None]
        )
        h = self.h_s(self.h_s_in(z) + self.condition_out(condition)[:, :, None, None])
        mean, log_scale = h[..., :height, :width].chunk(2, 1)
        scales = (log_scale.clamp(-8, 4).exp() * unit).clamp(MIN_SCALE, MAX_SCALE)
        return bits(y_gained, mean * unit, scales).sum((1, 2, 3)), z_bits.sum((1, 2, 3))
