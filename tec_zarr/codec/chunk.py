"""One chunk: array to bytes, bytes to array. Any thread may call; the network runs in the service thread."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import ALL_TOKENS, Frame, Latents
from tec_zarr.codec import cube, network, runtime
from tec_zarr.codec.layout import check_layout
from tec_zarr.codec.service import SERVICE
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DamagedChunkError

BLOCK_PIXELS = 64


@dataclasses.dataclass(frozen=True, eq=False)
class _Encode:
    loaded: runtime.Loaded
    x: np.ndarray
    condition: torch.Tensor
    tokens: list[int]


@dataclasses.dataclass(frozen=True, eq=False)
class _Decode:
    loaded: runtime.Loaded
    frames: list[Latents]
    size: tuple[int, int]
    condition: torch.Tensor


def encode_chunk(array: np.ndarray, settings: Settings, device: str = "auto") -> bytes:
    """Encode `array` (time, band, y, x), which is not changed, to the bytes of one chunk (format version 1, *stable*).

    Raises InvalidInputError where shape, dtype or values cannot be encoded with these settings.
    """
    check_layout(array.shape, array.dtype, settings.bands)
    tokens = settings.tokens_of(array.shape[0])
    loaded = runtime.load(settings.model, device)
    prepared = cube.prepare(array, settings, loaded.statistics)
    latents: list[Latents] = []
    if prepared.coded:
        condition = loaded.condition(settings.quality, prepared.header.bands)
        job = _Encode(loaded, prepared.x, condition, [tokens[t] for t in prepared.coded])
        key = (id(loaded), prepared.x.shape)
        latents = SERVICE.submit(_encode_batch, key, job, _cost(prepared.x.shape)).result()
    by_time = dict(zip(prepared.coded, latents, strict=True))
    sections = [Frame(v, by_time.get(t)).pack() for t, v in enumerate(prepared.validity)]
    return container.pack(prepared.header, sections)


def decode_chunk(data: bytes | memoryview, device: str = "auto") -> np.ndarray:
    """The array (time, band, y, x) of a chunk, C-contiguous, of the dtype that was encoded.

    Raises DamagedChunkError, UnsupportedVersionError, DesyncError or WeightsError; never returns damaged data.
    """
    header, sections = container.parse(data)
    frames = [Frame.parse(section) for section in sections]
    coded = [t for t, frame in enumerate(frames) if frame.latents is not None]
    loaded = runtime.load_for(header.model, header.weights, device)
    model_bands = len(loaded.statistics.mean)
    if header.shape[1] != model_bands if header.bands is None else max(header.bands) >= model_bands:
        raise DamagedChunkError(f"{header.shape[1]} bands, indices {header.bands}, where {header.model} has {model_bands}")
    if not loaded.exact.tokens and any(frames[t].latents.tokens != ALL_TOKENS for t in coded):
        raise DamagedChunkError(f"a frame without all of its tokens, where {header.model} has none to drop")
    x_hat = np.empty((0, model_bands, *header.shape[2:]), np.float32)
    if coded:
        condition = loaded.condition(header.quality, header.bands)
        job = _Decode(loaded, [frames[t].latents for t in coded], header.shape[2:], condition)
        key = (id(loaded), len(coded), header.shape[2:])
        x_hat = SERVICE.submit(_decode_batch, key, job, _cost((1, 1, *header.shape[2:]))).result()
    return cube.restore(x_hat, coded, [frame.validity for frame in frames], header, loaded.statistics)


def _cost(shape: tuple[int, ...]) -> int:
    frames, _, height, width = shape
    return frames * -(-height // BLOCK_PIXELS) * -(-width // BLOCK_PIXELS)


def _encode_batch(jobs: list[_Encode]) -> list[list[Latents]]:
    return network.encode(
        jobs[0].loaded, [job.x for job in jobs], [job.condition for job in jobs], [job.tokens for job in jobs]
    )


def _decode_batch(jobs: list[_Decode]) -> list[np.ndarray]:
    return network.decode(jobs[0].loaded, [j.frames for j in jobs], [j.condition for j in jobs], *jobs[0].size)
