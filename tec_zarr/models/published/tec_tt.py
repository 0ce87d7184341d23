"""TEC-TT: image transforms on each frame, a temporal transformer prior over their latents (arXiv
2510.12670).

x -> g_a -> y -> x gain, round -> y_hat           integers, coded under the prior
y_hat + f(features of the prior) -> / gain -> g_s -> x_hat
"""

from __future__ import annotations

from torch import Tensor, nn

from tec_zarr.models.published.config import ModelConfig
from tec_zarr.models.published.temporal_prior import TemporalPrior
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.models.published.transforms import ResidualBlock


class Refinement(nn.Module):
    """f: what the prior's features add to y_hat before synthesis, (N, latents, h, w) in
    quantization steps.

    The prior knows more of a latent than its rounded value tells; it starts as zero.
    """

    def __init__(self, features: int, latents: int, conditions: int):
        super().__init__()
        self.enter = nn.Conv2d(features, features, 1)
        self.activation = nn.LeakyReLU(0.1)
        self.block = ResidualBlock(features, conditions)
        self.leave = nn.Conv2d(features, latents, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        return self.leave(self.block(self.activation(self.enter(features)), condition))


class ConvRefinement(nn.Module):
    """f as published: 1x1 to latents, then two 3x3 added to their input."""

    def __init__(self, features: int, latents: int, slope: float):
        super().__init__()
        self.enter = nn.Conv2d(features, latents, 1)
        self.activation = nn.LeakyReLU(slope)
        self.block = nn.Sequential(
            nn.Conv2d(latents, latents, 3, padding=1), self.activation,
            nn.Conv2d(latents, latents, 3, padding=1), self.activation,
        )  # fmt: skip

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """`condition` (N, 0) has nothing to say."""
        x = self.activation(self.enter(features))
        return x + self.block(x)


class TecTT(TransformCodec):
    """A TEC-TT of any size, or a FlexTEC: the same with tokens repacked, of which any number may
    be dropped."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        latents = config.transforms.latents
        conditions = config.conditions
        self.prior = TemporalPrior(config.prior, latents, conditions)
        if config.prior.published:
            self.refinement = ConvRefinement(config.prior.width, latents, config.prior.slope)
        else:
            self.refinement = Refinement(config.prior.width, latents, conditions)

    def synthesize(self, y_hat: Tensor, features: Tensor, condition: Tensor) -> Tensor:
        """Standardized frames x_hat from y_hat and the prior's features (N, width, h, w)."""
        y = (y_hat + self.refinement(features, condition)) / self.gains(condition)[:, :, None, None]
        return self.synthesis(y, condition)
