"""The one stage of the shipped codec: its prior over dates, on symbols of a computed transform."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from tec_zarr.prior.channels import GROUPS
from tec_zarr.prior.network import Prior
from tec_zarr.training.dates import TrainingDate, batches, make_dates
from tec_zarr.training.series_crops import SeriesCrops
from tec_zarr.training.teacher import Teacher

BITS_PER_SQUARED_STEP = 8.66
"""What a squared step of error is worth at high rates."""

SHAPES = ((4, 4), (2, 8), (8, 2), (12, 1))
SHAPE_SHARES = (0.66, 0.10, 0.12, 0.12)
"""Series and dates of a batch, and how often."""

BANDS = (12, 4, 10, 1, 2, 3, 6, 8)
BAND_SHARES = (0.70, 0.08, 0.07, 0.05, 0.02, 0.03, 0.03, 0.02)

STEP_KNOTS = ((0.0, 12_000.0), (0.08, 4000.0), (0.88, 60.0), (1.0, 3.0))
"""Steps in DN over their rank: most where the network's conditions are, some beyond either end."""

REFERENCE_STEP = 600.0
STEP_POWER = 0.55
"""The loss at a step counts as this power of it, so that low rates count, too."""

BUDGET_SHARE = 0.2
"""Share of series whose last date is not sent whole."""

WEIGHED_SHARE = 0.85
"""Of batches whose symbols are rounded by rate and distortion; the others have a dead zone."""

LEAST_DEAD_ZONE = 0.08
MOST_DEAD_ZONE = 0.25


def draw_steps(count: int, rng: np.random.Generator) -> np.ndarray:
    """Steps (count,) in DN over the whole range, so that each batch sees all of it."""
    rank = rng.permutation((np.arange(count) + rng.random(count)) / count)
    ranks, steps = zip(*STEP_KNOTS, strict=True)
    return np.exp(np.interp(rank, ranks, np.log(steps))).astype(np.float32)


class DatesStage(nn.Module):
    """The network; loss: bits a sample + what squared errors are worth."""

    name = "dates"
    peak = 1e-3
    size = 128
    report_steps = (1000.0, 250.0, 60.0)

    def __init__(self, network: Prior):
        super().__init__()
        self.network = network

    @property
    def device(self) -> torch.device:
        return self.network.no_past.device

    def slow_parameters(self) -> list[nn.Parameter]:
        """None: all learn at one rate."""
        return []

    def loss(self, crops: SeriesCrops) -> tuple[Tensor, dict[str, float]]:
        """Loss and figures of a random batch."""
        rng = crops.random
        count, times = SHAPES[rng.choice(len(SHAPES), p=SHAPE_SHARES)]
        bands = int(rng.choice(BANDS, p=BAND_SHARES))
        dead_zone = None
        if rng.random() >= WEIGHED_SHARE:
            dead_zone = float(rng.uniform(LEAST_DEAD_ZONE, MOST_DEAD_ZONE))
        dates = []
        for step in draw_steps(count, rng):
            last_groups = GROUPS
            if times > 1 and rng.random() < BUDGET_SHARE:
                last_groups = max(1, round(GROUPS * math.sqrt(rng.random())))
            series = crops.series(self.size, times, bands)
            dates += make_dates(series, float(step), dead_zone, last_groups)
        return self.evaluate(dates, weighs=dead_zone is None)

    def evaluate(self, dates: list[TrainingDate], weighs: bool) -> tuple[Tensor, dict[str, float]]:
        """Loss and figures of dates that were made with the dates before them; where `weighs`,
        symbols are rounded anew by what the network says of them."""
        steps = torch.tensor([date.inputs.side.step for date in dates])
        samples = torch.tensor([float(date.coefficients.size) for date in dates])
        weights = (steps / REFERENCE_STEP) ** STEP_POWER / samples
        total = 0.0 * self.network.no_past.sum()
        counted = 0.0
        for batch in batches(dates):
            teacher = Teacher(batch, weighs)
            features = self.network.walk(batch.given, batch.regression, teacher)
            correction = self.network.correction(features, batch.given.selection)
            rate = torch.stack(teacher.bits).sum(0)
            cost = rate + BITS_PER_SQUARED_STEP * teacher.squared_error(correction)
            total = total + (cost * weights[batch.numbers]).sum()
            counted += rate.sum().item()
        loss = 10 * total / len(dates)
        return loss, {"bppb": counted / samples.sum().item()}

    def report(self, held_out: SeriesCrops) -> dict[str, dict[str, float]]:
        """Figures at a few steps on the same held-out series each time."""
        figures = {}
        for step in self.report_steps:
            dates = []
            for series in held_out.fixed(4, self.size, 4):
                dates += make_dates(series, step, None)
            figures[str(step)] = self.evaluate(dates, weighs=True)[1]
        return figures
