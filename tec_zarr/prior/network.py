"""The network of the prior: means and scales of one date's symbols, group by group.

TEC-TT's task (TerraCodec, arXiv 2510.12670, section 3.2: a transformer over time predicts each date's latents
from those before it) on latents of a computed transform: attention over earlier dates at each position, a gated
copy of what they hold, and convolutions over what was coded before in the date itself.

Tensors are laid out positions first, channels last: (N, h, w, channels). All lengths are in quantization steps.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tec_zarr.prior.channels import (
    CHANNELS,
    CHECKERBOARDS,
    COMPONENTS,
    GROUP_SIZES,
    GROUPS,
    white_positions,
)

WIDTH = 192
HIDDEN = 96
HEADS = 4
MAX_CONTEXT = 7
"""Earlier dates that a date is predicted from at most."""

CONDITIONS = 4 * COMPONENTS + 2
SLOPE = 0.1
MIN_SCALE = 0.05
MAX_LOG_CHANGE = 6.0
"""Natural logarithm of the most that a scale is changed by from what its energy says."""

FIRST = GROUP_SIZES[0]


class Regression(Protocol):
    """Predicts a group from earlier dates, by what was fitted on the groups below it."""

    def predict(self, group: int) -> tuple[Tensor, Tensor]:
        """Prediction (N, h, w, n) of the group's channels, and the fit (N, 12): log share of energy left."""

    def add(self, group: int, symbols: Tensor) -> None:
        """Take in the symbols (N, h, w, n) of a group."""


class Coder(Protocol):
    """What codes, decodes or counts the symbols as the network comes to them."""

    def code(self, group: int, positions: Tensor | None, means: Tensor, scales: Tensor) -> Tensor:
        """Symbols (N, P, n) at some positions of a group, given their means and scales (N, P, n).

        `positions` are raster indices (P,); None stands for all of them.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class Selection:
    """The channels that are computed: for each group which of its own, and where they stand among all selected."""

    local: tuple[Tensor | None, ...]
    """For each group the indices (n,) of its selected channels among its own; None for all of them."""

    counts: tuple[int, ...]

    @classmethod
    def every(cls) -> Selection:
        return cls((None,) * GROUPS, GROUP_SIZES)

    @classmethod
    def of(cls, live: Tensor) -> Selection:
        """Those of the channels `live` (2048,) bool."""
        local = []
        counts = []
        for part in live.split(GROUP_SIZES):
            chosen = part.nonzero()[:, 0]
            whole = len(chosen) == len(part)
            local.append(None if whole else chosen)
            counts.append(len(chosen))
        return cls(tuple(local), tuple(counts))

    def slices(self) -> list[slice]:
        """Where each group stands among the selected channels."""
        out = []
        start = 0
        for count in self.counts:
            out.append(slice(start, start + count))
            start += count
        return out

    def indices(self) -> Tensor:
        """Selected channels (n,) among the 2,048."""
        parts = []
        start = 0
        for local, size in zip(self.local, GROUP_SIZES, strict=True):
            own = torch.arange(size) if local is None else local
            parts.append(own + start)
            start += size
        return torch.cat(parts)


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What the network is given of N like-sized dates, before it sees a symbol of them.

    condition
        (N, 50): log rms of zones and components in steps, halved; log of the step; whether there is a past.
    live
        (N, 2048): 1 for channels that have a symbol, else 0.
    unit
        (N, n): rms expected of a symbol of each selected channel.
    past
        (N, K, h, w, n): K earlier dates in this date's bases, nearest first.
    past_valid
        (N, K): 1 where there is such a date.
    component
        (n,): the component of each selected channel.
    """

    condition: Tensor
    live: Tensor
    unit: Tensor
    past: Tensor
    past_valid: Tensor
    component: Tensor
    selection: Selection
    size: tuple[int, int]


def features(values: Tensor) -> Tensor:
    """Signed and unsigned logarithm of values in steps: (..., n) -> (..., 2 n)."""
    log = torch.log1p(values.abs())
    return torch.cat([torch.sign(values) * log, log], -1)


def _rows(weight: Tensor, local: Tensor | None, parts: int, size: int) -> Tensor:
    """Of a matrix or vector whose rows are `parts` times `size` channels those of the selected channels."""
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
    """From (..., WIDTH) to `parts` numbers for each channel of a group, part by part: (..., parts n)."""

    def __init__(self, size: int, parts: int):
        super().__init__(WIDTH, parts * size)
        self.size = size
        self.parts = parts
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, f: Tensor, local: Tensor | None) -> Tensor:
        weight = _rows(self.weight, local, self.parts, self.size)
        bias = _rows(self.bias, local, self.parts, self.size)
        return F.linear(f, weight, bias)


