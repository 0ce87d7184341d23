"""The second stage of the image codecs: their own prior, with the transforms."""

from __future__ import annotations

import torch
from torch import Tensor

from tec_zarr.training.likelihood import bits
from tec_zarr.training.stages.base import (
    Stage,
    balance,
    decibels,
    noisy,
    round_through,
    squared_error,
)


class RateCounter:
    """A walk's coder that counts bits: of noisy values where the transforms learn their price,
    else of rounded ones."""

    def __init__(self, exact: bool):
        self._exact, self.bits = exact, 0.0

    def step(self, means: Tensor, scales: Tensor, values: Tensor) -> Tensor:
        with torch.autocast(means.device.type, enabled=False):
            measured = values.round() if self._exact else noisy(values)
            self.bits = self.bits + bits(measured, means.float(), scales.float()).flatten(1).sum(1)
        return round_through(values)


class ImageStage(Stage):
    """The prior of a TEC-FP or TEC-ELIC; loss: bits a pixel + lmbda x squared error."""

    name = "image"
    peak = 1e-3

    def evaluate(self, x: Tensor, condition: Tensor) -> tuple[Tensor, dict[str, float]]:
        x = x.flatten(0, 1)
        model = self.model
        missing = self.missing(condition)
        y = model.analyze(x, condition)
        counter = RateCounter(exact=not self.training)
        y_hat = model.prior.walk(counter, model.unit(condition), condition, tuple(y.shape[-2:]), y)
        x_hat = model.synthesize(y_hat, y_hat[:, :0], condition)
        rate = counter.bits / x.shape[-1] ** 2
        error = squared_error(x, x_hat, missing)
        weight = self.weight(condition)
        loss = ((rate + weight * error) * balance(weight)).mean()
        return loss, {"bppb": rate.mean().item() / 12, "psnr": decibels(error, missing)}
