"""Write the shipped frequency tables: `python -m tec_zarr.entropy.build_tables`.

Run once a table set, by its authors: another machine may round a frequency differently, so
readers never do this.
"""

from __future__ import annotations

import math

import numpy as np

from tec_zarr.entropy.distribution import (
    COMPONENTS,
    FRACTIONS,
    MAX_SCALE,
    MIN_SCALE,
    PRECISION,
    SCALES,
)
from tec_zarr.entropy.tables import PATH

TAIL = 2.0**-8
"""Probability left to the escape symbol at most."""


def _cdf(x: float, scale: float) -> float:
    return sum(
        share * 0.5 * math.erfc(-x / (spread * scale * math.sqrt(2)))
        for share, spread in COMPONENTS
    )


def quantize(probability: np.ndarray) -> np.ndarray:
    """Integers (N,) of at least 1, adding up to 2**PRECISION, in proportion to probabilities
    (N,)."""
    free = 2**PRECISION - len(probability)
    share = probability / probability.sum() * free
    frequency = np.floor(share).astype(np.int64)
    order = np.argsort(frequency - share, kind="stable")
    frequency[order[: free - frequency.sum()]] += 1
    return frequency + 1


def row(fraction: int, scale_index: int) -> tuple[int, np.ndarray]:
    """First symbol and frequencies (the escape's last) of one table row."""
    mean = fraction / FRACTIONS
    scale = MIN_SCALE * (MAX_SCALE / MIN_SCALE) ** (scale_index / (SCALES - 1))
    reach = 0.5
    while 2 * _cdf(-reach, scale) > TAIL:
        reach += 0.25
    first = math.floor(mean - reach + 0.5)
    last = math.ceil(mean + reach - 0.5)
    edges = [_cdf(s - 0.5 - mean, scale) for s in range(first, last + 2)]
    return first, quantize(np.append(np.diff(edges), edges[0] + 1 - edges[-1])).astype(np.uint16)


def main() -> None:
    rows = [row(f, s) for s in range(SCALES) for f in range(-FRACTIONS // 2, FRACTIONS // 2)]
    np.savez_compressed(
        PATH,
        first=np.array([first for first, _ in rows], np.int16),
        sizes=np.array([len(f) for _, f in rows], np.uint16),
        frequencies=np.concatenate([f for _, f in rows]),
    )
    print(
        f"{PATH.name}: {len(rows)} rows, {sum(len(f) for _, f in rows)} frequencies, "
        f"{PATH.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
