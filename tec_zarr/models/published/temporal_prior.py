"""The temporal transformer prior: mean and scale of each latent from the two frames before and the
tokens before.

After VCT (Mentzer et al., arXiv 2206.07307) and TerraCodec (arXiv 2510.12670), section 3.

    previous frames  windows -> embed -> separate pairs ─┐
                     windows -> embed -> separate pairs ─┴─> joint pairs -> context (B, 2 x 64,
                     width)
    current block    start, tokens 0..14 -> embed -> causal self-attention, cross-attention to the
                     context -> features
    features -> mean head, scale head

Blocks never see each other, so a frame's blocks are one batch. Latents come in and go out in
quantization steps; `unit` (B, 1, latents) is their typical size, in steps, that the network
works in. The tokens of the current block are its 16 positions; repacked (FlexTEC) they are 16
groups of channels at all positions, while windows keep their positions (of the published FlexTEC
windows are repacked too, in 64 groups).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from tec_zarr.models.published.config import LOG_SCALE_RANGE, TOKENS, TemporalConfig
from tec_zarr.models.published.patching import repack
from tec_zarr.models.published.quality import ConditionBias
from tec_zarr.models.published.transformer import DecoderLayer, LayerNorm, Linear, Pair

PUBLISHED_MIN_SCALE = 0.01
"""What the published likelihood adds to every scale."""


def _nothing() -> None:
    """Where nothing is to be done after a layer."""


def _head(width: int, latents: int, slope: float) -> nn.Sequential:
    head = nn.Sequential(
        Linear(width, width), nn.LeakyReLU(slope),
        Linear(width, width), nn.LeakyReLU(slope),
        Linear(width, latents),
    )  # fmt: skip
    nn.init.zeros_(head[-1].weight)
    nn.init.zeros_(head[-1].bias)
    return head


class TemporalPrior(nn.Module):
    """Predicts blocks of 16 tokens from context frames; one causal pass to encode, cached steps to
    decode.

    `after_layer` is called after each layer that is not needed again before the next frame: all
    but those of cached steps.
    """

    def __init__(self, config: TemporalConfig, latents: int, conditions: int):
        super().__init__()
        width = config.width
        pair = (config.width, config.heads, config.mlp_ratio)
        self.config = config
        self.after_layer: Callable[[], None] = _nothing
        self.first_frame = nn.Parameter(torch.zeros(latents))
        self.embed = nn.Sequential(Linear(latents, width), LayerNorm(width))
        if config.repack or config.published:
            self.embed_packed = nn.Sequential(Linear(latents, width), LayerNorm(width))
        if config.masks:
            self.masked = nn.Parameter(0.02 * torch.randn(width))
        self.context_bias = ConditionBias(conditions, width)
        self.token_bias = ConditionBias(conditions, width)
        self.window_positions = nn.Parameter(0.02 * torch.randn(config.window**2, width))
        self.joint_positions = nn.Parameter(
            0.02 * torch.randn(config.context_frames * config.window**2, width)
        )
        self.token_positions = nn.Parameter(0.02 * torch.randn(TOKENS, width))
        self.start = nn.Parameter(0.02 * torch.randn(width))
        self.separate = nn.ModuleList(Pair(*pair) for _ in range(config.separate))
        self.joint = nn.ModuleList(Pair(*pair) for _ in range(config.joint))
        self.decoder = nn.ModuleList(DecoderLayer(*pair) for _ in range(config.decoder))
        self.mean_head = _head(width, latents, config.slope)
        self.scale_head = _head(width, latents, config.slope)

    def frame_context(self, windows: Tensor, unit: Tensor, condition: Tensor) -> Tensor:
        """What one previous frame tells: (B, 64, width) from its windows (B, 64, latents) in
        steps."""
        return self._separate(windows / unit, condition)

    def opening(self, condition: Tensor) -> Tensor:
        """The learned context (N, 128, width) of a frame that has none before it, the same for
        all blocks of an item."""
        constant = self.first_frame.to(condition).expand(len(condition), self.config.window**2, -1)
        first = self._separate(constant, condition)
        return self.context([first, first])

    def _separate(self, windows: Tensor, condition: Tensor) -> Tensor:
        if self.config.repack and self.config.published:
            windows = repack(windows)
        x = self.embed(windows) + self.window_positions + self.context_bias(condition)[:, None]
        return self._attend(self.separate, x)

    def _attend(self, pairs: nn.ModuleList, x: Tensor) -> Tensor:
        for pair in pairs:
            x = pair.self_attend(x)
            self.after_layer()
        return x

    def context(self, frames: Sequence[Tensor]) -> Tensor:
        """What the decoder attends to, (B, 128, width), from the frame contexts (B, 64, width),
        oldest first."""
        return self._attend(self.joint, torch.cat(frames, 1) + self.joint_positions)

    def keys_values(self, context: Tensor, blocks: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Keys and values for each decoder layer in turn, (blocks, heads, 128, width / heads)
        each, from the context of each block, or of items that have equally many."""
        for layer in self.decoder:
            both = layer.context.attention.keys_values(context)
            yield (
                both
                if len(context) == blocks
                else tuple(p.repeat_interleave(blocks // len(context), 0) for p in both)
            )

    def arrange(self, blocks: Tensor) -> Tensor:
        """Positions (B, 16, C) of blocks to tokens, or back: the two are the same."""
        return repack(blocks) if self.config.repack else blocks

    def token_unit(self, unit: Tensor) -> Tensor:
        """Units (B, 16, latents) of tokens from those of latents (B, 1, latents)."""
        return self.arrange(unit.expand(-1, TOKENS, -1))

    def embed_tokens(self, tokens: Tensor, unit: Tensor, kept: Tensor | None = None) -> Tensor:
        """Tokens (B, L, latents) as the decoder sees them; those that are not `kept`, bool (B,
        L), as the learned mask."""
        embed = self.embed_packed if self.config.repack or self.config.published else self.embed
        embedded = embed(tokens / unit)
        if kept is None or not self.config.masks:
            return embedded
        return torch.where(kept[..., None], embedded, self.masked)

    def features(
        self,
        tokens: Tensor,
        context: Tensor,
        unit: Tensor,
        condition: Tensor,
        kept: Tensor | None = None,
    ) -> Tensor:
        """Features (B, 16, width) of all tokens at once from the true ones (B, 16, latents),
        teacher-forced.

        `unit` (B, 16, latents) is that of tokens; tokens that are not `kept`, bool (B, 16), are
        not looked at.
        """
        before = self.embed_tokens(
            tokens[:, :-1], unit[:, :-1], None if kept is None else kept[:, :-1]
        )
        x = torch.cat([self.start.expand(len(tokens), 1, -1), before], 1)
        x = x + self.token_positions + self.token_bias(condition)[:, None]
        for layer, (keys, values) in zip(
            self.decoder, self.keys_values(context, len(tokens)), strict=True
        ):
            x = layer.context.cross_attend(layer.own.self_attend(x, causal=True), keys, values)
            self.after_layer()
        return x

    def teacher_forced(
        self,
        windows: Tensor,
        tokens: Tensor,
        opening: Tensor,
        unit: Tensor,
        condition: Tensor,
        kept: Tensor | None = None,
    ) -> Tensor:
        """Features (T, B, 16, width) of a whole series whose latents are known.

        `windows` (T, B, 64, latents) and `tokens` (T, B, 16, latents) are those of every frame;
        `opening` is the context of the first one (of every block, or of each item); `unit` (B,
        1, latents); `kept` (T, B, 16) or all.
        """
        times = len(tokens)
        later = len(tokens) - 1
        context = opening.repeat_interleave(len(unit) // len(opening), 0)
        if later:
            each = unit.repeat(later, 1, 1), condition.repeat(later, 1)
            seen = self.frame_context(windows[:-1].flatten(0, 1), *each).unflatten(0, (later, -1))
            pairs = (context_pair(list(seen[:t])) for t in range(1, times))
            after = self.context([torch.cat(frames) for frames in zip(*pairs, strict=True)])
            context = torch.cat([context, after])
        each = self.token_unit(unit).repeat(times, 1, 1), condition.repeat(times, 1)
        features = self.features(
            tokens.flatten(0, 1), context, *each, None if kept is None else kept.flatten(0, 1)
        )
        return features.unflatten(0, (times, -1))

    def decoding(self, context: Tensor, unit: Tensor, condition: Tensor) -> Decoding:
        """Begin to decode blocks token by token; `unit` (B, 16, latents) is that of tokens."""
        return Decoding(self, context, unit, condition)

    def distribution(self, features: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Means and scales (B, L, latents) of tokens in steps; `unit` (B, L, latents) is that of
        tokens."""
        means = self.mean_head(features)
        scales = self.scale_head(features)
        if self.config.published:
            return means, torch.where(
                scales > 0, 1 + scales, 1 / (1 - scales.clamp(max=0))
            ) + PUBLISHED_MIN_SCALE
        return means * unit, torch.exp(scales.clamp(*LOG_SCALE_RANGE)) * unit


def context_pair(seen: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The contexts of the last two frames `seen`, older first; the only one stands in for both."""
    return seen[-2:][0], seen[-1]


class Decoding:
    """The state of a batch of blocks while their tokens arrive one by one."""

    def __init__(self, prior: TemporalPrior, context: Tensor, unit: Tensor, condition: Tensor):
        self._prior, self._unit = prior, unit
        self._bias = prior.token_bias(condition)[:, None]
        self._context = list(prior.keys_values(context, len(unit)))
        self._caches = [
            keys.new_empty(2, *keys.shape[:2], TOKENS, keys.shape[-1]) for keys, _ in self._context
        ]
        self._at = 0

    def step(self, token: Tensor | None, kept: Tensor | None = None) -> Tensor:
        """Features (B, 1, width) of the next token, given the token (B, latents) before it (None
        at first), which is not looked at where it is not `kept`, bool (B,)."""
        prior = self._prior
        at = self._at
        if token is None:
            x = prior.start.to(self._bias).expand(len(self._bias), 1, -1)
        else:
            seen = None if kept is None else kept[:, None]
            x = prior.embed_tokens(token[:, None], self._unit[:, at - 1 : at], seen)
        x = x + prior.token_positions[at] + self._bias
        for layer, cache, (keys, values) in zip(
            prior.decoder, self._caches, self._context, strict=True
        ):
            x = layer.context.cross_attend(layer.own.step(x, *cache, at), keys, values)
        self._at += 1
        return x
