"""TEC-TT: image transforms on each frame, a temporal transformer prior over their latents (arXiv 2510.12670).

x -> g_a -> y -> x gain, round -> y_hat           integers, coded under the prior
y_hat + f(features of the prior) -> / gain -> g_s -> x_hat
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.models.config import ModelConfig
from tec_zarr.models.prior import TemporalPrior
from tec_zarr.models.quality import Gains, knot_weights
from tec_zarr.models.transforms import Analysis, ResidualBlock, Synthesis


class Refinement(nn.Module):
    """f: what the prior's features add to y_hat before synthesis, (N, latents, h, w) in quantization steps.

    The prior knows more of a latent than its rounded value tells; it starts as zero.
    """

    def __init__(self, features: int, latents: int, knots: int):
        super().__init__()
        self.enter = nn.Conv2d(features, features, 1)
        self.activation = nn.LeakyReLU(0.1)
        self.block = ResidualBlock(features, knots)
        self.leave = nn.Conv2d(features, latents, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        return self.leave(self.block(self.activation(self.enter(features)), weights))


class TecTT(nn.Module):
    """A TEC-TT of any size.

    `standard` (2, bands) holds the means and standard deviations in DN that bands are standardized with, `covariance`
    (bands, bands) and `center` (bands,) the statistics of standardized bands, from which missing bands are filled.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        latents, knots = config.transforms.latents, config.knots
        self.config = config
        self.analysis = Analysis(config.transforms, knots)
        self.synthesis = Synthesis(config.transforms, knots)
        self.gains = Gains(knots, latents, config.lmbda_range)
        self.prior = TemporalPrior(config.prior, latents, knots)
        self.refinement = Refinement(config.prior.width, latents, knots)
        bands = len(config.transforms.bands)
        self.register_buffer("latent_spread", torch.ones(latents))
        self.register_buffer("standard", torch.stack([torch.zeros(bands), torch.ones(bands)]))
        self.register_buffer("covariance", torch.eye(bands))
        self.register_buffer("center", torch.zeros(bands))

    def weights(self, quality: Tensor) -> Tensor:
        """Knot weights (N, knots) of qualities (N,), which condition every part."""
        return knot_weights(quality, self.config.knots)

    def unit(self, weights: Tensor) -> Tensor:
        """Typical size of each latent in quantization steps, (N, latents)."""
        return self.gains(weights) * self.latent_spread

    def analyze(self, x: Tensor, weights: Tensor) -> Tensor:
        """Latents (N, latents, h, w) in quantization steps, not yet rounded, of standardized frames x (N, bands, H, W)."""
        return self.analysis(x, weights) * self.gains(weights)[:, :, None, None]

    def synthesize(self, y_hat: Tensor, features: Tensor, weights: Tensor) -> Tensor:
        """Standardized frames x_hat from y_hat and the prior's features (N, width, h, w)."""
        y = (y_hat + self.refinement(features, weights)) / self.gains(weights)[:, :, None, None]
        return self.synthesis(y, weights)
