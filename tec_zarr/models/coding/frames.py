"""One frame's latents as one stream: steps of symbols, each under the table rows that its means and scales give.

The rows' CRC runs, step by step, over the centers and then the rows. *Stable.*
"""

from __future__ import annotations

import itertools

import numpy as np

from tec_zarr.bitstream.frame import Latents
from tec_zarr.entropy import grid, rans
from tec_zarr.entropy.tables import shipped
from tec_zarr.errors import DesyncError
from tec_zarr.models.config import TOKENS


class FrameEncoder:
    """Takes the steps of a frame in the order that a decoder will ask for them."""

    def __init__(self, tokens: int = TOKENS):
        self._tokens = tokens
        self._means, self._scales, self._values, self._sent = [], [], [], []

    def step(self, means: np.ndarray, scales: np.ndarray, values: np.ndarray, sent: bool = True) -> None:
        """Integers `values` with float64 means and scales (N,); what is not `sent` the decoder takes to be the centers."""
        for kept, part in zip((self._means, self._scales, self._values), (means, scales, values), strict=True):
            kept.append(part.reshape(-1))
        self._sent.append(sent)

    def finish(self) -> tuple[Latents, list[np.ndarray]]:
        """The coded frame, and the values of each step as a decoder sees them."""
        sizes = [len(part) for part in self._values]
        offset, placement = grid.place_unambiguous(np.concatenate(self._means), np.concatenate(self._scales))
        ends = np.cumsum([0, *sizes])
        crc, seen = 0, []
        for sent, values, (a, b) in zip(self._sent, self._values, itertools.pairwise(ends), strict=True):
            centers = placement.centers[a:b]
            crc = grid.rows_crc(centers, placement.rows[a:b], crc)
            seen.append(values if sent else centers.astype(values.dtype))
        sent = np.repeat(self._sent, sizes)
        symbols = (np.concatenate(self._values).astype(np.int64) - placement.centers)[sent]
        stream = rans.encode_symbols(symbols, placement.rows[sent], shipped())
        return Latents(offset, crc & 0xFFFF, stream, self._tokens), seen


class FrameDecoder:
    """Gives back the steps of a frame one by one."""

    def __init__(self, frame: Latents):
        self._frame, self._crc = frame, 0
        self._coder = rans.Decoder(frame.stream, shipped())

    @property
    def tokens(self) -> int:
        return self._frame.tokens

    def step(self, means: np.ndarray, scales: np.ndarray, sent: bool = True) -> np.ndarray:
        """The integers, int32 (N,), that have these means and scales (N,)."""
        placement = grid.place(means, scales, self._frame.grid_offset)
        self._crc = grid.rows_crc(placement.centers, placement.rows, self._crc)
        return self._coder.decode_symbols(placement.rows) + placement.centers if sent else placement.centers

    def finish(self) -> None:
        """Raise DesyncError or DamagedChunkError unless all came out as it went in."""
        if self._crc & 0xFFFF != self._frame.rows_crc:
            raise DesyncError(
                "this machine derived other table rows than the encoder: the chunk is whole, but it cannot be decoded "
                "here. Please report the processor, the device and the torch version."
            )
        self._coder.finish()
