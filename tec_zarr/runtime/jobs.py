"""Chunks to the service thread and back: the network's part of encoding and decoding one."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.runtime import network
from tec_zarr.runtime.loading import Loaded
from tec_zarr.runtime.service import service_of

BLOCK_PIXELS = 64


@dataclasses.dataclass(frozen=True, eq=False)
class _Encode:
    loaded: Loaded
    x: np.ndarray
    condition: torch.Tensor
    tokens: list[int]


@dataclasses.dataclass(frozen=True, eq=False)
class _Decode:
    loaded: Loaded
    frames: list[Coded]
    size: tuple[int, int]
    condition: torch.Tensor


def compress(loaded: Loaded, x: np.ndarray, header: Header, tokens: list[int]) -> list[Coded]:
    """Coded of standardized frames x (frames, model bands, y, x), of each of which so many
    `tokens` are kept."""
    job = _Encode(loaded, x, loaded.condition(header), tokens)
    service = service_of(loaded.device)
    return service.submit(_encode_batch, (id(loaded), x.shape), job, _cost(x.shape)).result()


def reconstruct(loaded: Loaded, frames: list[Frame], header: Header) -> np.ndarray:
    """Frames x_hat (frames, model bands, y, x) of those that have latents."""
    size = header.shape[2:]
    latents = [frame.coded for frame in frames if frame.coded is not None]
    if not latents:
        return np.empty((0, loaded.bands, *size), np.float32)
    job = _Decode(loaded, latents, size, loaded.condition(header))
    alike = (id(loaded), len(latents), size)
    service = service_of(loaded.device)
    return service.submit(_decode_batch, alike, job, _cost((1, 1, *size))).result()


def _cost(shape: tuple[int, ...]) -> int:
    frames, _, height, width = shape
    return frames * -(-height // BLOCK_PIXELS) * -(-width // BLOCK_PIXELS)


def _encode_batch(jobs: list[_Encode]) -> list[list[Coded]]:
    return network.encode(
        jobs[0].loaded,
        [job.x for job in jobs],
        [job.condition for job in jobs],
        [job.tokens for job in jobs],
    )


def _decode_batch(jobs: list[_Decode]) -> list[np.ndarray]:
    return network.decode(
        jobs[0].loaded, [j.frames for j in jobs], [j.condition for j in jobs], *jobs[0].size
    )
