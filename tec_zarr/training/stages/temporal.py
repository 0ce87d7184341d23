"""The stages of TEC-TT and FlexTEC: the temporal prior on frozen latents, then what comes out of
it."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from tec_zarr.entropy.distribution import MAX_SCALE, MIN_SCALE
from tec_zarr.models.published.config import TOKENS
from tec_zarr.models.published.patching import from_blocks, to_blocks, to_windows
from tec_zarr.models.published.tec_tt import TecTT
from tec_zarr.models.published.transforms import float32
from tec_zarr.training.likelihood import bits
from tec_zarr.training.stages.base import Stage, balance, decibels, round_through, squared_error

DROPPED_SHARE = 0.2
"""Weight of the likelihood of dropped tokens, which cost no bits but are to be predicted well."""


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What the prior says of series: `means` and `scales` (T, N * blocks, 16, latents) of
    tokens, of which `kept` (the same, last axis 1) are sent; features (N, T, width, h, w)."""

    model: TecTT
    means: Tensor
    scales: Tensor
    kept: Tensor
    features: Tensor

    def tokens(self, y: Tensor) -> Tensor:
        """Tokens (T, N * blocks, 16, latents) of y (N, T, latents, h, w)."""
        blocks = self.model.prior.arrange(to_blocks(y.transpose(0, 1).flatten(0, 1)))
        return blocks.unflatten(0, (y.shape[1], -1))

    def rate(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Bits (N, T) of the kept tokens of y (N, T, latents, h, w), and those that the others
        would take."""
        each = bits(self.tokens(y), self.means, self.scales)
        total, sent = (
            part.unflatten(1, (len(y), -1)).sum((2, 3, 4)).T for part in (each, each * self.kept)
        )
        return sent, total - sent

    def received(self, y_hat: Tensor) -> Tensor:
        """y_hat (N, T, latents, h, w) with dropped tokens as predicted."""
        n, times, _, height, width = y_hat.shape
        tokens = torch.where(self.kept, self.tokens(y_hat), round_through(self.means))
        blocks = self.model.prior.arrange(tokens.flatten(0, 1))
        return from_blocks(blocks, height, width).unflatten(0, (times, n)).transpose(0, 1)


class _TemporalStage(Stage):
    def kept(self, series: int) -> Tensor:
        """Tokens kept (series,): all of a TEC-TT; of a FlexTEC in training k with probability k
        / 136 (arXiv 2510.12670)."""
        if not (self.training and self.model.config.prior.repack):
            return torch.full((series,), TOKENS, device=self.device)
        return 1 + torch.multinomial(torch.arange(1.0, TOKENS + 1), series, replacement=True).to(
            self.device
        )


def predict(model: TecTT, y_hat: Tensor, condition: Tensor, kept: Tensor) -> Prediction:
    """The temporal prior on series y_hat (N, T, latents, h, w), teacher-forced; of each series
    `kept` (N,) tokens are seen, but the frames before are seen whole."""
    n, times, _, height, width = y_hat.shape
    prior = model.prior
    frames = y_hat.transpose(0, 1).flatten(0, 1)
    count = (height // 4) * (width // 4)
    unit = model.unit(condition).repeat_interleave(count, 0)[:, None]
    tokens = prior.arrange(to_blocks(frames)).unflatten(0, (times, n * count))
    windows = to_windows(frames, prior.config.window).unflatten(0, (times, n * count))
    seen = (
        (torch.arange(TOKENS, device=kept.device) < kept[:, None])
        .repeat_interleave(count, 0)
        .expand(times, -1, -1)
    )
    opening = prior.opening(condition)
    each = condition.repeat_interleave(count, 0)
    features = prior.teacher_forced(
        windows, tokens, opening, unit, each, seen if prior.config.repack else None
    )
    with float32(y_hat):
        means, scales = prior.distribution(features.float(), prior.token_unit(unit))
    planes = (
        from_blocks(prior.arrange(features.flatten(0, 1)), height, width)
        .unflatten(0, (times, n))
        .transpose(0, 1)
    )
    return Prediction(model, means, scales.clamp(MIN_SCALE, MAX_SCALE), seen[..., None], planes)


class PriorStage(_TemporalStage):
    """The temporal prior on frozen latents; loss: bits a pixel of the rounded latents.

    The third frame of a series is the first with both of its contexts real.
    """

    name = "prior"
    peak = 1e-3
    size = 192
    count = 4
    frames = 3
    qualities = (10.0, 50.0, 90.0)

    def __init__(self, model: TecTT):
        super().__init__(model)
        for part in (model.analysis, model.synthesis, model.gains, model.refinement):
            part.requires_grad_(False)

    def evaluate(self, x: Tensor, condition: Tensor) -> tuple[Tensor, dict[str, float]]:
        model = self.model
        with torch.no_grad():
            y = (
                model.analyze(x.flatten(0, 1), condition.repeat_interleave(x.shape[1], 0))
                .round()
                .unflatten(0, x.shape[:2])
            )
        found = predict(model, y, condition, self.kept(len(x)))
        sent, dropped = (part / x.shape[-1] ** 2 for part in found.rate(y))
        loss = ((sent + DROPPED_SHARE * dropped).mean(1) * balance(self.weight(condition))).mean()
        return loss, {
            "first": sent[:, 0].mean().item() / 12,
            "later": sent[:, 1:].mean().item() / 12,
        }


class RefineStage(_TemporalStage):
    """Synthesis and refinement on what the prior says, while that goes on learning; analysis and
    gains stay as they are.

    Loss: bits a pixel + lmbda x squared error.
    """

    name = "refine"
    peak = 3e-4
    size = 192
    count = 3
    frames = 3
    qualities = (10.0, 50.0, 90.0)

    def __init__(self, model: TecTT):
        super().__init__(model)
        for part in (model.analysis, model.gains):
            part.requires_grad_(False)

    def evaluate(self, x: Tensor, condition: Tensor) -> tuple[Tensor, dict[str, float]]:
        model = self.model
        times = x.shape[1]
        each = condition.repeat_interleave(times, 0)
        with torch.no_grad():
            y = model.analyze(x.flatten(0, 1), each).round().unflatten(0, x.shape[:2])
        found = predict(model, y, condition, self.kept(len(x)))
        sent, dropped = (part / x.shape[-1] ** 2 for part in found.rate(y))
        x_hat = model.synthesize(
            found.received(y).flatten(0, 1), found.features.flatten(0, 1), each
        )
        missing = self.missing(each)
        error = squared_error(x.flatten(0, 1), x_hat, missing).unflatten(0, x.shape[:2])
        weight = self.weight(condition)
        loss = (
            ((sent + DROPPED_SHARE * dropped + weight[:, None] * error).mean(1)) * balance(weight)
        ).mean()
        figures = {"first": sent[:, 0].mean().item() / 12, "later": sent[:, 1:].mean().item() / 12}
        return loss, {**figures, "psnr": decibels(error.flatten(), missing)}
