"""Models small enough for unit tests, the same ones in every process."""

from __future__ import annotations

import torch

from tec_zarr.models.bands import L2A
from tec_zarr.models.config import ModelConfig, PriorConfig, TransformConfig
from tec_zarr.models.tec_tt import TecTT

CONFIG = ModelConfig(
    TransformConfig(L2A, patch=2, width=12, blocks=2, latents=8),
    PriorConfig(width=16, heads=2, separate=1, joint=1, decoder=2, mlp_ratio=2),
    knots=3,
)


def tiny_model(seed: int = 0, config: ModelConfig = CONFIG) -> TecTT:
    """A TEC-TT with random weights, in evaluation mode; the same for the same `seed`.

    What starts as zero in training (residual branches, heads, refinement, the first frame) is random too, so that every
    part has influence. The state of torch's own random numbers is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TecTT(config)
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter.data, std=0.1)
    return model.eval().requires_grad_(False)
