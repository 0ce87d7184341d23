"""Latents to rANS streams and back: what of TEC-TT must come out the same on every machine. Runs in float64.

The stream of a frame holds its latents in this order, *stable*: groups of 256 blocks in raster order; in a group the 16
tokens in raster order; for a token the blocks in raster order; for a block the channels. Tokens of the padding that makes
both sides multiples of 4 are zero and not coded. The rows' CRC runs over centers, then rows, token by token in that order.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools

import numpy as np
import torch
from torch import Tensor, nn

from tec_zarr.bitstream.frame import Latents
from tec_zarr.entropy import grid, rans
from tec_zarr.entropy.tables import shipped
from tec_zarr.errors import DesyncError
from tec_zarr.models.config import BLOCK, TOKENS
from tec_zarr.models.patching import from_blocks, pad_to_blocks, to_blocks, to_windows
from tec_zarr.models.prior import Context, context_pair
from tec_zarr.models.quality import knot_weights
from tec_zarr.models.tec_tt import TecTT

GROUP = 256
"""Blocks that are decoded side by side; part of the format."""

PASS = 64
"""Blocks in one pass of the prior, to bound memory."""


class ExactPrior(nn.Module):
    """The prior and the gains of a TEC-TT in float64."""

    def __init__(self, model: TecTT):
        super().__init__()
        self.prior = copy.deepcopy(model.prior)
        self.gains = copy.deepcopy(model.gains)
        self.register_buffer("latent_spread", model.latent_spread.clone())
        self.knots, self.window = model.config.knots, model.config.prior.window
        self.double().eval().requires_grad_(False)

    def condition(self, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Units (N, 1, latents) and knot weights (N, knots) of float64 qualities (N,)."""
        weights = knot_weights(quality, self.knots)
        return (self.gains(weights) * self.latent_spread)[:, None], weights


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a frame of `height` x `width` latents is coded."""

    height: int
    width: int

    @property
    def padded(self) -> tuple[int, int]:
        return -(-self.height // BLOCK) * BLOCK, -(-self.width // BLOCK) * BLOCK

    @property
    def blocks(self) -> int:
        return (self.padded[0] // BLOCK) * (self.padded[1] // BLOCK)

    def groups(self, size: int = GROUP) -> list[slice]:
        return [slice(i, min(i + size, self.blocks)) for i in range(0, self.blocks, size)]

    def coded(self) -> np.ndarray:
        """Which tokens (blocks, 16) are not padding."""
        inside = torch.zeros(1, 1, *self.padded)
        inside[..., : self.height, : self.width] = 1
        return to_blocks(inside)[..., 0].numpy().astype(bool)

    def order(self, values: np.ndarray) -> np.ndarray:
        """Flatten (blocks, 16, latents) into the order of the stream, without the padding."""
        coded = self.coded()
        return np.concatenate([values[g].swapaxes(0, 1)[coded[g].T] for g in self.groups()]).reshape(-1)

    def steps(self, latents: int) -> list[slice]:
        """What of the ordered latents each coding step holds."""
        coded = self.coded()
        ends = np.cumsum([0, *(n for g in self.groups() for n in coded[g].sum(axis=0))]) * latents
        return [slice(a, b) for a, b in itertools.pairwise(ends)]


@torch.inference_mode()
def distributions(exact: ExactPrior, y_hat: Tensor, qualities: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Means and scales (N, T, blocks, 16, latents) of series y_hat (N, T, latents, h, w), h and w multiples of 4."""
    n, times, _, height, width = y_hat.shape
    unit, weights = exact.condition(qualities)
    frames = y_hat.transpose(0, 1).flatten(0, 1)
    parts = []
    for part in Layout(height, width).groups(max(1, PASS // (n * times))):
        count = part.stop - part.start
        windows = to_windows(frames, exact.window, part).unflatten(0, (times, n * count))
        blocks = to_blocks(frames, part).unflatten(0, (times, n * count))
        each = unit.repeat_interleave(count, 0)
        opening = exact.prior.opening(weights, count)
        features = exact.prior.teacher_forced(windows, blocks, opening, each, weights.repeat_interleave(count, 0))
        distribution = exact.prior.distribution(features, each)
        parts.append([d.unflatten(1, (n, count)).transpose(0, 1).cpu().numpy() for d in distribution])
    means, scales = (np.concatenate(p, axis=2) for p in zip(*parts, strict=True))
    return means, scales


def compress(exact: ExactPrior, y_hat: Tensor, qualities: list[float]) -> list[list[Latents]]:
    """Code like-sized series y_hat (N, T, latents, h, w) of float64 integers: for each series, its frames."""
    layout = Layout(*y_hat.shape[-2:])
    padded = pad_to_blocks(y_hat.flatten(0, 1))
    at = torch.tensor(qualities, dtype=torch.float64, device=y_hat.device)
    means, scales = distributions(exact, padded.unflatten(0, y_hat.shape[:2]), at)
    blocks = to_blocks(padded).unflatten(0, (*y_hat.shape[:2], -1)).cpu().numpy()
    return [
        [_compress_frame(layout, blocks[n, t], means[n, t], scales[n, t]) for t in range(y_hat.shape[1])]
        for n in range(len(y_hat))
    ]


def _compress_frame(layout: Layout, blocks: np.ndarray, means: np.ndarray, scales: np.ndarray) -> Latents:
    offset, placement = grid.place_unambiguous(layout.order(means), layout.order(scales))
    symbols = layout.order(blocks).astype(np.int64) - placement.centers
    crc = 0
    for step in layout.steps(blocks.shape[-1]):
        crc = grid.rows_crc(placement.centers[step], placement.rows[step], crc)
    return Latents(offset, crc & 0xFFFF, rans.encode_symbols(symbols, placement.rows, shipped()))


class _FrameDecoder:
    """One frame's stream, token by token."""

    def __init__(self, frame: Latents):
        self._frame, self._crc = frame, 0
        self._coder = rans.Decoder(frame.stream, shipped())

    def step(self, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        """The latents, int32 (N,), that have these means and scales (N,)."""
        placement = grid.place(means, scales, self._frame.grid_offset)
        self._crc = grid.rows_crc(placement.centers, placement.rows, self._crc)
        return self._coder.decode_symbols(placement.rows) + placement.centers

    def finish(self) -> None:
        if self._crc & 0xFFFF != self._frame.rows_crc:
            raise DesyncError(
                "this machine derived other table rows than the encoder: the chunk is whole, but it cannot be decoded "
                "here. Please report the processor, the device and the torch version."
            )
        self._coder.finish()


class SeriesDecoder:
    """Decodes the frames of several like-sized chunks side by side, one frame a call."""

    def __init__(self, exact: ExactPrior, qualities: list[float], height: int, width: int):
        self._prior, self._window = exact.prior, exact.window
        self._layout = Layout(height, width)
        device = exact.latent_spread.device
        self._unit, self._weights = exact.condition(torch.tensor(qualities, dtype=torch.float64, device=device))
        self._seen: list[Tensor] = []
        self._last: Tensor | None = None

    @torch.inference_mode()
    def decompress(self, frames: list[Latents]) -> tuple[Tensor, Tensor]:
        """y_hat (N, latents, h, w) and features (N, width, h, w) of the next frame of each chunk, both in float64.

        Raises DamagedChunkError or DesyncError.
        """
        if self._last is not None:
            self._seen = [*self._seen[-1:], self._look_at(self._last)]
        layout, n = self._layout, len(frames)
        decoders = [_FrameDecoder(frame) for frame in frames]
        pieces = [self._decode_group(decoders, group) for group in layout.groups()]
        for decoder in decoders:
            decoder.finish()
        y_hat, features = (
            from_blocks(torch.cat([p.unflatten(0, (n, -1)) for p in part], 1).flatten(0, 1), *layout.padded)
            for part in zip(*pieces, strict=True)
        )
        self._last = y_hat
        return y_hat[..., : layout.height, : layout.width], features[..., : layout.height, : layout.width]

    def _each(self, count: int) -> tuple[Tensor, Tensor]:
        return self._unit.repeat_interleave(count, 0), self._weights.repeat_interleave(count, 0)

    def _look_at(self, y_hat: Tensor) -> Tensor:
        """The frame contexts (N, blocks, 64, width) of a decoded frame."""
        parts = []
        for part in self._layout.groups(max(1, PASS // len(y_hat))):
            each = self._each(part.stop - part.start)
            seen = self._prior.frame_context(to_windows(y_hat, self._window, part), *each)
            parts.append(seen.unflatten(0, (len(y_hat), -1)))
        return torch.cat(parts, 1)

    def _context(self, group: slice) -> Context:
        """What the blocks of a group attend to."""
        if not self._seen:
            return self._prior.opening(self._weights, group.stop - group.start)
        pair = context_pair([seen[:, group].flatten(0, 1) for seen in self._seen])
        passes = [self._prior.context(frames) for frames in zip(*(frame.split(PASS) for frame in pair), strict=True)]
        if len(passes) == 1:
            return passes[0]
        return [tuple(torch.cat(parts) for parts in zip(*layer, strict=True)) for layer in zip(*passes, strict=True)]

    def _decode_group(self, decoders: list[_FrameDecoder], group: slice) -> tuple[Tensor, Tensor]:
        """Latents and features (N * blocks, 16, …) of a group."""
        coded = self._layout.coded()[group]
        unit, weights = self._each(len(coded))
        state = self._prior.decoding(self._context(group), unit, weights)
        tokens, features, token = [], [], None
        for at in range(TOKENS):
            features.append(state.step(token))
            means, scales = (
                d.unflatten(0, (len(decoders), -1)).cpu().numpy() for d in self._prior.distribution(features[-1], unit)
            )
            values = np.zeros(means.shape)
            for decoder, value, mean, scale in zip(decoders, values, means, scales, strict=True):
                alive = coded[:, at]
                value[alive, 0] = decoder.step(mean[alive].reshape(-1), scale[alive].reshape(-1)).reshape(
                    -1, means.shape[-1]
                )
            token = torch.from_numpy(values).to(unit.device).flatten(0, 1)[:, 0]
            tokens.append(token)
        return torch.stack(tokens, 1), torch.cat(features, 1)
