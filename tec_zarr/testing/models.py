"""Models small enough for unit tests, the same ones in every process."""

from __future__ import annotations

import dataclasses

import torch

from tec_zarr.models.bands import L2A
from tec_zarr.models.published.config import (
    FactorizedConfig,
    HyperConfig,
    ModelConfig,
    TemporalConfig,
    TransformConfig,
)
from tec_zarr.models.published.families import build
from tec_zarr.models.published.transform_codec import TransformCodec

_TEMPORAL = TemporalConfig(width=16, heads=2, separate=1, joint=1, decoder=2, mlp_ratio=2)
_PRIORS = {
    "tec-fp": FactorizedConfig(),
    "tec-elic": HyperConfig(hyper=4, width=8, groups=(2, 6)),
    "tec-tt": _TEMPORAL,
    "flextec": dataclasses.replace(_TEMPORAL, repack=True),
}


def tiny_config(family: str = "tec-tt") -> ModelConfig:
    """The shape of `tiny_model`."""
    latents = 16 if family == "flextec" else 8
    return ModelConfig(
        family,
        TransformConfig(L2A, patch=2, width=12, blocks=2, latents=latents),
        _PRIORS[family],
        knots=3,
    )


def tiny_model(
    family: str = "tec-tt", seed: int = 0, config: ModelConfig | None = None
) -> TransformCodec:
    """A model of a family with random weights, in evaluation mode; the same for the same `seed`.

    What starts as zero in training (residual branches, heads, refinement, the first frame, gains
    of missing bands) is random too, so that every part has influence. The state of torch's own
    random numbers is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(config or tiny_config(family))
        for parameter in model.parameters():
            noise = 0.1 * torch.randn_like(parameter)
            parameter.data.copy_(torch.where(parameter == 0, noise, parameter))
    return model.eval().requires_grad_(False)
