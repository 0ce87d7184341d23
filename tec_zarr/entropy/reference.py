"""rANS the slow and obvious way: the specification of the stream. Stable: streams of it decode for
ever.

State x is an integer of 48 bits, at least LOWER; words have 16 bits; probabilities are f / 2**16
with f from the tables.

    put (c, f):  if x >= f << 32: give out the low 16 bits of x as a word, x >>= 16
                 x = (x // f) << 16 | c + x % f
    get (c, f):  the slot x & 0xffff picks c <= slot < c + f;  x = f * (x >> 16) + slot - c
                 if x < LOWER: x = x << 16 | next word

The coder puts the symbols last to first from x = LOWER; a stream is the final x (6 bytes,
big-endian), then the words in reverse order of their giving out (2 bytes each, big-endian). A
decoder ends at x = LOWER with no word left.

A symbol outside of its row is an escape: u = 2 * distance beyond the row's end (+ 1 above it);
the row's last entry is coded, then k = bit length of (u + 1), less one, in 5 even bits, then the
k bits below the leading one of u + 1: the high k - 16 of them first where k > 16.
"""

from __future__ import annotations

from tec_zarr.entropy.tables import Tables
from tec_zarr.errors import DamagedChunkError

LOWER = 1 << 32


def _events(symbol: int, row: int, tables: Tables) -> list[tuple[int, int]]:
    """The (cumulative, frequency) pairs of one symbol, in decoding order."""
    cumulative = [int(c) for c in tables.cumulative[tables.begin[row] : tables.begin[row + 1]]]
    escape = len(cumulative) - 2
    index = symbol - int(tables.first[row])
    if 0 <= index < escape:
        return [(cumulative[index], cumulative[index + 1] - cumulative[index])]
    u = 2 * (index - escape) + 1 if index >= escape else 2 * (-1 - index)
    k = (u + 1).bit_length() - 1
    bits = u + 1 - (1 << k)
    pieces = [(k, 5)]
    if k > 16:
        pieces.append((bits >> 16, k - 16))
    if k:
        pieces.append((bits & 0xFFFF if k > 16 else bits, min(k, 16)))
    even = [(value << (16 - width), 1 << (16 - width)) for value, width in pieces]
    return [(cumulative[escape], cumulative[escape + 1] - cumulative[escape]), *even]


def encode_symbols(symbols, rows, tables: Tables) -> bytes:
    """The stream of `symbols` under table `rows`."""
    x = LOWER
    words = []
    for symbol, row in zip(reversed(symbols), reversed(rows), strict=True):
        for start, frequency in reversed(_events(int(symbol), int(row), tables)):
            if x >= frequency << 32:
                words.append(x & 0xFFFF)
                x >>= 16
            x = (x // frequency) << 16 | start + x % frequency
    return x.to_bytes(6, "big") + b"".join(word.to_bytes(2, "big") for word in reversed(words))


def decode_symbols(stream: bytes, rows, tables: Tables) -> list[int]:
    """The symbols of a whole `stream`."""
    if len(stream) < 6 or len(stream) % 2:
        raise DamagedChunkError(
            f"a stream has an even number of bytes, 6 at least; got {len(stream)}"
        )
    x = int.from_bytes(stream[:6], "big")
    position = 6

    def get(cumulative: list[int]) -> int:
        nonlocal x, position
        slot = x & 0xFFFF
        index = max(i for i in range(len(cumulative) - 1) if cumulative[i] <= slot)
        x = (cumulative[index + 1] - cumulative[index]) * (x >> 16) + slot - cumulative[index]
        if x < LOWER:
            if position == len(stream):
                raise DamagedChunkError("stream ends too early")
            x = x << 16 | int.from_bytes(stream[position : position + 2], "big")
            position += 2
        return index

    def even(width: int) -> int:
        return get([i << (16 - width) for i in range((1 << width) + 1)])

    symbols = []
    for row in rows:
        cumulative = [int(c) for c in tables.cumulative[tables.begin[row] : tables.begin[row + 1]]]
        escape = len(cumulative) - 2
        index = get(cumulative)
        if index == escape:
            k = even(5)
            bits = even(k - 16) << 16 | even(16) if k > 16 else even(k)
            u = (1 << k) + bits - 1
            index = escape + (u >> 1) if u & 1 else -1 - (u >> 1)
        symbols.append(index + int(tables.first[row]))
    if x != LOWER or position != len(stream):
        raise DamagedChunkError("stream does not end where its last symbol does")
    return symbols
