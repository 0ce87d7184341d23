"""What the stages have in common: batches, conditions, reports, and the terms of their losses."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tec_zarr.models.bands import L2A_STD
from tec_zarr.models.published.quality import MAX_QUALITY, MIN_QUALITY, lmbda
from tec_zarr.models.published.statistics import Statistics
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.training.augment import Crops
from tec_zarr.training.dropout import drop_bands

REFERENCE_STD = 1400.0
BAND_WEIGHT = (torch.tensor(L2A_STD) / REFERENCE_STD) ** 2
"""Weights that turn squared errors of standardized bands into squared digital numbers over
`REFERENCE_STD` squared."""

DROP_SHARE = 0.3
"""Share of training series that have bands left out."""


def draw_quality(count: int) -> Tensor:
    """Qualities (count,) over the whole range, stratified so that each batch sees all of it."""
    strata = (torch.arange(count) + torch.rand(count)) / count
    return MIN_QUALITY + (MAX_QUALITY - MIN_QUALITY) * strata[torch.randperm(count)]


def squared_error(x: Tensor, x_hat: Tensor, missing: Tensor) -> Tensor:
    """Squared error (N,) in units of `REFERENCE_STD` squared: summed over the bands that are not
    missing, over all bands."""
    return (
        (((x - x_hat) ** 2).mean((-2, -1)) * (1 - missing)) @ BAND_WEIGHT.to(x) / len(BAND_WEIGHT)
    )


def decibels(error: Tensor, missing: Tensor) -> float:
    """PSNR over the samples of bands that are not missing."""
    mean = error.sum() / (1 - missing).mean(1).sum()
    return -10 * math.log10(mean.item() * (REFERENCE_STD / 1e4) ** 2)


def round_through(y: Tensor) -> Tensor:
    """Round, with the gradient of the identity."""
    return y + (y.round() - y).detach()


def noisy(y: Tensor) -> Tensor:
    """With uniform noise of a quantization step."""
    return y + torch.rand_like(y) - 0.5


def balance(weight: Tensor) -> Tensor:
    """Scale the loss at every lmbda to a like size: it grows with about the 0.4th power."""
    return (weight / 100) ** -0.4


class Stage(nn.Module):
    """A part of the curriculum: what it trains, on what batches, for what loss.

    `size`, `count` and `frames` shape a batch; `qualities` are those that `report` evaluates at.
    """

    name: str
    peak: float
    size = 128
    count = 8
    frames = 1
    qualities = (10.0, 30.0, 50.0, 70.0, 90.0)

    def __init__(self, model: TransformCodec):
        super().__init__()
        self.model = model
        model.requires_grad_(True)

    def start(self, crops: Crops) -> None:
        """Prepare what the stage before did not leave."""

    def slow_parameters(self) -> list[nn.Parameter]:
        """The outer convolutions, which start from PCA."""
        model = self.model
        return [
            *model.analysis.enter.parameters(), *model.analysis.leave.parameters(),
            *model.synthesis.enter.parameters(), *model.synthesis.leave.parameters(),
        ]  # fmt: skip

    def loss(self, crops: Crops) -> tuple[Tensor, dict[str, float]]:
        x = crops.batch(self.count, self.size, self.frames)
        x, missing = drop_bands(x, Statistics.of(self.model), DROP_SHARE, crops.random)
        condition = self.model.condition(draw_quality(self.count), missing)
        return self.evaluate(x.to(self.device), condition.to(self.device))

    @property
    def device(self) -> torch.device:
        return self.model.latent_spread.device

    def evaluate(self, x: Tensor, condition: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Loss and figures of series x (N, T, bands, H, W) under their conditions (N,
        conditions)."""
        raise NotImplementedError

    def report(self, held_out: Crops) -> dict[str, dict[str, float]]:
        """Figures at a few qualities on the same held-out crops each time."""
        x = held_out.fixed(24 // self.frames, self.size, self.frames).to(self.device)
        conditions = [self.model.condition(x.new_full((len(x),), q)) for q in self.qualities]
        self.eval()
        figures = {
            str(q): self.evaluate(x, c)[1] for q, c in zip(self.qualities, conditions, strict=True)
        }
        self.train()
        return figures

    def weight(self, condition: Tensor) -> Tensor:
        """lmbda (N,) of conditions."""
        knots = self.model.config.knots
        at = condition[:, :knots] @ torch.linspace(
            MIN_QUALITY, MAX_QUALITY, knots, device=condition.device
        )
        return lmbda(at, self.model.config.lmbda_range)

    def missing(self, condition: Tensor) -> Tensor:
        """1 for each missing band, (N, bands)."""
        return condition[:, self.model.config.knots :]
