"""The shape of a model, as data: everything needed to build it before its weights are read."""

from __future__ import annotations

import dataclasses

BLOCK = 4
"""Side of a token block in latents: the unit the temporal prior predicts (VCT, arXiv 2206.07307, section 3)."""

TOKENS = BLOCK * BLOCK
"""Tokens in a block."""


@dataclasses.dataclass(frozen=True)
class TransformConfig:
    """Analysis and synthesis transforms.

    `patch` is the side in pixels of the patches that become channels, `width` the channels between them and the
    latents, `blocks` the residual blocks on each side, `latents` the channels of y.
    """

    bands: tuple[str, ...]
    patch: int = 8
    width: int = 192
    blocks: int = 4
    latents: int = 256


@dataclasses.dataclass(frozen=True)
class PriorConfig:
    """Temporal transformer prior.

    `separate`, `joint` and `decoder` count pairs of attention and MLP (a decoder layer has a pair for self-attention and
    one for cross-attention); `window` is the side of the context windows in latents, `context_frames` how many
    previous frames the decoder attends to.
    """

    width: int = 128
    heads: int = 4
    separate: int = 2
    joint: int = 1
    decoder: int = 3
    mlp_ratio: int = 4
    window: int = 8
    context_frames: int = 2


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A whole TEC-TT: transforms, prior, and the knots between which quality is interpolated."""

    transforms: TransformConfig
    prior: PriorConfig
    knots: int = 8
    lmbda_range: tuple[float, float] = (2.0, 4000.0)
    family: str = "tec-tt"

    @property
    def stride(self) -> int:
        """Pixels a latent, along each side."""
        return 2 * self.transforms.patch

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> ModelConfig:
        transforms = TransformConfig(**{**fields["transforms"], "bands": tuple(fields["transforms"]["bands"])})
        rest = {**fields, "lmbda_range": tuple(fields["lmbda_range"])}
        return cls(**{**rest, "transforms": transforms, "prior": PriorConfig(**fields["prior"])})
