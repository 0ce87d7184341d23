"""Start the transforms as a patch KLT: an untrained model is then already a transform coder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tec_zarr.models.published.transforms import Analysis, Synthesis


def _principal(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (D,) and the first `count` principal axes (count, D) of rows (N, D)."""
    mean = rows.mean(0)
    centred = (rows - mean).double()
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return mean, vectors.flip(1)[:, :count].T.float()


@torch.no_grad()
def start_from_pca(analysis: Analysis, synthesis: Synthesis, x: Tensor) -> None:
    """Set the outer convolutions from standardised crops `x` (N, bands, H, W).

    Between them the channels are scaled to unit variance, where the residual blocks work.
    """
    patches = analysis.patches(x)
    rows = patches.permute(0, 2, 3, 1).flatten(0, 2)
    width = analysis.enter.out_channels
    latents = analysis.leave.out_channels
    mean, axes = _principal(rows, width)
    spread = ((rows - mean) @ axes.T).std(0).clamp(min=1e-3)

    analysis.enter.weight.copy_((axes / spread[:, None])[:, :, None, None])
    analysis.enter.bias.copy_(-(axes / spread[:, None]) @ mean)
    synthesis.leave.weight.copy_((axes * spread[:, None]).T[:, :, None, None])
    synthesis.leave.bias.copy_(mean)

    white = analysis.enter(patches)
    quads = F.pixel_unshuffle(white, 2)
    scale = spread.repeat_interleave(4)
    rows = quads.permute(0, 2, 3, 1).flatten(0, 2) * scale
    centre, axes = _principal(rows, latents)
    analysis.leave.weight.copy_((axes * scale).reshape(latents, width, 2, 2))
    analysis.leave.bias.copy_(-(axes @ centre))
    synthesis.enter.weight.copy_((axes / scale).reshape(latents, width, 2, 2))
    synthesis.enter.bias.copy_((centre / scale).reshape(width, 4).mean(1))
