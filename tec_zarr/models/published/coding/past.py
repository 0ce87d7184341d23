"""What the temporal prior knows of the frames before, as a series goes by."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tec_zarr.models.published.coding.token_order import Layout
from tec_zarr.models.published.patching import to_windows
from tec_zarr.models.published.temporal_prior import TemporalPrior, context_pair

Opening = Callable[[Tensor], Tensor]
"""Conditions (N, conditions) to the context (N or 1, 128, width) of frames that have none before
them."""

PASS = 24576
"""Channels of all blocks in one pass of a prior, to bound memory."""


def blocks_in_a_pass(width: int, frames: int = 1) -> int:
    """How many blocks of each of so many frames a prior of this width takes at a time."""
    return max(1, min(64, PASS // width) // frames)


class Past:
    """The contexts of the last two frames of like-sized series with `unit` (N, 1, latents) and
    `condition` (N, conditions); `opening` gives that of a first frame."""

    def __init__(
        self,
        prior: TemporalPrior,
        layout: Layout,
        unit: Tensor,
        condition: Tensor,
        opening: Opening,
    ):
        self._prior, self._layout, self._unit, self._condition = prior, layout, unit, condition
        self._opening = opening
        self._seen: list[Tensor] = []
        self._last: Tensor | None = None

    def see(self, y_hat: Tensor) -> None:
        """Take in the next frame (N, latents, h, w), padded; its context is computed when it is
        first needed."""
        self._look()
        self._last = y_hat

    def each(self, group: slice) -> tuple[Tensor, Tensor]:
        """Unit and condition of each block of a group of every series."""
        count = group.stop - group.start
        return self._unit.repeat_interleave(count, 0), self._condition.repeat_interleave(count, 0)

    def context(self, group: slice) -> Tensor:
        """What the blocks of a group of the next frame attend to: (blocks, 128, width), or that
        of each series or of all."""
        self._look()
        if not self._seen:
            return self._opening(self._condition)
        pair = context_pair([seen[:, group].flatten(0, 1) for seen in self._seen])
        passes = zip(
            *(frame.split(blocks_in_a_pass(self._prior.config.width)) for frame in pair),
            strict=True,
        )
        return torch.cat([self._prior.context(frames) for frames in passes])

    def _look(self) -> None:
        if self._last is None:
            return
        y_hat = self._last
        parts = []
        for part in self._layout.groups(blocks_in_a_pass(self._prior.config.width, len(y_hat))):
            seen = self._prior.frame_context(
                to_windows(y_hat, self._prior.config.window, part), *self.each(part)
            )
            parts.append(seen.unflatten(0, (len(y_hat), -1)))
        self._seen, self._last = [*self._seen[-1:], torch.cat(parts, 1)], None
