"""Latents to token blocks and context windows, and back.

y (N, C, h, w), h and w multiples of 4
  blocks   (N * h/4 * w/4, 16, C)   non-overlapping 4x4 blocks in raster order, tokens in raster
                                    order
  windows  (N * h/4 * w/4, 64, C)   8x8 about each block, reflected at the border
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from tec_zarr.models.published.config import BLOCK


def pad_to_blocks(y: Tensor) -> Tensor:
    """Append zeros below and to the right until both sides are multiples of a block."""
    return F.pad(y, (0, -y.shape[-1] % BLOCK, 0, -y.shape[-2] % BLOCK))


def to_windows(y: Tensor, side: int, blocks: slice = slice(None)) -> Tensor:
    """The windows of `side` latents about the chosen `blocks` of each item: (N * chosen,
    side**2, C)."""
    margin = (side - BLOCK) // 2
    if margin:
        y = F.pad(y, (margin,) * 4, mode="reflect")
    grid = y.unfold(2, side, BLOCK).unfold(3, side, BLOCK)
    across = grid.shape[3]
    numbers = range(grid.shape[2] * across)[blocks]
    chosen = grid[:, :, [i // across for i in numbers], [i % across for i in numbers]]
    return chosen.permute(0, 2, 3, 4, 1).flatten(2, 3).flatten(0, 1)


def to_blocks(y: Tensor, blocks: slice = slice(None)) -> Tensor:
    """The chosen 4x4 `blocks` of each item: (N * chosen, 16, C)."""
    return to_windows(y, BLOCK, blocks)


def repack(blocks: Tensor) -> Tensor:
    """Latent Repacking (arXiv 2510.12670): blocks (B, L, C), cut into L slices of channels, with
    positions and slices swapped: token j of the result holds slice j of all L positions. Its own
    inverse."""
    return blocks.unflatten(-1, (blocks.shape[1], -1)).transpose(1, 2).flatten(2)


def from_blocks(blocks: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `to_blocks` with all blocks: (N, C, height, width)."""
    c = blocks.shape[-1]
    split = blocks.reshape(-1, height // BLOCK, width // BLOCK, BLOCK, BLOCK, c)
    return split.permute(0, 5, 1, 3, 2, 4).reshape(-1, c, height, width)
