"""rANS, fast: the streams of `tec_zarr.entropy.reference`, compiled by numba, on one core,
without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tec_zarr.entropy.compiling import compiled
from tec_zarr.entropy.tables import Tables
from tec_zarr.errors import DamagedChunkError

LOWER = np.uint64(1 << 32)
MAX_SYMBOL = 1 << 29
"""Symbols stay within plus and minus this, so that an escape fits its 31 bits."""


@compiled
def _put(x, start, frequency, words, count):
    if x >= np.uint64(frequency) << np.uint64(32):
        words[count] = np.uint16(x & np.uint64(0xFFFF))
        count += 1
        x >>= np.uint64(16)
    f = np.uint64(frequency)
    quotient = x // f
    return (quotient << np.uint64(16)) + np.uint64(start) + (x - quotient * f), count


@compiled
def _put_even(x, value, width, words, count):
    return _put(x, value << (16 - width), 1 << (16 - width), words, count)


@compiled
def _escapes(symbols, rows, first, begin):
    count = 0
    for i in range(symbols.size):
        index = symbols[i] - first[rows[i]]
        if index < 0 or index >= begin[rows[i] + 1] - begin[rows[i]] - 2:
            count += 1
    return count


@compiled
def _encode(symbols, rows, first, begin, cumulative, words):
    x = LOWER
    count = 0
    for i in range(symbols.size - 1, -1, -1):
        row = rows[i]
        base = begin[row]
        escape = begin[row + 1] - base - 2
        index = np.int64(symbols[i]) - first[row]
        if index < 0 or index >= escape:
            u = 2 * (index - escape) + 1 if index >= escape else 2 * (-1 - index)
            k = 0
            while (u + 1) >> (k + 1):
                k += 1
            bits = u + 1 - (1 << k)
            if k:
                x, count = _put_even(x, bits & 0xFFFF, min(k, 16), words, count)
            if k > 16:
                x, count = _put_even(x, bits >> 16, k - 16, words, count)
            x, count = _put_even(x, k, 5, words, count)
            index = escape
        start = cumulative[base + index]
        x, count = _put(x, start, cumulative[base + index + 1] - start, words, count)
    return x, count


@compiled
def _refill(x, words, position):
    if x < LOWER:
        if position[0] >= words.size:
            position[1] = 1
            return LOWER
        x = (x << np.uint64(16)) | np.uint64(words[position[0]])
        position[0] += 1
    return x


@compiled
def _get_even(x, width, words, position):
    shift = 16 - width
    slot = np.int64(x & np.uint64(0xFFFF))
    value = slot >> shift
    x = (np.uint64(1) << np.uint64(shift)) * (x >> np.uint64(16)) + np.uint64(
        slot - (value << shift)
    )
    return _refill(x, words, position), value


@compiled
def _find(slot, base, escape, cumulative):
    """Which of the frequencies of a row, up to that of the escape, `slot` lies in."""
    low = 0
    high = escape
    while low < high:
        middle = (low + high + 1) >> 1
        if cumulative[base + middle] <= slot:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def _get_escaped(x, escape, words, position):
    """The state after an escape, and the index that it stands for."""
    x, k = _get_even(x, 5, words, position)
    bits = np.int64(0)
    if k > 16:
        x, bits = _get_even(x, k - 16, words, position)
        bits <<= 16
    if k:
        x, rest = _get_even(x, min(k, 16), words, position)
        bits |= rest
    u = (np.int64(1) << k) + bits - 1
    index = escape + (u >> 1) if u & 1 else -1 - (u >> 1)
    return x, index


@compiled
def get_symbol(x, row, words, position, first, begin, cumulative):
    """The state after, and the symbol that comes next under table `row`; for compiled code."""
    base = begin[row]
    escape = begin[row + 1] - base - 2
    slot = np.int64(x & np.uint64(0xFFFF))
    low = _find(slot, base, escape, cumulative)
    start = cumulative[base + low]
    x = np.uint64(cumulative[base + low + 1] - start) * (x >> np.uint64(16)) + np.uint64(
        slot - start
    )
    x = _refill(x, words, position)
    index = np.int64(low)
    if low == escape:
        x, index = _get_escaped(x, escape, words, position)
    return x, index + first[row]


@compiled
def _decode(x, words, position, first, begin, cumulative, rows, symbols):
    # get_symbol written out: calling it here takes twice the time.
    for i in range(rows.size):
        row = rows[i]
        base = begin[row]
        escape = begin[row + 1] - base - 2
        slot = np.int64(x & np.uint64(0xFFFF))
        low = _find(slot, base, escape, cumulative)
        start = cumulative[base + low]
        x = np.uint64(cumulative[base + low + 1] - start) * (x >> np.uint64(16)) + np.uint64(
            slot - start
        )
        x = _refill(x, words, position)
        index = np.int64(low)
        if low == escape:
            x, index = _get_escaped(x, escape, words, position)
        symbols[i] = index + first[row]
    return x


def _checked(values: np.ndarray, name: str, least: int, most: int) -> np.ndarray:
    """int32 `values`, or ValueError where one is out of its range."""
    values = np.asarray(values)
    if values.size and not (least <= values.min() and values.max() <= most):
        raise ValueError(f"{name} must be {least} to {most}, got {values.min()} to {values.max()}")
    return np.ascontiguousarray(values, np.int32)


def encode_symbols(symbols: np.ndarray, rows: np.ndarray, tables: Tables) -> bytes:
    """The stream of integer `symbols` (N,) under table `rows` (N,). Its bytes are stable.

    Raises ValueError where a symbol is beyond plus or minus 2**29, a row is not of the tables,
    or their numbers differ.
    """
    symbols = _checked(symbols, "symbols", -MAX_SYMBOL, MAX_SYMBOL)
    rows = _checked(rows, "rows", 0, tables.rows - 1)
    if symbols.size != rows.size:
        raise ValueError(f"each symbol has a row: got {symbols.size} symbols and {rows.size} rows")
    words = np.empty(
        symbols.size + 3 * _escapes(symbols, rows, tables.first, tables.begin), np.uint16
    )
    x, count = _encode(symbols, rows, tables.first, tables.begin, tables.cumulative, words)
    return int(x).to_bytes(6, "big") + words[:count][::-1].astype(">u2").tobytes()


class Decoder:
    """Decodes one stream in as many calls as the prior needs to know its rows."""

    def __init__(self, stream: bytes, tables: Tables):
        if len(stream) < 6 or len(stream) % 2:
            raise DamagedChunkError(
                f"a stream has an even number of bytes, 6 at least; got {len(stream)}"
            )
        self._x = np.uint64(int.from_bytes(stream[:6], "big"))
        self._words = np.frombuffer(stream, ">u2", offset=6).astype(np.uint16)
        self._position = np.zeros(2, np.int64)
        self._tables = tables

    def run(self, walk: Callable[..., np.uint64], *arguments: Any) -> None:
        """Let the compiled `walk` take symbols with `get_symbol`: it is called with the state, the
        words, the position in them, then first, begin and cumulative of the tables, then
        `arguments`, and returns the state after.

        Raises DamagedChunkError where the stream ends."""
        t = self._tables
        self._x = np.uint64(
            walk(self._x, self._words, self._position, t.first, t.begin, t.cumulative, *arguments)
        )
        if self._position[1]:
            raise DamagedChunkError("stream ends too early")

    def decode_symbols(self, rows: np.ndarray) -> np.ndarray:
        """The next symbols, int32 (N,), under table `rows` (N,); raises DamagedChunkError where
        the stream ends."""
        rows = _checked(rows, "rows", 0, self._tables.rows - 1)
        symbols = np.empty(rows.size, np.int32)
        self.run(_decode, rows, symbols)
        return symbols

    def finish(self) -> None:
        """Raise DamagedChunkError unless the stream ends exactly here."""
        if self._x != LOWER or self._position[0] != self._words.size:
            raise DamagedChunkError("stream does not end where its last symbol does")
