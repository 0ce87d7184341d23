"""Arrays to an adaptive stream and back: one walk that encodes or decodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tec_zarr.entropy.adaptive import (
    CODE,
    CONTEXTS,
    DECODES,
    FAILED,
    FULL_RANGE,
    LOW,
    MOST,
    PENDING,
    POSITION,
    RANGE,
    STATE,
    code_bit,
    code_even,
    code_signed,
    code_unsigned,
    next_byte,
    shift_low,
)
from tec_zarr.entropy.compiling import compiled
from tec_zarr.errors import DamagedChunkError


@compiled
def _walk_bits(state, data, model, contexts, values):
    for i in range(values.size):
        values[i] = code_bit(state, data, model[contexts[i]], values[i])


@compiled
def _walk_even(state, data, widths, values):
    for i in range(values.size):
        values[i] = code_even(state, data, widths[i], values[i])


@compiled
def _walk_unsigned(state, data, model, rows, values):
    for i in range(values.size):
        values[i] = code_unsigned(state, data, model[rows[i]], values[i])


@compiled
def _walk_signed(state, data, model, rows, values):
    for i in range(values.size):
        values[i] = code_signed(state, data, model[rows[i]], values[i])


@compiled
def _walk_nothing(state, data):
    pass


class Coder:
    """What encoder and decoder share: values go in and come out in place, so that one walk
    serves both."""

    def __init__(self, decodes: bool):
        self._state = np.zeros(STATE, np.int64)
        self._state[DECODES] = decodes
        self._state[RANGE] = FULL_RANGE
        self._data = np.empty(0, np.uint8)

    @property
    def decodes(self) -> bool:
        return bool(self._state[DECODES])

    def run(self, walk: Callable[..., None], most_bits: int, *arguments: Any) -> None:
        """Let the compiled `walk` code at most `most_bits` bits: it is called with the state,
        the data, `arguments`."""
        raise NotImplementedError

    def bits(self, values: np.ndarray, model: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Bits int64 (N,), each under context `which` (N,) of `model` (M, 2); returns `values`,
        decoded in place."""
        self.run(_walk_bits, values.size, model, which, values)
        return values

    def even(self, values: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Unsigned int64 (N,) of `widths` (N,) bits each, without contexts."""
        self.run(_walk_even, int(widths.sum()), widths, values)
        return values

    def unsigned(self, values: np.ndarray, model: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Integers int64 (N,) from 0 to MOST - 1, each under row `rows` (N,) of `model` (M,
        CONTEXTS, 2)."""
        self.run(_walk_unsigned, values.size * 2 * CONTEXTS, model, rows, values)
        return values

    def signed(self, values: np.ndarray, model: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Integers int64 (N,) of magnitude below MOST, each under row `rows` (N,) of `model` (M,
        CONTEXTS, 2)."""
        self.run(_walk_signed, values.size * 2 * CONTEXTS, model, rows, values)
        return values


class Encoder(Coder):
    """Collects a stream."""

    def __init__(self) -> None:
        super().__init__(decodes=False)

    def run(self, walk: Callable[..., None], most_bits: int, *arguments: Any) -> None:
        # A bit costs at most log2(65536 / 48) < 11 bits; bytes may be pending.
        needed = int(self._state[POSITION] + self._state[PENDING]) + (11 * most_bits) // 8 + 16
        if needed > self._data.size:
            grown = np.empty(2 * needed, np.uint8)
            grown[: self._data.size] = self._data
            self._data = grown
        walk(self._state, self._data, *arguments)
        if self._state[FAILED]:
            raise ValueError(f"integers to be coded must stay below {MOST} in magnitude")

    def finish(self) -> bytes:
        """The stream, at most one byte longer than its information. *Stable.*"""
        self.run(_walk_nothing, 0)
        low = int(self._state[LOW])
        last = low + int(self._state[RANGE]) - 1
        for zeros in range(32, -1, -1):
            raised = (last >> zeros) << zeros
            if raised >= low:
                break
        self._state[LOW] = raised
        for _ in range(5):
            shift_low(self._state, self._data)
        stream = self._data[: self._state[POSITION]].tobytes()
        body = stream[: len(stream) - 4]
        flushed = stream[len(stream) - 4 :].rstrip(b"\0")
        return (body + flushed)[1:]


class Decoder(Coder):
    """Takes a stream apart; whoever uses it checks what comes out, for a damaged stream can say
    anything."""

    def __init__(self, stream: bytes):
        super().__init__(decodes=True)
        self._data = np.frombuffer(stream, np.uint8).copy()
        for _ in range(4):
            self._state[CODE] = (self._state[CODE] << 8) | next_byte(self._state, self._data)

    def run(self, walk: Callable[..., None], most_bits: int, *arguments: Any) -> None:
        """As above; raises DamagedChunkError where the stream ends too early or says what no
        encoder says."""
        walk(self._state, self._data, *arguments)
        if self._state[FAILED]:
            raise DamagedChunkError(
                "side information ends too early or holds an impossible integer"
            )

    def finish(self) -> None:
        """Raise DamagedChunkError where the stream goes on for more than a few bytes."""
        if self._state[POSITION] < self._data.size:
            raise DamagedChunkError("side information goes on after its end")
