"""Pre-norm transformer parts whose keys and values can be kept between decoding steps."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6


class Gelu(nn.Module):
    """GELU through torch.erf: torch's own kernel is scalar in float64 and several times slower."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * math.sqrt(0.5)).erf_().add_(1).mul_(0.5).mul_(x)


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al., 2017) with keys and values as a value of their own."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(B, heads, L, width / heads) each, from source (B, L, width)."""
        return self._split(self.k(source)), self._split(self.v(source))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, causal: bool = False) -> Tensor:
        heads = F.scaled_dot_product_attention(self._split(self.q(x)), keys, values, is_causal=causal)
        return self.proj(heads.transpose(1, 2).flatten(2))


class Pair(nn.Module):
    """Attention, then an MLP, each normalized before and added to its input."""

    def __init__(self, width: int, heads: int, mlp_ratio: int):
        super().__init__()
        self.norm_attention = nn.LayerNorm(width, eps=EPSILON)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_ratio * width), Gelu(), nn.Linear(mlp_ratio * width, width))

    def _mlp(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.norm_mlp(x))

    def self_attend(self, x: Tensor, causal: bool = False) -> Tensor:
        """x (B, L, width) attends to itself."""
        normed = self.norm_attention(x)
        return self._mlp(x + self.attention(normed, *self.attention.keys_values(normed), causal=causal))

    def step(self, x: Tensor, keys: Tensor, values: Tensor, at: int) -> Tensor:
        """Self-attention of the one token `at`, x (B, 1, width); its key and value go into the caches in place."""
        normed = self.norm_attention(x)
        key, value = self.attention.keys_values(normed)
        keys[:, :, at : at + 1], values[:, :, at : at + 1] = key, value
        return self._mlp(x + self.attention(normed, keys[:, :, : at + 1], values[:, :, : at + 1]))

    def cross_attend(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """x (B, L, width) attends to the keys and values of a context."""
        return self._mlp(x + self.attention(self.norm_attention(x), keys, values))


class DecoderLayer(nn.Module):
    """A causal self-attention pair, then a cross-attention pair."""

    def __init__(self, width: int, heads: int, mlp_ratio: int):
        super().__init__()
        self.own = Pair(width, heads, mlp_ratio)
        self.context = Pair(width, heads, mlp_ratio)
