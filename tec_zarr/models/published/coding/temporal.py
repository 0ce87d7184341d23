"""Streams of the temporal codecs, TEC-TT and FlexTEC: one teacher-forced pass to encode, cached
steps to decode."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from tec_zarr.bitstream.frame import Coded
from tec_zarr.entropy import grid
from tec_zarr.entropy.symbols import Stream, SymbolDecoder, SymbolEncoder
from tec_zarr.models.published.coding.past import Past, blocks_in_a_pass
from tec_zarr.models.published.coding.token_order import Layout, kept_tokens
from tec_zarr.models.published.config import TOKENS
from tec_zarr.models.published.patching import from_blocks, pad_to_blocks, to_blocks, to_windows
from tec_zarr.models.published.tec_tt import TecTT

MAX_COPIED = 2**24
"""Parameters of a prior that is worth a copy in float64: 128 MiB."""


class TemporalCoder(nn.Module):
    """The prior and the gains of a TEC-TT or FlexTEC, computed in float64.

    A small prior is copied in float64; a large one is the model's own, widened a matrix at a time.
    """

    def __init__(self, model: TecTT):
        super().__init__()
        self.gains = copy.deepcopy(model.gains).double()
        self.register_buffer("latent_spread", model.latent_spread.double())
        large = sum(p.numel() for p in model.prior.parameters()) > MAX_COPIED
        self.prior = model.prior if large else copy.deepcopy(model.prior).double()
        self._opening: Tensor | None = None
        self.eval().requires_grad_(False)

    @property
    def tokens(self) -> bool:
        """Whether tokens may be dropped."""
        return self.prior.config.repack

    def unit(self, condition: Tensor) -> Tensor:
        """Units (N, 1, latents) of float64 conditions (N, conditions)."""
        return (self.gains(condition) * self.latent_spread)[:, None]

    def opening(self, condition: Tensor) -> Tensor:
        """The context (N, 128, width) of a first frame; where there are no conditions one for
        all, computed once."""
        if condition.shape[1]:
            return self.prior.opening(condition)
        if self._opening is None:
            self._opening = self.prior.opening(condition[:1])
        return self._opening

    def layout(self, height: int, width: int) -> Layout:
        return Layout(height, width, len(self.latent_spread), self.tokens)

    @torch.inference_mode()
    def compress(self, y: Tensor, condition: Tensor, tokens: list[list[int]]) -> list[list[Coded]]:
        """Code like-sized series y (N, T, latents, h, w), not yet rounded, float64, under
        float64 conditions (N, conditions): for each series, its frames. Of each frame `tokens`
        (N, T) of 16 are kept; fewer only where they are repacked."""
        y_hat = y.round()
        layout = self.layout(*y_hat.shape[-2:])
        padded = pad_to_blocks(y_hat.flatten(0, 1)).unflatten(0, y_hat.shape[:2])
        if all(kept == TOKENS for frames in tokens for kept in frames):
            blocks = self.prior.arrange(to_blocks(padded.flatten(0, 1))).unflatten(
                0, (*y_hat.shape[:2], -1)
            )
            every = zip(*distributions(self, padded, condition), blocks.cpu().numpy(), strict=True)
            return [
                [_encode(layout, TOKENS, *frame)[0] for frame in zip(*series, strict=True)]
                for series in every
            ]
        return self._compress_in_turn(layout, padded, condition, tokens)

    def _compress_in_turn(
        self, layout: Layout, y_hat: Tensor, condition: Tensor, tokens: list[list[int]]
    ) -> list[list[Coded]]:
        """Frame by frame: what is dropped comes back as predicted, and the frames after it are
        predicted from that."""
        unit = self.unit(condition)
        past = Past(self.prior, layout, unit, condition, self.opening)
        coded = []
        for frame, kept in zip(y_hat.transpose(0, 1), zip(*tokens, strict=True), strict=True):
            blocks = self.prior.arrange(to_blocks(frame)).unflatten(0, (len(frame), -1))
            encode = self._encode_masked if self.prior.config.masks else self._encode_fed_back
            encoded = encode(past, layout, blocks, kept)
            coded.append([latents for latents, _ in encoded])
            seen = torch.from_numpy(np.stack([values for _, values in encoded])).to(frame)
            past.see(from_blocks(self.prior.arrange(seen.flatten(0, 1)), *layout.padded))
        return [list(frames) for frames in zip(*coded, strict=True)]

    def _encode_masked(
        self, past: Past, layout: Layout, blocks: Tensor, kept: tuple[int, ...]
    ) -> list[tuple[Coded, np.ndarray]]:
        """A frame's tokens (N, blocks, 16, latents) coded, and as decoded: one pass, as nothing
        looks at dropped tokens."""
        parts = [
            self._predict(past, blocks, group, kept)
            for group in layout.groups(blocks_in_a_pass(self.prior.config.width, len(blocks)))
        ]
        means, scales = (np.concatenate(p, axis=1) for p in zip(*parts, strict=True))
        return [
            _encode(layout, *item)
            for item in zip(kept, means, scales, blocks.cpu().numpy(), strict=True)
        ]

    def _encode_fed_back(
        self, past: Past, layout: Layout, blocks: Tensor, kept: tuple[int, ...]
    ) -> list[tuple[Coded, np.ndarray]]:
        """The same where dropped tokens are followed by the others as predicted: step by step, as a
        decoder does it.

        What is predicted depends on the grid; where the one taken turns out to be ambiguous, the
        next that is not is tried.
        """
        offsets = [0] * len(kept)
        while True:
            encoded = self._walk_fed_back(past, layout, blocks, kept, offsets)
            found = [latents.grid_offset for latents, _ in encoded]
            if found == offsets:
                return encoded
            offsets = found

    def _walk_fed_back(
        self, past: Past, layout: Layout, blocks: Tensor, kept: tuple[int, ...], offsets: list[int]
    ) -> list[tuple[Coded, np.ndarray]]:
        encoders = [SymbolEncoder(offset=offset) for offset in offsets]
        seen = blocks.cpu().numpy().copy()
        for group in layout.groups():
            unit, condition = past.each(group)
            unit = self.prior.token_unit(unit)
            token = None
            state = self.prior.decoding(past.context(group), unit, condition)
            for at in range(TOKENS):
                distribution = self.prior.distribution(state.step(token), unit[:, at : at + 1])
                means, scales = (
                    d[:, 0].unflatten(0, (len(kept), -1)).cpu().numpy() for d in distribution
                )
                inside = layout.coded[group, at]
                for encoder, values, mean, scale, k, offset in zip(
                    encoders, seen, means, scales, kept, offsets, strict=True
                ):
                    if at >= k:
                        values[group, at][inside] = grid.place(
                            mean[inside], scale[inside], offset
                        ).centers
                    encoder.step(
                        mean[inside], scale[inside], values[group, at][inside], sent=at < k
                    )
                token = torch.from_numpy(seen[:, group, at]).to(unit).flatten(0, 1)
        streams = [encoder.finish()[0] for encoder in encoders]
        coded = [_coded(stream, k) for stream, k in zip(streams, kept, strict=True)]
        return list(zip(coded, seen, strict=True))

    def _predict(
        self, past: Past, blocks: Tensor, group: slice, kept: tuple[int, ...]
    ) -> list[np.ndarray]:
        """Means and scales (N, blocks, 16, latents) of a group's tokens, of which those from
        `kept` (N,) on are masked."""
        unit, condition = past.each(group)
        unit = self.prior.token_unit(unit)
        count = group.stop - group.start
        seen = kept_tokens(kept, count, unit.device)
        features = self.prior.features(
            blocks[:, group].flatten(0, 1), past.context(group), unit, condition, seen
        )
        return [
            d.unflatten(0, (-1, count)).cpu().numpy()
            for d in self.prior.distribution(features, unit)
        ]

    def decoder(self, condition: Tensor, height: int, width: int) -> SeriesDecoder:
        return SeriesDecoder(self, condition, height, width)


@torch.inference_mode()
def distributions(
    exact: TemporalCoder, y_hat: Tensor, condition: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Means and scales (N, T, blocks, 16, latents) of the tokens of series y_hat (N, T, latents,
    h, w), h and w multiples of 4, in one pass."""
    n, times, _, height, width = y_hat.shape
    unit = exact.unit(condition)
    frames = y_hat.transpose(0, 1).flatten(0, 1)
    parts = []
    for part in exact.layout(height, width).groups(
        blocks_in_a_pass(exact.prior.config.width, n * times)
    ):
        count = part.stop - part.start
        windows = to_windows(frames, exact.prior.config.window, part).unflatten(
            0, (times, n * count)
        )
        tokens = exact.prior.arrange(to_blocks(frames, part)).unflatten(0, (times, n * count))
        each = unit.repeat_interleave(count, 0)
        opening = exact.opening(condition)
        features = exact.prior.teacher_forced(
            windows, tokens, opening, each, condition.repeat_interleave(count, 0)
        )
        distribution = exact.prior.distribution(features, exact.prior.token_unit(each))
        parts.append(
            [d.unflatten(1, (n, count)).transpose(0, 1).cpu().numpy() for d in distribution]
        )
    means, scales = (np.concatenate(p, axis=2) for p in zip(*parts, strict=True))
    return means, scales


