"""The curriculum: transforms with a cheap prior, the temporal prior on their latents, synthesis on its features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tec_zarr.entropy.distribution import MAX_SCALE, MIN_SCALE
from tec_zarr.models.bands import L2A_MEAN, L2A_STD
from tec_zarr.models.patching import from_blocks, to_blocks, to_windows
from tec_zarr.models.quality import MAX_QUALITY, MIN_QUALITY, knot_weights, lmbda
from tec_zarr.models.tec_tt import TecTT
from tec_zarr.training.augment import Crops
from tec_zarr.training.likelihood import bits
from tec_zarr.training.pca import start_from_pca
from tec_zarr.training.proxy import HyperPrior

REFERENCE_STD = 1400.0
BAND_WEIGHT = (torch.tensor(L2A_STD) / REFERENCE_STD) ** 2
"""Weights that turn squared errors of standardised bands into squared digital numbers over `REFERENCE_STD` squared."""


def draw_quality(count: int) -> Tensor:
    """Qualities (count,) over the whole range, stratified so that each batch sees all of it."""
    strata = (torch.arange(count) + torch.rand(count)) / count
    return MIN_QUALITY + (MAX_QUALITY - MIN_QUALITY) * strata[torch.randperm(count)]


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Mean squared error (N,) in units of `REFERENCE_STD` squared."""
    return ((x - x_hat) ** 2).mean((-2, -1)) @ BAND_WEIGHT.to(x) / len(BAND_WEIGHT)


def round_through(y: Tensor) -> Tensor:
    """Round, with the gradient of the identity."""
    return y + (y.round() - y).detach()


def balance(weight: Tensor) -> Tensor:
    """Scale the loss at every lmbda to a like size: it grows with about the 0.4th power."""
    return (weight / 100) ** -0.4


class TransformStage(nn.Module):
    """Transforms and gains under the hyperprior; loss: bits a pixel + lmbda x squared error."""

    name = "transforms"

    def __init__(self, model: TecTT):
        super().__init__()
        self.model = model
        self.proxy = HyperPrior(model.config.transforms.latents, model.config.knots)

    def start(self, crops: Crops) -> None:
        x = torch.cat([crops.batch(16, 128).flatten(0, 1) for _ in range(16)])
        start_from_pca(self.model.analysis, self.model.synthesis, x)
        with torch.no_grad():
            y = self.model.analysis(x, knot_weights(torch.full((len(x),), 50.0), self.model.config.knots))
            spread = y.std((0, 2, 3)).clamp(min=1e-3)
            self.proxy.spread.copy_(spread)
            self.model.latent_spread.copy_(spread)
            samples = x.movedim(1, 0).flatten(1)
            self.model.covariance.copy_(torch.cov(samples))
            self.model.center.copy_(samples.mean(1))
            self.model.standard.copy_(torch.tensor([L2A_MEAN, L2A_STD]))

    def slow_parameters(self) -> list[nn.Parameter]:
        model = self.model
        return [
            *model.analysis.enter.parameters(), *model.analysis.leave.parameters(),
            *model.synthesis.enter.parameters(), *model.synthesis.leave.parameters(),
        ]  # fmt: skip

    def report(self, held_out: Crops) -> dict[str, list[float]]:
        """(bits a sample, PSNR in dB) at a few qualities on the same held-out crops each time."""
        x = held_out.fixed(24, 128).flatten(0, 1)
        figures = {}
        for quality in (10.0, 30.0, 50.0, 70.0, 90.0):
            _, found = self.evaluate(x, torch.full((len(x),), quality))
            figures[str(quality)] = [round(found["bppb"], 5), round(found["psnr"], 3)]
        return figures

    def loss(self, crops: Crops, size: int = 128, count: int = 8) -> tuple[Tensor, dict[str, float]]:
        x = crops.batch(count, size).flatten(0, 1)
        quality = draw_quality(count)
        return self.evaluate(x, quality)

    def evaluate(self, x: Tensor, quality: Tensor) -> tuple[Tensor, dict[str, float]]:
        model = self.model
        weights = knot_weights(quality, model.config.knots)
        gains = model.gains(weights)
        y = model.analysis(x, weights) * gains[:, :, None, None]
        y_bits, z_bits = self.proxy(y + torch.rand_like(y) - 0.5, gains, weights)
        x_hat = model.synthesis(round_through(y) / gains[:, :, None, None], weights)
        pixels = x.shape[-1] * x.shape[-2]
        rate, error = (y_bits + z_bits) / pixels, squared_error(x, x_hat)
        weight = lmbda(quality, model.config.lmbda_range)
        loss = ((rate + weight * error) * balance(weight)).mean()
        return loss, {
            "bppb": rate.mean().item() / 12,
            "psnr": -10 * math.log10(error.mean().item() * (REFERENCE_STD / 1e4) ** 2),
            "worst": error.max().item(),
        }


SERIES = 3
"""Frames of a training series: the third is the first with both of its contexts real."""


