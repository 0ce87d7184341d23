"""The order in which the temporal codecs' latents stand in a frame's stream. *Stable.*

Groups of 256 blocks in raster order; in a group the 16 tokens in order; for a token the blocks
in raster order; for a block the token's latents. Padding, which makes both sides multiples of 4,
is zero and not coded.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from tec_zarr.models.published.config import BLOCK, TOKENS
from tec_zarr.models.published.patching import repack, to_blocks
from tec_zarr.once import once

GROUP = 256
"""Blocks that are decoded side by side; part of the format."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a frame of `height` x `width` positions with `latents` channels is coded."""

    height: int
    width: int
    latents: int
    repacked: bool

    @property
    def padded(self) -> tuple[int, int]:
        return -(-self.height // BLOCK) * BLOCK, -(-self.width // BLOCK) * BLOCK

    @property
    def blocks(self) -> int:
        return (self.padded[0] // BLOCK) * (self.padded[1] // BLOCK)

    def groups(self, size: int = GROUP) -> list[slice]:
        return [slice(i, min(i + size, self.blocks)) for i in range(0, self.blocks, size)]

    @once
    def coded(self) -> np.ndarray:
        """Which latents of tokens, bool (blocks, 16, latents), are not padding."""
        inside = torch.zeros(1, 1, *self.padded)
        inside[..., : self.height, : self.width] = 1
        blocks = to_blocks(inside).expand(-1, -1, self.latents)
        return (repack(blocks) if self.repacked else blocks).numpy().astype(bool)

    def steps(self) -> list[tuple[slice, int]]:
        """Group and token of each coding step."""
        return [(group, token) for group in self.groups() for token in range(TOKENS)]


def kept_tokens(kept: tuple[int, ...], count: int, device: torch.device) -> Tensor:
    """Which tokens, bool (N * count, 16), are kept where each of N series keeps the first `kept`
    (N,) of every block."""
    return (
        (torch.arange(TOKENS) < torch.tensor(kept)[:, None]).repeat_interleave(count, 0).to(device)
    )
