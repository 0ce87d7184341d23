"""Pre-norm transformer parts whose keys and values can be kept between decoding steps."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6

FEW = 256
WIDENED = 2**19
"""Weights that are widened at a time: 4 MiB in float64, which stay in a processor's cache."""


def like(parameter: Tensor, x: Tensor) -> Tensor:
    """A parameter as wide as what it meets: float32 is exact in float64, so that a large model
    needs no second copy."""
    return parameter.double() if x.dtype == torch.float64 else parameter


class Linear(nn.Linear):
    """Computes in float64 where its input is, whatever its weights are kept in.

    For few tokens weights are widened a part at a time: then reading them is what takes the time.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.float64 or self.weight.dtype == torch.float64:
            return super().forward(x)
        out = x.new_empty(math.prod(x.shape[:-1]), self.out_features)
        rows = max(1, WIDENED // max(1, self.in_features)) if len(out) <= FEW else self.out_features
        for part, weight in zip(out.split(rows, 1), self.weight.split(rows), strict=True):
            torch.mm(x.flatten(0, -2), weight.double().T, out=part)
        if self.bias is not None:
            out += self.bias
        return out.unflatten(0, x.shape[:-1])


class LayerNorm(nn.LayerNorm):
    """Computes in float64 where its input is, whatever its weights are kept in."""

    def __init__(self, width: int):
        super().__init__(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(
            x, self.normalized_shape, like(self.weight, x), like(self.bias, x), self.eps
        )


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
        self.q = Linear(width, width)
        self.k = Linear(width, width)
        self.v = Linear(width, width)
        self.proj = Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(B, heads, L, width / heads) each, from source (B, L, width)."""
        return self._split(self.k(source)), self._split(self.v(source))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, causal: bool = False) -> Tensor:
        heads = F.scaled_dot_product_attention(
            self._split(self.q(x)), keys, values, is_causal=causal
        )
        return self.proj(heads.transpose(1, 2).flatten(2))


class Pair(nn.Module):
    """Attention, then an MLP, each normalized before and added to its input."""

    def __init__(self, width: int, heads: int, mlp_ratio: int):
        super().__init__()
        self.norm_attention = LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = LayerNorm(width)
        self.mlp = nn.Sequential(
            Linear(width, mlp_ratio * width), Gelu(), Linear(mlp_ratio * width, width)
        )

    def _mlp(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.norm_mlp(x))

    def self_attend(self, x: Tensor, causal: bool = False) -> Tensor:
        """x (B, L, width) attends to itself."""
        normed = self.norm_attention(x)
        return self._mlp(
            x + self.attention(normed, *self.attention.keys_values(normed), causal=causal)
        )

    def step(self, x: Tensor, keys: Tensor, values: Tensor, at: int) -> Tensor:
        """Self-attention of the one token `at`, x (B, 1, width); its key and value go into the
        caches in place."""
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
