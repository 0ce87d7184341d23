"""One stream of symbols: steps of integers, each under the table rows that its means and scales
give.

An encoder is given the steps in the order that a decoder will ask for them. Where a scale is
beyond the tables, an integer is cut in two: its high part is coded under a row, its low bits as
they are. The CRC of the rows runs, step by step, over the centers and then the rows. *Stable.*
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tec_zarr.entropy import grid, rans
from tec_zarr.entropy.tables import UNIFORM_BITS, Tables, shipped, uniform_row
from tec_zarr.errors import DamagedChunkError, DesyncError


@dataclasses.dataclass(frozen=True)
class Stream:
    """Coded symbols: the grid offset that their rows were placed with, the low half of the rows'
    CRC, the bits."""

    grid_offset: int
    rows_crc: int
    data: bytes


@dataclasses.dataclass(frozen=True, eq=False)
class _Step:
    """Integers `values` (N,) with means and scales (N,), or with `rows` that need no placing."""

    values: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    rows: np.ndarray | None = None
    sent: bool = True


class SymbolEncoder:
    """Takes the steps of a stream.

    Parameters
    ----------
    tables
        The shipped ones, or those and what a model adds to them.
    offset
        The least grid offset to take.
    """

    def __init__(self, tables: Tables | None = None, offset: int = 0):
        self._tables = tables or shipped()
        self._offset = offset
        self._steps: list[_Step] = []

    def step(
        self, means: np.ndarray, scales: np.ndarray, values: np.ndarray, sent: bool = True
    ) -> None:
        """Integers `values` with float64 means and scales of one size.

        What is not `sent` the decoder takes to be the centers.
        """
        parts = (part.reshape(-1) for part in (values, means, scales))
        self._steps.append(_Step(*parts, sent=sent))

    def step_rows(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Integers `values` (N,) about zero under rows (N,)."""
        nothing = np.empty(0)
        self._steps.append(_Step(values, nothing, nothing, rows))

    def finish(self) -> tuple[Stream, list[np.ndarray]]:
        """The stream, and the values of each step as a decoder sees them; without a step the
        stream is empty."""
        if not self._steps:
            return Stream(0, 0, b""), []
        means = _joined([step.means for step in self._steps])
        scales = _joined([step.scales for step in self._steps])
        offset, placement = grid.place_unambiguous(means, scales, self._offset)
        ends = np.cumsum([0, *(len(step.means) for step in self._steps)])
        crc = 0
        seen = []
        symbols = []
        rows = []
        for step, (begin, end) in zip(self._steps, itertools.pairwise(ends), strict=True):
            centers = placement.centers[begin:end]
            own = placement.rows[begin:end]
            if step.rows is not None:
                centers = np.zeros(len(step.rows), np.int32)
                own = step.rows.astype(np.int32)
            crc = grid.rows_crc(centers, own, crc)
            seen.append(step.values if step.sent else centers.astype(step.values.dtype))
            if step.sent:
                for piece, piece_rows in _pieces(step.values.astype(np.int64) - centers, own):
                    symbols.append(piece)
                    rows.append(piece_rows)
        data = rans.encode_symbols(_joined(symbols), _joined(rows), self._tables)
        return Stream(offset, crc & 0xFFFF, data), seen


class SymbolDecoder:
    """Gives back the steps of a stream one by one; `tables` are those of its encoder."""

    def __init__(self, stream: Stream, tables: Tables | None = None):
        self._stream = stream
        self._crc = 0
        self._coder = rans.Decoder(stream.data, tables or shipped()) if stream.data else None

    def step(self, means: np.ndarray, scales: np.ndarray, sent: bool = True) -> np.ndarray:
        """The integers, int64 (N,), that have these float64 means and scales (N,)."""
        placement = grid.place(means, scales, self._stream.grid_offset)
        return self._decode(placement.centers, placement.rows, sent)

    def step_rows(self, rows: np.ndarray) -> np.ndarray:
        """The integers about zero, int64 (N,), under rows (N,)."""
        return self._decode(np.zeros(len(rows), np.int32), rows.astype(np.int32), True)

    def _decode(self, centers: np.ndarray, rows: np.ndarray, sent: bool) -> np.ndarray:
        if self._coder is None:
            raise DamagedChunkError("symbols are expected of an empty stream")
        self._crc = grid.rows_crc(centers, rows, self._crc)
        if not sent:
            return centers.astype(np.int64)
        coded, shifts = grid.cut(rows)
        values = self._coder.decode_symbols(coded).astype(np.int64)
        if shifts.any():
            values <<= shifts
            for chosen, low_rows, at in _low_parts(shifts):
                values[chosen] |= self._coder.decode_symbols(low_rows).astype(np.int64) << at
        return values + centers

    def finish(self) -> None:
        """Raise DesyncError or DamagedChunkError unless all came out as it went in."""
        if self._crc & 0xFFFF != self._stream.rows_crc:
            raise DesyncError(
                "this machine derived other table rows than the encoder: the chunk is whole, but "
                "it cannot be decoded here. Please report the processor, the device and the torch "
                "version."
            )
        if self._coder is not None:
            self._coder.finish()


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)


def _pieces(symbols: np.ndarray, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Symbols with their rows as they are coded: high parts, then the low bits of those that
    have some."""
    coded, shifts = grid.cut(rows)
    if not shifts.any():
        return [(symbols, coded)]
    out = [(symbols >> shifts, coded)]
    for chosen, low_rows, at in _low_parts(shifts):
        width = np.minimum(shifts[chosen] - at, UNIFORM_BITS)
        low = (symbols[chosen] >> at) & ((1 << width) - 1)
        out.append((low, low_rows))
    return out


def _low_parts(shifts: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Which symbols have low bits from bit `at` on, and the rows that these are coded under;
    lowest bits first."""
    out = []
    for at in range(0, int(shifts.max()), UNIFORM_BITS):
        chosen = np.flatnonzero(shifts > at)
        width = np.minimum(shifts[chosen] - at, UNIFORM_BITS)
        out.append((chosen, uniform_row(width), at))
    return out
