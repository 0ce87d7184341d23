"""The network of the prior: means and scales of one date's symbols, group by group.

TEC-TT's task (TerraCodec, arXiv 2510.12670, section 3.2: a transformer over time predicts each
date's latents from those before it) on latents of a computed transform: attention over earlier
dates at each position, a gated copy of what they hold, and convolutions over what was coded before
in the date itself.

Tensors are laid out positions first, channels last: (N, h, w, channels). All lengths are in
quantization steps.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from tec_zarr.prior.channels import (
    CHANNELS,
    CHECKERBOARDS,
    COMPONENTS,
    GROUP_SIZES,
    GROUPS,
    white_positions,
)
from tec_zarr.prior.given import Coder, Given, Regression, Selection
from tec_zarr.prior.layers import (
    CONDITIONS,
    MAX_CONTEXT,
    SLOPE,
    WIDTH,
    Attention,
    Block,
    ChannelsIn,
    ChannelsOut,
    rows,
)

MIN_SCALE = 0.05
MAX_LOG_CHANGE = 6.0
"""Natural logarithm of the most that a scale is changed by from what its energy says."""

FIRST = GROUP_SIZES[0]


class Prior(nn.Module):
    """The whole network; `walk` goes through the groups of a date."""

    def __init__(self) -> None:
        super().__init__()
        self.condition = nn.Sequential(
            nn.Linear(CONDITIONS, WIDTH), nn.LeakyReLU(SLOPE), nn.Linear(WIDTH, WIDTH)
        )
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
        self.white_head = nn.ModuleList(
            ChannelsOut(size, 4) for size in GROUP_SIZES[:CHECKERBOARDS]
        )
        self.embed = nn.ModuleList(ChannelsIn(size) for size in GROUP_SIZES)
        self.last_blocks = nn.ModuleList(Block() for _ in range(2))
        self.dequantize = nn.ModuleList(ChannelsOut(size, 1) for size in GROUP_SIZES)

    def walk(self, given: Given, regression: Regression | None, coder: Coder) -> Tensor:
        """Go through all groups with a coder; what is left is f (N, h, w, WIDTH), for `correction`.

        A group none of whose channels is live in a date leaves that date's f as it is, whatever
        else is in the batch.
        """
        n = len(given.condition)
        height, width = given.size
        condition = self.condition(given.condition) + self.live_in(given.live)
        condition = condition.to(given.condition.dtype)[:, None, None]  # (N, 1, 1, WIDTH)
        f = condition.expand(n, height, width, WIDTH)
        past = self._embed_past(given, condition)
        slices = given.selection.slices()
        live = torch.stack(
            [part.any(1) for part in given.live.bool().split(GROUP_SIZES, 1)], 1
        )  # (N, groups)
        for group, part in enumerate(slices):
            if given.selection.counts[group]:
                after = self._group(group, f, given, part, past, regression, coder)
                f = torch.where(live[:, group, None, None, None], after, f)
        return f

    def correction(self, f: Tensor, selection: Selection) -> Tensor:
        """What to add to the symbols of the selected channels, (N, h, w, n), when they are
        dequantized."""
        for block in self.last_blocks:
            f = block(f)
        parts = []
        for group, local in enumerate(selection.local):
            if selection.counts[group]:
                parts.append(self.dequantize[group](f, local))
        return torch.cat(parts, -1) if parts else f[..., :0]

    def _embed_past(self, given: Given, condition: Tensor) -> Tensor | None:
        """Earlier dates as the network sees them, (N, K, h, w, WIDTH); None where there are
        none."""
        dates = given.past.shape[1]
        if not dates:
            return None
        past = condition[:, None] + self.age[:dates, None, None].to(condition.dtype)
        for group, part in enumerate(given.selection.slices()):
            layer = self.past_in[group]
            if given.selection.counts[group]:
                past = past + layer(given.past[..., part], given.selection.local[group])
            else:
                # As for zeros: what a date is predicted from must not hang on its batch.
                past = past + layer.bias
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
        """What the fit of the regression on the groups below adds to its gate and to the log of
        the scale."""
        start = sum(GROUP_SIZES[:group]) - FIRST
        own = slice(start, start + GROUP_SIZES[group])
        gate = rows(self.fit_gate[own], local, 1, GROUP_SIZES[group])
        scale = rows(self.fit_scale[own], local, 1, GROUP_SIZES[group])
        # The factors let both learn ten and five times as fast as the rest.
        expected.gate_trust = 10 * gate.to(left.dtype) * (1 - torch.exp(left))
        expected.scale_trust = 5 * scale.to(left.dtype) * left

    def _checkerboard(
        self, group: int, f: Tensor, given: Given, expected: _Expected, coder: Coder
    ) -> tuple[Tensor, Tensor]:
        """Code the white squares, then the black ones knowing them; f and the symbols (N, h, w,
        n)."""
        local = given.selection.local[group]
        height, width = given.size
        white, black = (
            torch.from_numpy(squares).to(f.device) for squares in white_positions(height, width)
        )
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
    """What a group's symbols are expected to be before its head speaks. Positions are flat: (N,
    P or 1, n)."""

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
