"""Layers of the network: channels in and out, blocks over positions, attention over dates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tec_zarr.prior.channels import (
    COMPONENTS,
)

WIDTH = 192

HIDDEN = 96

HEADS = 4

MAX_CONTEXT = 7
"""Earlier dates that a date is predicted from at most."""

CONDITIONS = 4 * COMPONENTS + 2

SLOPE = 0.1


def features(values: Tensor) -> Tensor:
    """Signed and unsigned logarithm of values in steps: (..., n) -> (..., 2 n)."""
    log = torch.log1p(values.abs())
    return torch.cat([torch.sign(values) * log, log], -1)


def rows(weight: Tensor, local: Tensor | None, parts: int, size: int) -> Tensor:
    """Of a matrix or vector whose rows are `parts` times `size` channels those of the selected
    channels."""
    if local is None:
        return weight
    return weight.view(parts, size, *weight.shape[1:])[:, local].flatten(0, 1)


class ChannelsIn(nn.Linear):
    """From features of the channels of a group (..., 2 n) to (..., WIDTH)."""

    def __init__(self, size: int):
        super().__init__(2 * size, WIDTH)
        self.size = size

    def forward(self, values: Tensor, local: Tensor | None) -> Tensor:
        weight = self.weight
        if local is not None:
            weight = weight.view(WIDTH, 2, self.size)[:, :, local].flatten(1)
        return F.linear(features(values), weight, self.bias)


class ChannelsOut(nn.Linear):
    """From (..., WIDTH) to `parts` numbers for each channel of a group, part by part: (...,
    parts n)."""

    def __init__(self, size: int, parts: int):
        super().__init__(WIDTH, parts * size)
        self.size = size
        self.parts = parts
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, f: Tensor, local: Tensor | None) -> Tensor:
        weight = rows(self.weight, local, self.parts, self.size)
        bias = rows(self.bias, local, self.parts, self.size)
        return F.linear(f, weight, bias)


class Block(nn.Module):
    """Residual block over positions: 3x3 to half the width, 1x1 back.

    The 3x3 convolution is one product to nine times the outputs, whose shifted parts are then
    added in a fixed order: no library chooses an algorithm for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spread = nn.Linear(WIDTH, 9 * HIDDEN, bias=False)
        self.bias = nn.Parameter(torch.zeros(HIDDEN))
        self.back = nn.Linear(HIDDEN, WIDTH)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, f: Tensor) -> Tensor:
        n, height, width, _ = f.shape
        parts = self.spread(F.leaky_relu(f, SLOPE)).to(f.dtype).unflatten(-1, (9, HIDDEN))
        total = self.bias.to(f.dtype).expand(n, height, width, HIDDEN).clone()
        for k, part in enumerate(parts.unbind(-2)):
            down = 1 - k // 3
            right = 1 - k % 3
            shifted = part[:, _inside(-down, height), _inside(-right, width)]
            total[:, _inside(down, height), _inside(right, width)] += shifted
        return f + self.back(F.leaky_relu(total, SLOPE)).to(f.dtype)


def _inside(shift: int, size: int) -> slice:
    """Of `size` positions those that `shift` puts something on."""
    return slice(max(shift, 0), size + min(shift, 0))


class Attention(nn.Module):
    """Attention over earlier dates at each position, for one group."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def forward(
        self, f: Tensor, past: Tensor, none: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What earlier dates say (N, h, w, WIDTH), and their weights (N, K, h, w, heads).

        `past` is (N, K, h, w, WIDTH), `none` (WIDTH,) stands for none of them, `valid` is (N,
        K). What is missing of a sum of 1 went to none of them.
        """
        split = (HEADS, WIDTH // HEADS)
        query = self.query(f).unflatten(-1, split)[:, None]  # (N, 1, h, w, heads, depth)
        key = self.key(past).unflatten(-1, split)  # (N, K, h, w, heads, depth)
        value = self.value(past).unflatten(-1, split)
        score = (key * query).sum(-1)  # (N, K, h, w, heads)
        score = score - (1 - valid.to(score.dtype))[:, :, None, None, None] * 1e4
        score_none = (none.to(query.dtype).unflatten(-1, split) * query).sum(-1)
        both = torch.cat([score_none, score], 1) * (WIDTH // HEADS) ** -0.5
        weights = both.to(f.dtype).softmax(1)[:, 1:]
        said = (weights[..., None] * value).sum(1).flatten(-2)
        return said, weights
