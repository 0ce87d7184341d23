"""The order in which TEC-ELIC codes latents: hyper-latents, then groups of channels, each in two
halves of a checkerboard.

After He et al., "ELIC" (CVPR 2022): channels in groups of uneven size, few first; in each group
the anchors, the black squares of a checkerboard, are coded first and the others with the anchors
as context.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from tec_zarr.models.published.walk import Coder


def checkerboard(height: int, width: int, device: torch.device) -> Tensor:
    """Where the anchors are, bool (h, w)."""
    y = torch.arange(height, device=device)
    x = torch.arange(width, device=device)
    return (y[:, None] + x) % 2 == 0


class GroupedPrior(nn.Module):
    """A walk over groups. A prior adds `groups`, a module each, and what it codes beside them.

    A group's module maps hyper features, the channels of the groups before, its own anchors
    (zero where not known) and whether these are known at all to means and scales, all in units.
    """

    relative = False
    """Whether latents are rounded off their means, instead of as they are."""

    groups: nn.ModuleList

    def __init__(self, sizes: tuple[int, ...], latents: int):
        super().__init__()
        if sum(sizes) != latents:
            raise ValueError(f"groups {sizes} must add up to {latents} latents")
        ends = list(itertools.accumulate(sizes, initial=0))
        self.channels = [slice(a, b) for a, b in itertools.pairwise(ends)]

    def hyper(
        self, coder: Coder, condition: Tensor, size: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """Code what stands beside the latents y (N, latents, h, w) in units; features (N, any,
        >= h, >= w) of it."""
        raise NotImplementedError

    def walk(
        self,
        coder: Coder,
        unit: Tensor,
        condition: Tensor,
        size: tuple[int, int],
        y: Tensor | None = None,
    ) -> Tensor:
        """Code the hyper-latents, then y (N, latents, h, w) with unit (N, latents): two steps a
        group. Returns y."""
        (height, width), unit = size, unit[:, :, None, None]
        hyper = self.hyper(coder, condition, size, None if y is None else y / unit)[
            ..., :height, :width
        ]
        anchors = checkerboard(height, width, unit.device)
        known = unit.new_zeros(len(unit), 0, height, width)
        for channels, group in zip(self.channels, self.groups, strict=True):
            step = unit[:, channels]
            before = known / unit[:, : channels.start]
            truth = None if y is None else y[:, channels]
            values = unit.new_zeros(len(unit), channels.stop - channels.start, height, width)
            for now, seen in ((anchors, False), (~anchors, True)):
                means, scales = (part * step for part in group(hyper, before, values / step, seen))
                coded = self._code(
                    coder,
                    means[..., now],
                    scales[..., now],
                    None if truth is None else truth[..., now],
                )
                values = values.masked_scatter(now.expand_as(values), coded)
            known = torch.cat([known, values], 1)
        return known

    def _code(self, coder: Coder, means: Tensor, scales: Tensor, values: Tensor | None) -> Tensor:
        if not self.relative:
            return coder.step(means, scales, values)
        return (
            coder.step(torch.zeros_like(means), scales, None if values is None else values - means)
            + means
        )
