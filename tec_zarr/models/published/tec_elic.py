"""TEC-ELIC: transforms with a hyperprior and a context in space and channels (arXiv 2510.12670).

The order of groups and anchors is that of `tec_zarr.models.published.channel_groups`, after He et
al., "ELIC" (CVPR 2022).

    y -> h_a -> z -> h_s ─────────────┐
    groups before -> 1x1, 3x3 ────────┼─> 1x1s -> mean, scale of the group
    anchors of the group -> masked 3x3┘
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tec_zarr.models.published.channel_groups import GroupedPrior
from tec_zarr.models.published.config import LOG_SCALE_RANGE, HyperConfig, ModelConfig
from tec_zarr.models.published.elic_published import PublishedHyperPrior
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.models.published.walk import Coder


class Group(nn.Module):
    """Distributions of one group of channels from the hyperprior, the groups before it and its
    own anchors."""

    def __init__(self, before: int, channels: int, width: int):
        super().__init__()
        self.before = nn.Conv2d(before, width, 3, padding=1) if before else None
        self.anchors = nn.Conv2d(channels, width, 3, padding=1)
        self.merge = nn.Sequential(
            nn.Conv2d((3 if before else 2) * width, 2 * width, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(2 * width, 2 * width, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(2 * width, 2 * channels, 1),
        )
        nn.init.zeros_(self.merge[-1].weight)
        nn.init.zeros_(self.merge[-1].bias)

    def forward(
        self, hyper: Tensor, before: Tensor, anchors: Tensor, seen: bool
    ) -> tuple[Tensor, Tensor]:
        """Means and scales (N, channels, h, w) in units; `anchors` (N, channels, h, w) are zero
        unless `seen`."""
        parts = [hyper, self.anchors(anchors)]
        if self.before is not None:
            parts.append(self.before(before))
        means, log_scales = self.merge(torch.cat(parts, 1)).chunk(2, 1)
        return means, torch.exp(log_scales.clamp(*LOG_SCALE_RANGE))


class HyperPrior(GroupedPrior):
    """Hyper-latents z at a quarter of the resolution, then the groups, anchors first."""

    tables = None

    def __init__(self, config: HyperConfig, latents: int, conditions: int):
        super().__init__(config.groups, latents)
        width = config.width
        self.condition_in = nn.Linear(conditions, width, bias=False)
        self.condition_out = nn.Linear(conditions, width, bias=False)
        self.h_a_in = nn.Conv2d(latents, width, 1)
        self.h_a = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 2, stride=2),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, config.hyper, 2, stride=2),
        )
        self.h_s_in = nn.ConvTranspose2d(config.hyper, width, 2, stride=2)
        self.h_s = nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(width, width, 2, stride=2),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
        )
        self.z_mean = nn.Parameter(torch.zeros(config.hyper))
        self.z_log_scale = nn.Parameter(torch.zeros(config.hyper))
        starts = itertools.accumulate(config.groups[:-1], initial=0)
        self.groups = nn.ModuleList(
            Group(a, n, width) for a, n in zip(starts, config.groups, strict=True)
        )

    def hyper_latents(self, y: Tensor, condition: Tensor) -> Tensor:
        """z (N, hyper, ⌈h/4⌉, ⌈w/4⌉), not yet rounded, of y (N, latents, h, w) in units."""
        h = self.h_a_in(y) + self.condition_in(condition)[:, :, None, None]
        return self.h_a(F.pad(h, (0, -h.shape[-1] % 4, 0, -h.shape[-2] % 4), mode="replicate"))

    def hyper(
        self, coder: Coder, condition: Tensor, size: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        z = self._code_z(
            coder, condition, size, None if y is None else self.hyper_latents(y, condition)
        )
        return self.h_s(self.h_s_in(z) + self.condition_out(condition)[:, :, None, None])

    def _code_z(
        self, coder: Coder, condition: Tensor, size: tuple[int, int], z: Tensor | None
    ) -> Tensor:
        shape = (len(condition), len(self.z_mean), -(-size[0] // 4), -(-size[1] // 4))
        scales = torch.exp(self.z_log_scale.clamp(*LOG_SCALE_RANGE))
        return coder.step(*(part[:, None, None].expand(shape) for part in (self.z_mean, scales)), z)


class TecELIC(TransformCodec):
    """A TEC-ELIC of any size."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        latents = config.transforms.latents
        if config.prior.symbols:
            self.prior = PublishedHyperPrior(config.prior, latents)
        else:
            self.prior = HyperPrior(config.prior, latents, config.conditions)
