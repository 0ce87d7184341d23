"""Shipped integer frequency tables: the probabilities that every machine shares to the last bit."""

from __future__ import annotations

import dataclasses
import functools
import pathlib

import numpy as np

from tec_zarr.entropy.distribution import FRACTIONS, PRECISION, SCALES

PATH = pathlib.Path(__file__).with_name("mixture-32x64.npz")

MIXTURE_ROWS = FRACTIONS * SCALES

UNIFORM_BITS = 8
"""Low bits of large symbols are coded so many at a time, each number of them under a row of its
own."""

SHIPPED_ROWS = MIXTURE_ROWS + UNIFORM_BITS


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """Ragged table rows.

    Row r codes the symbols `first[r]`, `first[r] + 1`, … and last an escape; symbol number i of
    the row has the cumulative frequencies `cumulative[begin[r] + i]` to `cumulative[begin[r] + i
    + 1]` out of 2**16.
    """

    first: np.ndarray
    begin: np.ndarray
    cumulative: np.ndarray

    @classmethod
    def from_frequencies(
        cls, first: np.ndarray, sizes: np.ndarray, frequencies: np.ndarray
    ) -> Tables:
        begin = np.concatenate([[0], np.cumsum(sizes.astype(np.int64) + 1)])
        cumulative = np.zeros(begin[-1], np.int64)
        within = np.ones(begin[-1], bool)
        within[begin[:-1]] = False
        cumulative[within] = frequencies
        cumulative = np.cumsum(cumulative)
        cumulative -= np.repeat(cumulative[begin[:-1]], sizes.astype(np.int64) + 1)
        if not (cumulative[begin[1:] - 1] == 2**PRECISION).all():
            raise ValueError("frequencies of every table row must add up to 65536")
        return cls(first.astype(np.int32), begin, cumulative.astype(np.int32))

    def followed_by(self, more: Tables) -> Tables:
        """These rows, then those of `more`."""
        first, cumulative = (
            np.concatenate([getattr(t, n) for t in (self, more)]) for n in ("first", "cumulative")
        )
        return Tables(
            first, np.concatenate([self.begin, self.begin[-1] + more.begin[1:]]), cumulative
        )

    @property
    def rows(self) -> int:
        return len(self.first)


def _uniform() -> Tables:
    """A row for each number of even bits, 1 to `UNIFORM_BITS`; the escape that every row has
    takes next to nothing."""
    frequencies = []
    for bits in range(1, UNIFORM_BITS + 1):
        share, rest = divmod(2**PRECISION - 1, 2**bits)
        row = np.full(2**bits, share)
        row[:rest] += 1
        frequencies.append(np.append(row, 1))
    sizes = np.array([len(row) for row in frequencies])
    return Tables.from_frequencies(
        np.zeros(UNIFORM_BITS, np.int32), sizes, np.concatenate(frequencies)
    )


def uniform_row(bits: np.ndarray) -> np.ndarray:
    """The row of so many even bits (N,), 1 to `UNIFORM_BITS`."""
    return (MIXTURE_ROWS - 1 + bits).astype(np.int32)


@functools.cache
def shipped() -> Tables:
    """The tables of the format: the mixture's rows, then a row for each number of even bits."""
    with np.load(PATH) as file:
        mixture = Tables.from_frequencies(file["first"], file["sizes"], file["frequencies"])
    return mixture.followed_by(_uniform())
