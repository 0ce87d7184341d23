"""The frame of a chunk: its pixels, extended to whole blocks, with the cells of repeated bands from its first pixel on."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.transform.frequencies import BLOCK


@dataclasses.dataclass(frozen=True)
class Frame:
    """How the pixels (y, x) of every date of a chunk lie in whole blocks.

    The frame begins `origin` pixels before the first pixel, so that a 2 x 2 cell begins where it does; what is added, at
    either end, repeats the pixel at the border. Bands that repeat their samples at that phase repeat them all over.
    """

    size: tuple[int, int]
    """Pixels along y and x."""
    origin: tuple[int, int] = (0, 0)
    """0 or 1, along y and x."""

    @classmethod
    def of(cls, size: tuple[int, int], repeats: np.ndarray) -> Frame:
        """The frame whose origin suits most bands of bool `repeats` (..., 2, 2), as `find_repeats` finds them."""
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
        """`x` (..., y, x) extended to whole blocks; `x` itself where nothing is added."""
        if x.shape[-2:] == self.padded:
            return x
        rows = np.clip(np.arange(self.padded[0]) - self.origin[0], 0, self.size[0] - 1)
        columns = np.clip(np.arange(self.padded[1]) - self.origin[1], 0, self.size[1] - 1)
        return x[..., rows[:, None], columns]

    def crop(self, padded: np.ndarray) -> np.ndarray:
        """The pixels (..., y, x) of a `padded` array; a view."""
        first_y, first_x = self.origin
        y, x = self.size
        return padded[..., first_y : first_y + y, first_x : first_x + x]
