"""The first stage: transforms and gains under a cheap prior, from a patch KLT."""

from __future__ import annotations

import torch
from torch import Tensor

from tec_zarr.models.bands import L2A_MEAN, L2A_STD
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.training.augment import Crops
from tec_zarr.training.pca import start_from_pca
from tec_zarr.training.proxy import HyperPrior
from tec_zarr.training.stages.base import (
    Stage,
    balance,
    decibels,
    noisy,
    round_through,
    squared_error,
)


class TransformStage(Stage):
    """Transforms and gains under the hyperprior; loss: bits a pixel + lmbda x squared error."""

    name = "transforms"
    peak = 1e-3

    def __init__(self, model: TransformCodec):
        super().__init__(model)
        self.proxy = HyperPrior(model.config.transforms.latents, model.config.conditions)

    @torch.no_grad()
    def start(self, crops: Crops) -> None:
        model = self.model
        x = torch.cat([crops.batch(16, 128).flatten(0, 1) for _ in range(16)])
        start_from_pca(model.analysis, model.synthesis, x)
        y = model.analysis(x, model.condition(torch.full((len(x),), 50.0)))
        spread = y.std((0, 2, 3)).clamp(min=1e-3)
        self.proxy.spread.copy_(spread)
        model.latent_spread.copy_(spread)
        samples = x.movedim(1, 0).flatten(1)
        model.covariance.copy_(torch.cov(samples))
        model.center.copy_(samples.mean(1))
        model.standard.copy_(torch.tensor([L2A_MEAN, L2A_STD]))

    def evaluate(self, x: Tensor, condition: Tensor) -> tuple[Tensor, dict[str, float]]:
        x = x.flatten(0, 1)
        model = self.model
        missing = self.missing(condition)
        gains = model.gains(condition)
        y = model.analyze(x, condition)
        y_bits, z_bits = self.proxy(noisy(y), gains, condition)
        x_hat = model.synthesis(round_through(y) / gains[:, :, None, None], condition)
        rate = (y_bits + z_bits) / x.shape[-1] ** 2
        error = squared_error(x, x_hat, missing)
        weight = self.weight(condition)
        loss = ((rate + weight * error) * balance(weight)).mean()
        return loss, {"bppb": rate.mean().item() / 12, "psnr": decibels(error, missing)}
