"""The frame of a chunk: its pixels, extended to whole blocks, with the cells of repeated bands
from its first pixel on."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.transform.frequencies import BLOCK

FADE = 6
"""Pixels past the border within which what is there fades to what is smooth."""

DEPTH = 8
"""Pixels before the border whose mean counts as smooth."""

SMOOTHING = 4
"""Along the border that mean is averaged over so many cells of two pixels on either side."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """How the pixels (y, x) of every date of a chunk lie in whole blocks.

    The frame begins `origin` pixels before the first pixel, so that a 2 x 2 cell begins where it
    does; what is added, at either end, repeats the pixel at the border. Bands that repeat their
    samples at that phase repeat them all over.
    """

    size: tuple[int, int]
    """Pixels along y and x."""
    origin: tuple[int, int] = (0, 0)
    """0 or 1, along y and x."""

    @classmethod
    def of(cls, size: tuple[int, int], repeats: np.ndarray) -> Frame:
        """The frame whose origin suits most bands of bool `repeats` (..., 2, 2), as
        `find_repeats` finds them."""
        votes = np.asarray(repeats).reshape(-1, 4).sum(axis=0)
        origin_y, origin_x = divmod(int(votes.argmax()), 2)
        return cls(size, (origin_y, origin_x))

    @property
    def positions(self) -> tuple[int, int]:
        """Blocks along y and x."""
        y, x = self.size
        return -(-(y + self.origin[0]) // BLOCK), -(-(x + self.origin[1]) // BLOCK)

    @property
    def padded(self) -> tuple[int, int]:
        """Pixels along y and x of all blocks."""
        h, w = self.positions
        return h * BLOCK, w * BLOCK

    def pad(self, x: np.ndarray) -> np.ndarray:
        """`x` float32 (..., y, x) extended to whole blocks; `x` itself where nothing is added.

        Before the first pixel the border is repeated. Past the last one it fades to what is
        smooth, which costs least to code. Bands that repeat their samples in the frame go on to
        do so.
        """
        if x.shape[-2:] == self.padded:
            return x
        first_y, first_x = self.origin
        end_y = first_y + self.size[0]
        end_x = first_x + self.size[1]
        out = np.empty((*x.shape[:-2], *self.padded), np.float32)
        out[..., first_y:end_y, first_x:end_x] = x
        if first_y:
            out[..., 0, first_x:end_x] = out[..., 1, first_x:end_x]
        if first_x:
            out[..., 0] = out[..., 1]
        _fade(out[..., :end_y, :], end_x)
        _fade(out.swapaxes(-1, -2), end_y)
        return out

    def crop(self, padded: np.ndarray) -> np.ndarray:
        """The pixels (..., y, x) of a `padded` array; a view."""
        first_y, first_x = self.origin
        y, x = self.size
        return padded[..., first_y : first_y + y, first_x : first_x + x]


def _fade(padded: np.ndarray, end: int) -> None:
    """Fill `padded` (..., lines, samples) from sample `end` on."""
    size = padded.shape[-1]
    if end == size:
        return
    border = padded[..., end - 1 : end]
    smooth = _smooth(padded[..., max(end - DEPTH, 0) : end].mean(-1, dtype=np.float32))
    # A cell of two pixels takes one value, so that repeated samples stay so.
    cells = np.arange(end, size) // 2 - (end - 1) // 2
    share = np.minimum(cells * np.float32(2 / FADE), 1).astype(np.float32)
    padded[..., end:] = border + (smooth[..., None] - border) * share


def _smooth(line: np.ndarray) -> np.ndarray:
    """`line` float32 (..., n) in cells of two pixels, each averaged with those beside it."""
    size = line.shape[-1]
    reach = np.arange(-2 * SMOOTHING, 2 * SMOOTHING + 2)
    cells = np.arange(0, size, 2)
    near = np.clip(cells[:, None] + reach, 0, size - 1)
    averaged = line[..., near].mean(-1, dtype=np.float32)
    return averaged.repeat(2, axis=-1)[..., :size]
