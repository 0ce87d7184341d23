"""Batches of like-sized chunks through the model: standardized frames to coded latents, and
back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tec_zarr.bitstream.frame import Coded
from tec_zarr.runtime.loading import Loaded
from tec_zarr.runtime.tiling import tiled

MAX_LATENT = 2.0**24
"""Coded are limited to this before rounding; standardized samples within the codec's limits stay
far below."""


@torch.inference_mode()
def encode(
    loaded: Loaded,
    series: list[np.ndarray],
    conditions: list[torch.Tensor],
    tokens: list[list[int]],
) -> list[list[Coded]]:
    """Coded frames of each series x (frames, bands, y, x) of one shape, each with its float64
    condition and the number of tokens that each of its frames keeps."""
    exact_conditions = torch.stack(conditions).to(loaded.device)
    latents = [
        torch.cat([analyze(loaded, frame, condition) for frame in x]).contiguous()
        for x, condition in zip(series, exact_conditions.float(), strict=True)
    ]
    return loaded.exact.compress(torch.stack(latents), exact_conditions, tokens)


@torch.inference_mode()
def analyze(loaded: Loaded, frame: np.ndarray, condition: torch.Tensor) -> torch.Tensor:
    """Coded (1, latents, h, w), float64 and not rounded, of a standardized frame (bands, y, x);
    condition in float32."""
    stride = loaded.stride
    x = torch.from_numpy(frame)[None].to(loaded.device)
    x = F.pad(x, (0, -x.shape[-1] % stride, 0, -x.shape[-2] % stride), mode="replicate")
    x = x.contiguous(memory_format=torch.channels_last)
    y = tiled(lambda part: loaded.model.analyze(part, condition[None]), x, stride, 1, loaded.margin)
    return y.clamp(-MAX_LATENT, MAX_LATENT).double()


@torch.inference_mode()
def synthesize(
    loaded: Loaded,
    y_hat: torch.Tensor,
    features: torch.Tensor,
    condition: torch.Tensor,
    size: tuple[int, int],
) -> np.ndarray:
    """Standardized frames x_hat (N, bands, y, x) of y_hat (N, latents, h, w) and the prior's
    features (N, any, h, w), under float32 conditions (N, conditions)."""
    both = torch.cat([y_hat, features], 1).float().contiguous(memory_format=torch.channels_last)
    latents = y_hat.shape[1]

    def network(part: torch.Tensor) -> torch.Tensor:
        return loaded.model.synthesize(part[:, :latents], part[:, latents:], condition)

    x_hat = tiled(network, both, 1, loaded.stride, loaded.margin + loaded.refinement_margin)
    return x_hat[..., : size[0], : size[1]].cpu().numpy()


@torch.inference_mode()
def decode(
    loaded: Loaded,
    series: list[list[Coded]],
    conditions: list[torch.Tensor],
    height: int,
    width: int,
) -> list[np.ndarray]:
    """Frames x_hat (frames, bands, height, width) of each of like-sized series, each with its
    float64 condition."""
    stride = loaded.stride
    exact_condition = torch.stack(conditions).to(loaded.device)
    decoder = loaded.exact.decoder(exact_condition, -(-height // stride), -(-width // stride))
    decompressed = (decoder.decompress(list(frames)) for frames in zip(*series, strict=True))
    return list(
        np.stack(
            [
                synthesize(loaded, *each, exact_condition.float(), (height, width))
                for each in decompressed
            ],
            1,
        )
    )