class Block(nn.Module):
    """Residual block over positions: 3x3 to half the width, 1x1 back.

    The 3x3 convolution is one product to nine times the outputs, whose shifted parts are then added in a fixed
    order: no library chooses an algorithm for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spread = nn.Linear(WIDTH, 9 * HIDDEN, bias=False)
        self.bias = nn.Parameter(torch.zeros(HIDDEN))
        self.back = nn.Linear(HIDDEN, WIDTH)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, f: Tensor) -> Tensor:
        parts = self.spread(F.leaky_relu(f, SLOPE)).to(f.dtype)
        total = self.bias.to(f.dtype)
        for k, part in enumerate(parts.unflatten(-1, (9, HIDDEN)).unbind(-2)):
            down = 1 - k // 3
            right = 1 - k % 3
            total = total + F.pad(part, (0, 0, right, -right, down, -down))
        return f + self.back(F.leaky_relu(total, SLOPE)).to(f.dtype)


class Attention(nn.Module):
    """Attention over earlier dates at each position, for one group."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def forward(self, f: Tensor, past: Tensor, none: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """What earlier dates say (N, h, w, WIDTH), and their weights (N, K, h, w, heads).

        `past` is (N, K, h, w, WIDTH), `none` (WIDTH,) stands for none of them, `valid` is (N, K). What is missing
        of a sum of 1 went to none of them.
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


class Prior(nn.Module):
    """The whole network; `walk` goes through the groups of a date."""

    def __init__(self) -> None:
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(CONDITIONS, WIDTH), nn.LeakyReLU(SLOPE), nn.Linear(WIDTH, WIDTH))
        self.live_in = nn.Linear(CHANNELS, WIDTH, bias=False)
        nn.init.zeros_(self.live_in.weight)
        self.past_in = nn.ModuleList(ChannelsIn(size) for size in GROUP_SIZES)
        self.no_past = nn.Parameter(torch.zeros(WIDTH))
        self.age = nn.Parameter(torch.zeros(MAX_CONTEXT, WIDTH))
        self.past_blocks = nn.ModuleList(Block() for _ in range(2))
        self.attention = nn.ModuleList(Attention() for _ in range(GROUPS))
        self.block = nn.ModuleList(Block() for _ in range(GROUPS))
        self.regression_in = nn.ModuleList(ChannelsIn(size) for size in GROUP_SIZES[1:])
        self.regression_fit = nn.ModuleList(nn.Linear(COMPONENTS, WIDTH) for _ in range(GROUPS - 1))
        self.fit_scale = nn.Parameter(torch.zeros(CHANNELS - FIRST))
        self.fit_gate = nn.Parameter(torch.zeros(CHANNELS - FIRST))
        self.head = nn.ModuleList(ChannelsOut(size, 4) for size in GROUP_SIZES)
        self.white_in = nn.ModuleList(ChannelsIn(size) for size in GROUP_SIZES[:CHECKERBOARDS])
        self.white_block = nn.ModuleList(Block() for _ in range(CHECKERBOARDS))
        self.white_head = nn.ModuleList(ChannelsOut(size, 4) for size in GROUP_SIZES[:CHECKERBOARDS])
        self.embed = nn.ModuleList(ChannelsIn(size) for size in GROUP_SIZES)
        self.last_blocks = nn.ModuleList(Block() for _ in range(2))
        self.dequantize = nn.ModuleList(ChannelsOut(size, 1) for size in GROUP_SIZES)

    def walk(self, given: Given, regression: Regression | None, coder: Coder) -> Tensor:
        """Go through all groups with a coder; what is left is f (N, h, w, WIDTH), for `correction`.

        A group none of whose channels is live in a date leaves that date's f as it is, whatever else is in the batch.
        """
        n = len(given.condition)
        height, width = given.size
        condition = self.condition(given.condition) + self.live_in(given.live)
        condition = condition.to(given.condition.dtype)[:, None, None]  # (N, 1, 1, WIDTH)
        f = condition.expand(n, height, width, WIDTH)
        past = self._embed_past(given, condition)
        slices = given.selection.slices()
        live = torch.stack([part.any(1) for part in given.live.bool().split(GROUP_SIZES, 1)], 1)  # (N, groups)
        for group, part in enumerate(slices):
            if given.selection.counts[group]:
                after = self._group(group, f, given, part, past, regression, coder)
                f = torch.where(live[:, group, None, None, None], after, f)
        return f

    def correction(self, f: Tensor, selection: Selection) -> Tensor:
        """What to add to the symbols of the selected channels, (N, h, w, n), when they are dequantized."""
        for block in self.last_blocks:
            f = block(f)
        parts = []
        for group, local in enumerate(selection.local):
            if selection.counts[group]:
                parts.append(self.dequantize[group](f, local))
        return torch.cat(parts, -1) if parts else f[..., :0]

    def _embed_past(self, given: Given, condition: Tensor) -> Tensor | None:
        """Earlier dates as the network sees them, (N, K, h, w, WIDTH); None where there are none."""
        dates = given.past.shape[1]
        if not dates:
            return None
        past = condition[:, None] + self.age[:dates, None, None].to(condition.dtype)
        for group, part in enumerate(given.selection.slices()):
            if given.selection.counts[group]:
                past = past + self.past_in[group](given.past[..., part], given.selection.local[group])
        shape = past.shape
        past = past.flatten(0, 1)
        for block in self.past_blocks:
            past = block(past)
        return past.view(shape)

    def _group(
        self,
        group: int,
        f: Tensor,
        given: Given,
        part: slice,
        past: Tensor | None,
        regression: Regression | None,
        coder: Coder,
    ) -> Tensor:
        """Code one group: f (N, h, w, WIDTH) before it to f after it."""
        local = given.selection.local[group]
        height, width = given.size
        expected = _Expected(given.unit[:, None, part])
        if past is not None:
            said, weights = self.attention[group](f, past, self.no_past, given.past_valid)
            f = f + said
            copies = given.past[..., part]  # (N, K, h, w, n)
            expected.copy = (weights[..., :1] * copies).sum(1).flatten(1, 2)
        f = self.block[group](f)
        if regression is not None and group:
            predicted, left = regression.predict(group)
            f = f + self.regression_in[group - 1](predicted, local)
            f = f + self.regression_fit[group - 1](left)[:, None, None]
            expected.regression = predicted.flatten(1, 2)
            self._trust(group, expected, left[:, given.component[part]][:, None], local)
        if group >= CHECKERBOARDS:
            out = self.head[group](f, local).flatten(1, 2)
            q = coder.code(group, None, *expected.distribution(out)).unflatten(1, (height, width))
        else:
            f, q = self._checkerboard(group, f, given, expected, coder)
        if regression is not None:
            regression.add(group, q)
        return f + self.embed[group](q, local)

    def _trust(self, group: int, expected: _Expected, left: Tensor, local: Tensor | None) -> None:
        """What the fit of the regression on the groups below adds to its gate and to the log of the scale."""
        start = sum(GROUP_SIZES[:group]) - FIRST
        own = slice(start, start + GROUP_SIZES[group])
        gate = _rows(self.fit_gate[own], local, 1, GROUP_SIZES[group])
        scale = _rows(self.fit_scale[own], local, 1, GROUP_SIZES[group])
        # The factors let both learn ten and five times as fast as the rest.
        expected.gate_trust = 10 * gate.to(left.dtype) * (1 - torch.exp(left))
        expected.scale_trust = 5 * scale.to(left.dtype) * left

    def _checkerboard(self, group: int, f: Tensor, given: Given, expected: _Expected, coder: Coder) -> tuple[Tensor, Tensor]:
        """Code the white squares, then the black ones knowing them; f and the symbols (N, h, w, n)."""
        local = given.selection.local[group]
        height, width = given.size
        white, black = (torch.from_numpy(squares).to(f.device) for squares in white_positions(height, width))
        out = self.head[group](f.flatten(1, 2)[:, white], local)
        at_white = coder.code(group, white, *expected.at(white).distribution(out))
        q = at_white.new_zeros(len(f), height * width, at_white.shape[-1])
        q = q.index_copy(1, white, at_white)
        f = f + self.white_in[group](q.unflatten(1, (height, width)), local)
        f = self.white_block[group](f)
        if len(black):
            out = self.white_head[group](f.flatten(1, 2)[:, black], local)
            at_black = coder.code(group, black, *expected.at(black).distribution(out))
            q = q.index_copy(1, black, at_black)
        return f, q.unflatten(1, (height, width))


