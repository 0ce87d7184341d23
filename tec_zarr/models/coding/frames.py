"""One frame's latents as one stream: steps of symbols, each under the table rows that its means and scales give.

The rows' CRC runs, step by step, over the centers and then the rows. *Stable.*
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tec_zarr.bitstream.frame import Latents
from tec_zarr.entropy import grid, rans
from tec_zarr.entropy.tables import Tables, shipped
from tec_zarr.errors import DesyncError
from tec_zarr.models.config import TOKENS


@dataclasses.dataclass(frozen=True, eq=False)
class _Step:
    """Integers `values` (N,) with means and scales (N,), or with `rows` of the prior's own tables."""

    values: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    rows: np.ndarray | None = None
    sent: bool = True


class FrameEncoder:
    """Takes the steps of a frame in the order that a decoder will ask for them.

    `tables` are the shipped ones and what a prior adds to them; `offset` is the least grid offset to take.
    """

    def __init__(self, tokens: int = TOKENS, tables: Tables | None = None, offset: int = 0):
        self._tokens, self._tables, self._offset = tokens, tables or shipped(), offset
        self._steps: list[_Step] = []

    def step(self, means: np.ndarray, scales: np.ndarray, values: np.ndarray, sent: bool = True) -> None:
        """Integers `values` with float64 means and scales (N,); what is not `sent` the decoder takes to be the centers."""
        self._steps.append(_Step(*(part.reshape(-1) for part in (values, means, scales)), sent=sent))

    def step_rows(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Integers `values` (N,) under rows (N,) of the tables that the prior adds."""
        self._steps.append(_Step(values, values[:0], values[:0], rows))

    def finish(self) -> tuple[Latents, list[np.ndarray]]:
        """The coded frame, and the values of each step as a decoder sees them."""
        means, scales = (np.concatenate([getattr(s, name) for s in self._steps]) for name in ("means", "scales"))
        offset, placement = grid.place_unambiguous(means, scales, self._offset)
        ends = np.cumsum([0, *(len(step.means) for step in self._steps)])
        crc, seen, symbols, coded = 0, [], [], []
        for step, (a, b) in zip(self._steps, itertools.pairwise(ends), strict=True):
            centers, rows = placement.centers[a:b], placement.rows[a:b]
            if step.rows is not None:
                centers, rows = np.zeros(len(step.rows), np.int32), _behind_shipped(step.rows)
            crc = grid.rows_crc(centers, rows, crc)
            seen.append(step.values if step.sent else centers.astype(step.values.dtype))
            if step.sent:
                symbols.append(step.values.astype(np.int64) - centers)
                coded.append(rows)
        stream = rans.encode_symbols(np.concatenate(symbols), np.concatenate(coded), self._tables)
        return Latents(offset, crc & 0xFFFF, stream, self._tokens), seen


def _behind_shipped(rows: np.ndarray) -> np.ndarray:
    """Rows of the tables that a prior adds, counted from the first of the shipped ones."""
    return (rows + shipped().rows).astype(np.int32)


class FrameDecoder:
    """Gives back the steps of a frame one by one; `tables` are those of its encoder."""

    def __init__(self, frame: Latents, tables: Tables | None = None):
        self._frame, self._crc = frame, 0
        self._coder = rans.Decoder(frame.stream, tables or shipped())

    @property
    def tokens(self) -> int:
        return self._frame.tokens

    def step(self, means: np.ndarray, scales: np.ndarray, sent: bool = True) -> np.ndarray:
        """The integers, int32 (N,), that have these means and scales (N,)."""
        placement = grid.place(means, scales, self._frame.grid_offset)
        self._crc = grid.rows_crc(placement.centers, placement.rows, self._crc)
        return self._coder.decode_symbols(placement.rows) + placement.centers if sent else placement.centers

    def step_rows(self, rows: np.ndarray) -> np.ndarray:
        """The integers, int32 (N,), under rows (N,) of the tables that the prior adds."""
        rows = _behind_shipped(rows)
        self._crc = grid.rows_crc(np.zeros(len(rows), np.int32), rows, self._crc)
        return self._coder.decode_symbols(rows)

    def finish(self) -> None:
        """Raise DesyncError or DamagedChunkError unless all came out as it went in."""
        if self._crc & 0xFFFF != self._frame.rows_crc:
            raise DesyncError(
                "this machine derived other table rows than the encoder: the chunk is whole, but it cannot be decoded "
                "here. Please report the processor, the device and the torch version."
            )
        self._coder.finish()
