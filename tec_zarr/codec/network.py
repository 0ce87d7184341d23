"""Batches of like-sized chunks through the model: standardized frames to coded latents, and back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tec_zarr.bitstream.frame import Latents
from tec_zarr.codec.runtime import Loaded
from tec_zarr.codec.tiling import tiled

MAX_LATENT = 2.0**24
"""Latents are limited to this before rounding; standardized samples within the codec's limits stay far below."""


@torch.inference_mode()
def encode(
    loaded: Loaded, series: list[np.ndarray], conditions: list[torch.Tensor], tokens: list[list[int]]
) -> list[list[Latents]]:
    """Coded frames of each series x (frames, bands, y, x) of one shape, each with its float64 condition and the number of
    tokens that each of its frames keeps."""
    model, stride = loaded.model, loaded.stride
    latents = []
    exact_conditions = torch.stack(conditions).to(loaded.device)
    for x, condition in zip(series, exact_conditions[:, None].float(), strict=True):
        frames = []
        for frame in x:
            tensor = torch.from_numpy(frame)[None].to(loaded.device)
            padded = F.pad(tensor, (0, -tensor.shape[-1] % stride, 0, -tensor.shape[-2] % stride), mode="replicate")
            padded = padded.contiguous(memory_format=torch.channels_last)
            y = tiled(lambda part, w=condition: model.analyze(part, w), padded, stride, 1, loaded.margin)
            frames.append(y.clamp(-MAX_LATENT, MAX_LATENT).double())
        latents.append(torch.cat(frames).contiguous())
    return loaded.exact.compress(torch.stack(latents), exact_conditions, tokens)


@torch.inference_mode()
def decode(
    loaded: Loaded, series: list[list[Latents]], conditions: list[torch.Tensor], height: int, width: int
) -> list[np.ndarray]:
    """Frames x_hat (frames, bands, height, width) of each of like-sized series, each with its float64 condition."""
    model, stride = loaded.model, loaded.stride
    exact_condition = torch.stack(conditions).to(loaded.device)
    condition = exact_condition.float()
    decoder = loaded.exact.decoder(exact_condition, -(-height // stride), -(-width // stride))
    out = []
    for frames in zip(*series, strict=True):
        y_hat, features = decoder.decompress(list(frames))
        both = torch.cat([y_hat, features], 1).float().contiguous(memory_format=torch.channels_last)
        latents = y_hat.shape[1]

        def synthesize(part: torch.Tensor, latents: int = latents) -> torch.Tensor:
            return model.synthesize(part[:, :latents], part[:, latents:], condition)

        x_hat = tiled(synthesize, both, 1, stride, loaded.margin + loaded.refinement_margin)
        out.append(x_hat[..., :height, :width].cpu().numpy())
    return list(np.stack(out, axis=1))
