"""What all codecs of the family share: transforms, gains by quality, statistics of the bands.

x -> g_a -> y -> x gain, round -> y_hat -> / gain -> g_s -> x_hat
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.models.published.config import ConvConfig, ModelConfig
from tec_zarr.models.published.convolutions import ConvAnalysis, ConvSynthesis
from tec_zarr.models.published.quality import Gains, make_condition
from tec_zarr.models.published.transforms import Analysis, Synthesis


class TransformCodec(nn.Module):
    """Transforms without a prior; a codec of the family adds its `prior`.

    `standard` (2, bands) holds the means and standard deviations in DN that bands are
    standardized with, `covariance` (bands, bands) and `center` (bands,) the statistics of
    standardized bands, from which missing bands are filled.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        latents = config.transforms.latents
        conditions = config.conditions
        bands = len(config.transforms.bands)
        self.config = config
        if isinstance(config.transforms, ConvConfig):
            self.analysis, self.synthesis = (
                ConvAnalysis(config.transforms),
                ConvSynthesis(config.transforms),
            )
        else:
            self.analysis, self.synthesis = (
                Analysis(config.transforms, conditions),
                Synthesis(config.transforms, conditions),
            )
        self.gains = Gains(config.knots, conditions, latents, config.lmbda_range)
        self.register_buffer("latent_spread", torch.ones(latents))
        self.register_buffer("standard", torch.stack([torch.zeros(bands), torch.ones(bands)]))
        self.register_buffer("covariance", torch.eye(bands))
        self.register_buffer("center", torch.zeros(bands))

    def condition(self, quality: Tensor, missing: Tensor | None = None) -> Tensor:
        """The condition (N, conditions) of qualities (N,) and `missing` (N, bands), 1 for bands
        that need not come back."""
        if missing is None:
            missing = quality.new_zeros(len(quality), len(self.config.transforms.bands))
        return make_condition(quality, missing, self.config.knots)

    def unit(self, condition: Tensor) -> Tensor:
        """Typical size of each latent in quantization steps, (N, latents)."""
        return self.gains(condition) * self.latent_spread

    def analyze(self, x: Tensor, condition: Tensor) -> Tensor:
        """Latents (N, latents, h, w) in quantization steps, not yet rounded, of standardized
        frames x (N, bands, H, W)."""
        return self.analysis(x, condition) * self.gains(condition)[:, :, None, None]

    def synthesize(self, y_hat: Tensor, features: Tensor, condition: Tensor) -> Tensor:
        """Standardized frames x_hat from y_hat and the features (N, any, h, w) that its prior
        leaves, if any."""
        return self.synthesis(y_hat / self.gains(condition)[:, :, None, None], condition)
