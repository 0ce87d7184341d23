"""Streams of the image codecs, TEC-FP and TEC-ELIC: each frame by itself, in the steps of its
prior's walk.

A step is coded channel by channel, each in raster order (of a checkerboard's half: the positions
of that half). *Stable.*
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from tec_zarr.bitstream.frame import Coded
from tec_zarr.entropy.grid import OWN_ROWS
from tec_zarr.entropy.symbols import Stream, SymbolDecoder, SymbolEncoder
from tec_zarr.entropy.tables import shipped
from tec_zarr.models.published.transform_codec import TransformCodec


class ImageCoder(nn.Module):
    """The prior and the gains of an image codec in float64, and the tables that it codes under."""

    tokens = False

    def __init__(self, model: TransformCodec):
        super().__init__()
        self.prior = copy.deepcopy(model.prior)
        self.gains = copy.deepcopy(model.gains)
        self.register_buffer("latent_spread", model.latent_spread.clone())
        own = model.prior.tables
        self.tables = shipped() if own is None else shipped().followed_by(own.tables())
        self.double().eval().requires_grad_(False)

    def unit(self, condition: Tensor) -> Tensor:
        """Units (N, latents) of float64 conditions (N, conditions)."""
        return self.gains(condition) * self.latent_spread

    @torch.inference_mode()
    def compress(self, y: Tensor, condition: Tensor, tokens: list[list[int]]) -> list[list[Coded]]:
        """Code like-sized series y (N, T, latents, h, w), not yet rounded, float64, under
        float64 conditions (N, conditions): for each series, its frames. `tokens` are those of
        all frames; an image codec has nothing to drop."""
        unit = self.unit(condition)
        coded = []
        for frame in y.transpose(0, 1):
            encoders = [SymbolEncoder(self.tables) for _ in frame]
            values = frame if self.prior.relative else frame.round()
            self.prior.walk(_Encoding(encoders), unit, condition, tuple(frame.shape[-2:]), values)
            coded.append([_coded(encoder.finish()[0]) for encoder in encoders])
        return [list(frames) for frames in zip(*coded, strict=True)]

    def decoder(self, condition: Tensor, height: int, width: int) -> ImageDecoder:
        return ImageDecoder(self, condition, height, width)


class ImageDecoder:
    """Decodes the frames of several like-sized chunks side by side, one frame a call."""

    def __init__(self, exact: ImageCoder, condition: Tensor, height: int, width: int):
        self._exact, self._condition, self._size = exact, condition, (height, width)
        self._unit = exact.unit(condition)

    @torch.inference_mode()
    def decompress(self, frames: list[Coded]) -> tuple[Tensor, Tensor]:
        """y_hat (N, latents, h, w) of the next frame of each chunk in float64, and no features (N,
        0, h, w).

        Raises DamagedChunkError or DesyncError.
        """
        decoders = [SymbolDecoder(_stream(frame), self._exact.tables) for frame in frames]
        y_hat = self._exact.prior.walk(_Decoding(decoders), self._unit, self._condition, self._size)
        for decoder in decoders:
            decoder.finish()
        return y_hat, y_hat[:, :0]


def _coded(stream: Stream) -> Coded:
    return Coded(stream.grid_offset, stream.rows_crc, stream.data)


def _stream(coded: Coded) -> Stream:
    return Stream(coded.grid_offset, coded.rows_crc, coded.stream)


class _Encoding:
    """A walk's coder that encodes an item of the batch into each of several frames."""

    def __init__(self, encoders: list[SymbolEncoder]):
        self._encoders = encoders

    def step(self, means: Tensor, scales: Tensor, values: Tensor) -> Tensor:
        values = values.round()
        for encoder, *parts in zip(
            self._encoders, *(_flat(p) for p in (means, scales, values)), strict=True
        ):
            encoder.step(*parts)
        return values

    def step_rows(self, rows: Tensor, values: Tensor) -> Tensor:
        values = values.round()
        for encoder, *parts in zip(self._encoders, _flat(rows), _flat(values), strict=True):
            rows_of_item, values_of_item = parts
            encoder.step_rows(rows_of_item + OWN_ROWS, values_of_item)
        return values


class _Decoding:
    """A walk's coder that decodes an item of the batch from each of several frames."""

    def __init__(self, decoders: list[SymbolDecoder]):
        self._decoders = decoders

    def step(self, means: Tensor, scales: Tensor, values: None) -> Tensor:
        parts = zip(self._decoders, _flat(means), _flat(scales), strict=True)
        values = np.stack([decoder.step(*part) for decoder, *part in parts])
        return torch.from_numpy(values).to(means).reshape(means.shape)

    def step_rows(self, rows: Tensor, values: None) -> Tensor:
        parts = zip(self._decoders, _flat(rows), strict=True)
        values = np.stack([decoder.step_rows(part + OWN_ROWS) for decoder, part in parts])
        return torch.from_numpy(values).to(rows.device).reshape(rows.shape)


def _flat(values: Tensor) -> np.ndarray:
    return values.flatten(1).cpu().numpy()
