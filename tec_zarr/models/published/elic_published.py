"""The prior of the published TEC-ELIC checkpoints: He et al., "ELIC" (CVPR 2022), with a simpler
context of channels.

y -> h_a -> z -> h_s ────────────────────────────┐
first and last group before -> three 5x5 ────────┼─> three 1x1 -> mean, scale of the group
anchors of the group -> 5x5, checkerboard masked ┘
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tec_zarr.models.published.channel_groups import GroupedPrior
from tec_zarr.models.published.channel_tables import ChannelTables
from tec_zarr.models.published.config import HyperConfig
from tec_zarr.models.published.walk import Coder

MIN_SCALE = 0.11
"""Scales were bounded by this in training."""


class PublishedGroup(nn.Module):
    """Distributions of group `number`, from the hyperprior, the first and the last group before
    it and its own anchors."""

    def __init__(self, sizes: tuple[int, ...], number: int):
        super().__init__()
        latents = sum(sizes)
        channels = sizes[number]
        self.seen = sizes[0], sizes[number - 1]
        self.before = None
        if number:
            self.before = nn.Sequential(
                nn.Conv2d(sizes[0] + (number > 1) * sizes[number - 1], 224, 5, padding=2),
                nn.ReLU(),
                nn.Conv2d(224, 128, 5, padding=2),
                nn.ReLU(),
                nn.Conv2d(128, 2 * channels, 5, padding=2),
            )
        self.anchors = nn.Conv2d(channels, 2 * channels, 5, padding=2)
        self.merge = nn.Sequential(
            nn.Conv2d((4 if number else 2) * channels + 2 * latents, 2 * latents, 1),
            nn.ReLU(),
            nn.Conv2d(2 * latents, 512, 1),
            nn.ReLU(),
            nn.Conv2d(512, 2 * channels, 1),
        )

    def forward(
        self, hyper: Tensor, before: Tensor, anchors: Tensor, seen: bool
    ) -> tuple[Tensor, Tensor]:
        """Means and scales (N, channels, h, w); `anchors` are not looked at unless `seen`."""
        parts = [
            self.anchors(anchors) if seen else anchors.new_zeros(anchors.shape).repeat(1, 2, 1, 1)
        ]
        if self.before is not None:
            first, last = self.seen
            both = (
                before
                if before.shape[1] == first
                else torch.cat([before[:, :first], before[:, -last:]], 1)
            )
            parts.append(self.before(both))
        means, scales = self.merge(torch.cat([*parts, hyper], 1)).chunk(2, 1)
        return means, scales.clamp(min=MIN_SCALE)


class PublishedHyperPrior(GroupedPrior):
    """Hyper-latents z at a quarter of the resolution under tables of their own, then the groups."""

    relative = True

    def __init__(self, config: HyperConfig, latents: int):
        super().__init__(config.groups, latents)
        hyper = config.hyper
        self.tables = ChannelTables(hyper, config.symbols)
        self.h_a = nn.Sequential(
            nn.Conv2d(latents, hyper, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hyper, hyper, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(hyper, hyper, 5, stride=2, padding=2),
        )
        self.h_s = nn.Sequential(
            nn.ConvTranspose2d(hyper, hyper, 5, stride=2, padding=2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(hyper, config.width, 5, stride=2, padding=2, output_padding=1),
            nn.ReLU(),
            nn.Conv2d(config.width, 2 * latents, 3, padding=1),
        )
        self.groups = nn.ModuleList(
            PublishedGroup(config.groups, number) for number in range(len(config.groups))
        )

    def hyper(
        self, coder: Coder, condition: Tensor, size: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        shape = (len(condition), len(self.tables.medians), -(-size[0] // 4), -(-size[1] // 4))
        return self.h_s(self.tables.code(coder, shape, None if y is None else self.h_a(y)))
