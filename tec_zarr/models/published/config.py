"""The shape of a model, as data: everything needed to build it before its weights are read."""

from __future__ import annotations

import dataclasses

BLOCK = 4
"""Side of a token block in latents: the unit the temporal prior predicts (VCT, arXiv 2206.07307,
section 3)."""

TOKENS = BLOCK * BLOCK
"""Tokens in a block."""

LOG_SCALE_RANGE = (-12.0, 4.0)
"""Range of the natural logarithm of predicted scales, in units (see
`tec_zarr.models.published.transform_codec`)."""


@dataclasses.dataclass(frozen=True)
class TransformConfig:
    """Analysis and synthesis transforms.

    `patch` is the side in pixels of the patches that become channels, `width` the channels
    between them and the latents, `blocks` the residual blocks on each side, `latents` the
    channels of y.
    """

    bands: tuple[str, ...]
    patch: int = 8
    width: int = 192
    blocks: int = 4
    latents: int = 256

    @property
    def stride(self) -> int:
        return 2 * self.patch


@dataclasses.dataclass(frozen=True)
class ConvConfig:
    """Analysis and synthesis transforms of strided 5x5 convolutions, as published.

    `widths` are the channels between the convolutions, of which there is one more than widths;
    `units` the residual units after each but the last, with attention after the second and the
    last (ELIC, He et al., CVPR 2022); with `units` = 0 generalized divisive normalization stands
    there instead (Ballé et al., ICLR 2017). `relu` ends each unit with a ReLU.
    """

    bands: tuple[str, ...]
    widths: tuple[int, ...] = (128, 160, 192)
    latents: int = 192
    units: int = 3
    relu: bool = False

    @property
    def stride(self) -> int:
        return 2 ** (len(self.widths) + 1)


@dataclasses.dataclass(frozen=True)
class FactorizedConfig:
    """Factorized prior: of each channel a mean and a scale, or, with `symbols`, a table of that
    many frequencies at most."""

    symbols: int = 0


@dataclasses.dataclass(frozen=True)
class HyperConfig:
    """Hyperprior with channel groups: `hyper` channels of z, `width` channels inside, sizes of the
    `groups`.

    With `symbols`, the published prior: z has a table of that many frequencies at most a
    channel; latents are rounded relative to their means; a group knows of those before it only
    the first and the last (see `tec_zarr.models.published.elic_published`).
    """

    hyper: int = 48
    width: int = 96
    groups: tuple[int, ...] = (16, 16, 32, 64, 128)
    symbols: int = 0


@dataclasses.dataclass(frozen=True)
class TemporalConfig:
    """Temporal transformer prior.

    `separate`, `joint` and `decoder` count pairs of attention and MLP (a decoder layer has a pair
    for self-attention and one for cross-attention); `window` is the side of the context windows in
    latents, `context_frames` how many previous frames the decoder attends to. With `repack` a token
    holds a sixteenth of the channels of all positions of a block instead of all channels of one
    (Latent Repacking).

    `published` chooses what the published checkpoints were trained with: tokens have an
    embedding of their own; windows are repacked where tokens are; means and scales come in
    quantization steps, s as 1 + s or 1 / (1 - s) instead of exp(s); the slope of LeakyReLUs is
    0.01; a dropped token is followed by the others as predicted instead of as a mask.
    """

    width: int = 128
    heads: int = 4
    separate: int = 2
    joint: int = 1
    decoder: int = 3
    mlp_ratio: int = 4
    window: int = 8
    context_frames: int = 2
    repack: bool = False
    published: bool = False

    @property
    def slope(self) -> float:
        """Slope of LeakyReLUs below zero."""
        return 0.01 if self.published else 0.1

    @property
    def masks(self) -> bool:
        """Whether dropped tokens are masked in the decoder's input."""
        return self.repack and not self.published


PRIORS = {
    "tec-fp": FactorizedConfig,
    "tec-elic": HyperConfig,
    "tec-tt": TemporalConfig,
    "flextec": TemporalConfig,
}
"""The families, each with the shape of its prior."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A whole codec: its family, transforms, prior, and the knots between which quality is
    interpolated.

    Without knots a codec has one quality and no conditions.
    """

    family: str
    transforms: TransformConfig | ConvConfig
    prior: FactorizedConfig | HyperConfig | TemporalConfig
    knots: int = 8
    lmbda_range: tuple[float, float] = (2.0, 4000.0)

    @property
    def conditions(self) -> int:
        """Numbers that every part is conditioned on: see
        `tec_zarr.models.published.quality.make_condition`."""
        return self.knots + len(self.transforms.bands) if self.knots else 0

    @property
    def stride(self) -> int:
        """Pixels a latent, along each side."""
        return self.transforms.stride

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> ModelConfig:
        """The inverse of `to_dict`, from JSON."""
        transforms = TransformConfig if "patch" in fields["transforms"] else ConvConfig
        parts = {"transforms": transforms, "prior": PRIORS[fields["family"]]}
        made = {name: _made(part, fields[name]) for name, part in parts.items()}
        return _made(cls, {**fields, **made})


def _made(kind: type, fields: dict) -> object:
    """A dataclass of JSON fields, lists as tuples."""
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
