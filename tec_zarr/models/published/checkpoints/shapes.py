"""What the shapes of published tensors tell of a model."""

from __future__ import annotations

import torch

from tec_zarr.errors import WeightsError
from tec_zarr.models.bands import LEVELS, Level
from tec_zarr.models.published.checkpoints.density import State
from tec_zarr.models.published.config import (
    ConvConfig,
    ModelConfig,
)


def statistics_of(bands: int) -> State:
    """What standardizes bands, of which none may be missing."""
    level = level_of(bands)
    return {
        "standard": torch.tensor([level.mean, level.std]),
        "covariance": torch.eye(bands),
        "center": torch.zeros(bands),
    }


def shape_of(state: State, name: str) -> torch.Size:
    if name not in state:
        raise WeightsError(f"not a published TerraCodec state dict:\nmissing: {name}")
    return state[name].shape


def layers_of(state: State, prefix: str) -> int:
    """How many layers there are below a prefix."""
    return len({k[len(prefix) :].partition(".")[0] for k in state if k.startswith(prefix)})


def level_of(channels: int) -> Level:
    """The processing level whose models take so many channels."""
    for level in LEVELS.values():
        if len(level.bands) == channels:
            return level
    known = " or ".join(f"{len(level.bands)} ({name})" for name, level in LEVELS.items())
    raise WeightsError(
        f"not a published TerraCodec state dict: a model of {channels} bands, where there are "
        f"{known}"
    )


def config_of(family: str, transforms: ConvConfig, prior: object) -> ModelConfig:
    return ModelConfig(family, transforms, prior, knots=0)


def transforms_of(
    state: State, prefix: str, convolutions: tuple[int, ...], units: int, relu: bool
) -> ConvConfig:
    shapes = [shape_of(state, f"{prefix}{i}.weight") for i in convolutions]
    *widths, latents = (shape[0] for shape in shapes)
    return ConvConfig(level_of(shapes[0][1]).bands, tuple(widths), latents, units, relu)