def predict(model: TecTT, y_hat: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Bits (N, T) and features (N, T, width, h, w) of series y_hat (N, T, latents, h, w) under the temporal prior."""
    n, times, _, height, width = y_hat.shape
    frames = y_hat.transpose(0, 1).flatten(0, 1)
    count = (height // 4) * (width // 4)
    unit = model.unit(weights).repeat_interleave(count, 0)[:, None]
    blocks = to_blocks(frames).unflatten(0, (times, n * count))
    windows = to_windows(frames, model.config.prior.window).unflatten(0, (times, n * count))
    opening = model.prior.opening(weights, count)
    features = model.prior.teacher_forced(windows, blocks, opening, unit, weights.repeat_interleave(count, 0))
    means, scales = model.prior.distribution(features, unit)
    rate = bits(blocks, means, scales.clamp(MIN_SCALE, MAX_SCALE)).unflatten(1, (n, count)).sum((2, 3, 4))
    return rate.T, from_blocks(features.flatten(0, 1), height, width).unflatten(0, (times, n)).transpose(0, 1)


class PriorStage(nn.Module):
    """The temporal prior on frozen latents; loss: bits a pixel of the rounded latents."""

    name = "prior"

    def __init__(self, model: TecTT):
        super().__init__()
        self.model = model
        for part in (model.analysis, model.synthesis, model.gains, model.refinement):
            part.requires_grad_(False)

    def start(self, crops: Crops) -> None:
        """Nothing to prepare: the stage before left everything."""

    def slow_parameters(self) -> list[nn.Parameter]:
        return []

    def loss(self, crops: Crops) -> tuple[Tensor, dict[str, float]]:
        x = crops.batch(4, 192, SERIES)
        return self.evaluate(x, draw_quality(len(x)))

    def evaluate(self, x: Tensor, quality: Tensor) -> tuple[Tensor, dict[str, float]]:
        model = self.model
        weights = model.weights(quality)
        with torch.no_grad():
            y = model.analyze(x.flatten(0, 1), weights.repeat_interleave(x.shape[1], 0)).round()
        rate, _ = predict(model, y.unflatten(0, x.shape[:2]), weights)
        rate = rate / x.shape[-1] ** 2
        weight = balance(lmbda(quality, model.config.lmbda_range))
        loss = (rate.mean(1) * weight).mean()
        return loss, {"first": rate[:, 0].mean().item() / 12, "later": rate[:, 1:].mean().item() / 12}

    def report(self, held_out: Crops) -> dict[str, list[float]]:
        """(bits a sample of first frames, of later frames) at a few qualities on the same held-out series each time."""
        x = held_out.fixed(8, 192, SERIES)
        figures = {}
        for quality in (10.0, 50.0, 90.0):
            _, found = self.evaluate(x, torch.full((len(x),), quality))
            figures[str(quality)] = [round(found["first"], 5), round(found["later"], 5)]
        return figures


class SynthesisStage(nn.Module):
    """Synthesis and refinement on the frozen prior's features; loss: lmbda x squared error, so that rates stay put."""

    name = "synthesis"

    def __init__(self, model: TecTT):
        super().__init__()
        self.model = model
        for part in (model.analysis, model.gains, model.prior):
            part.requires_grad_(False)
        for part in (model.synthesis, model.refinement):
            part.requires_grad_(True)

    def start(self, crops: Crops) -> None:
        """Nothing to prepare: the stage before left everything."""

    def slow_parameters(self) -> list[nn.Parameter]:
        return [*self.model.synthesis.enter.parameters(), *self.model.synthesis.leave.parameters()]

    def loss(self, crops: Crops) -> tuple[Tensor, dict[str, float]]:
        x = crops.batch(4, 128, 2)
        return self.evaluate(x, draw_quality(len(x)))

    def evaluate(self, x: Tensor, quality: Tensor) -> tuple[Tensor, dict[str, float]]:
        model = self.model
        weights = model.weights(quality)
        each = weights.repeat_interleave(x.shape[1], 0)
        with torch.no_grad():
            y = model.analyze(x.flatten(0, 1), each).round()
            _, features = predict(model, y.unflatten(0, x.shape[:2]), weights)
        x_hat = model.synthesize(y, features.flatten(0, 1), each)
        error = squared_error(x.flatten(0, 1), x_hat)
        weight = lmbda(quality, model.config.lmbda_range).repeat_interleave(x.shape[1])
        loss = (weight * error * balance(weight)).mean()
        return loss, {"psnr": -10 * math.log10(error.mean().item() * (REFERENCE_STD / 1e4) ** 2)}

    def report(self, held_out: Crops) -> dict[str, float]:
        """PSNR in dB at a few qualities on the same held-out series each time."""
        x = held_out.fixed(12, 128, 2)
        return {
            str(quality): round(self.evaluate(x, torch.full((len(x),), quality))[1]["psnr"], 3)
            for quality in (10.0, 30.0, 50.0, 70.0, 90.0)
        }