def _encode(
    layout: Layout, kept: int, means: np.ndarray, scales: np.ndarray, blocks: np.ndarray
) -> tuple[Coded, np.ndarray]:
    """A frame of tokens (blocks, 16, latents), of which the first `kept` are sent, and the
    tokens as decoded."""
    encoder = SymbolEncoder()
    coded = layout.coded
    for group, token in layout.steps():
        inside = coded[group, token]
        encoder.step(
            *(part[group, token][inside] for part in (means, scales, blocks)), sent=token < kept
        )
    stream, values = encoder.finish()
    seen = np.zeros_like(blocks)
    for (group, token), step in zip(layout.steps(), values, strict=True):
        seen[group, token][coded[group, token]] = step
    return _coded(stream, kept), seen


def _coded(stream: Stream, kept: int) -> Coded:
    return Coded(
        stream.grid_offset, stream.rows_crc, stream.data, kept=None if kept == TOKENS else kept
    )


class SeriesDecoder:
    """Decodes the frames of several like-sized chunks side by side, one frame a call."""

    def __init__(self, exact: TemporalCoder, condition: Tensor, height: int, width: int):
        self._prior, self._layout = exact.prior, exact.layout(height, width)
        self._past = Past(
            exact.prior, self._layout, exact.unit(condition), condition, exact.opening
        )

    @torch.inference_mode()
    def decompress(self, frames: list[Coded]) -> tuple[Tensor, Tensor]:
        """y_hat (N, latents, h, w) and features (N, width, h, w) of the next frame of each chunk,
        both in float64.

        Raises DamagedChunkError or DesyncError.
        """
        layout = self._layout
        n = len(frames)
        decoders = [SymbolDecoder(Stream(f.grid_offset, f.rows_crc, f.stream)) for f in frames]
        kept = tuple(TOKENS if frame.kept is None else frame.kept for frame in frames)
        pieces = [self._decode_group(decoders, kept, group) for group in layout.groups()]
        for decoder in decoders:
            decoder.finish()
        y_hat, features = (
            from_blocks(
                self._prior.arrange(
                    torch.cat([p.unflatten(0, (n, -1)) for p in part], 1).flatten(0, 1)
                ),
                *layout.padded,
            )
            for part in zip(*pieces, strict=True)
        )
        self._past.see(y_hat)
        return y_hat[..., : layout.height, : layout.width], features[
            ..., : layout.height, : layout.width
        ]

    def _decode_group(
        self, decoders: list[SymbolDecoder], tokens_kept: tuple[int, ...], group: slice
    ) -> tuple[Tensor, Tensor]:
        """Tokens and features (N * blocks, 16, …) of a group."""
        unit, condition = self._past.each(group)
        unit = self._prior.token_unit(unit)
        kept = kept_tokens(tokens_kept, group.stop - group.start, unit.device)
        state = self._prior.decoding(self._past.context(group), unit, condition)
        tokens = []
        features = []
        token = None
        for at in range(TOKENS):
            features.append(state.step(token, kept[:, at - 1]))
            distribution = self._prior.distribution(features[-1], unit[:, at : at + 1])
            means, scales = (
                d[:, 0].unflatten(0, (len(decoders), -1)).cpu().numpy() for d in distribution
            )
            values = np.zeros(means.shape)
            inside = self._layout.coded[group, at]
            for decoder, k, value, mean, scale in zip(
                decoders, tokens_kept, values, means, scales, strict=True
            ):
                value[inside] = decoder.step(mean[inside], scale[inside], sent=at < k)
            token = torch.from_numpy(values).to(unit.device).flatten(0, 1)
            tokens.append(token)
        return torch.stack(tokens, 1), torch.cat(features, 1)