@dataclasses.dataclass
class _Expected:
    """What a group's symbols are expected to be before its head speaks. Positions are flat: (N, P or 1, n)."""

    unit: Tensor
    copy: Tensor | None = None
    regression: Tensor | None = None
    gate_trust: Tensor | None = None
    scale_trust: Tensor | None = None

    def at(self, positions: Tensor) -> _Expected:
        copy = None if self.copy is None else self.copy[:, positions]
        regression = None if self.regression is None else self.regression[:, positions]
        return _Expected(self.unit, copy, regression, self.gate_trust, self.scale_trust)

    def distribution(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """Means and scales (N, P, n) of what a head gave, (N, P, 4 n)."""
        out = out.to(self.unit.dtype)
        shift, log_scale, copy_gate, regression_gate = out.chunk(4, -1)
        means = shift * self.unit.clamp(max=2)
        if self.copy is not None:
            means = means + copy_gate * self.copy
        if self.regression is not None:
            means = means + (regression_gate + self.gate_trust) * self.regression
            log_scale = log_scale + self.scale_trust
        log_scale = log_scale.clamp(-MAX_LOG_CHANGE, MAX_LOG_CHANGE)
        scales = torch.exp(log_scale + torch.log(self.unit)).clamp(min=MIN_SCALE)
        return means, scales
