"""Symbols a second of the rANS coder on one core, at scales as latents have them: `python
benchmarks/entropy.py`."""

from __future__ import annotations

import time

import numpy as np

from tec_zarr.entropy import rans
from tec_zarr.entropy.distribution import FRACTIONS, MAX_SCALE, MIN_SCALE, SCALES
from tec_zarr.entropy.tables import shipped

COUNT = 4_000_000
ROUNDS = 4


def main() -> None:
    tables, random = shipped(), np.random.default_rng(0)
    scales = random.integers(SCALES // 6, SCALES * 3 // 8, COUNT)
    rows = (FRACTIONS * scales + FRACTIONS // 2).astype(np.int32)
    symbols = np.rint(
        random.normal(0, MIN_SCALE * (MAX_SCALE / MIN_SCALE) ** (scales / (SCALES - 1)))
    ).astype(np.int32)
    best = [np.inf, np.inf]
    for _ in range(ROUNDS):
        began = time.perf_counter()
        stream = rans.encode_symbols(symbols, rows, tables)
        encoded = time.perf_counter()
        decoder = rans.Decoder(stream, tables)
        if not np.array_equal(decoder.decode_symbols(rows), symbols):
            raise SystemExit("decoded symbols differ")
        best = np.minimum(best, (encoded - began, time.perf_counter() - encoded))
    encode, decode = COUNT / best / 1e6
    print(
        f"encode {encode:.0f}, decode {decode:.0f} million symbols/s, "
        f"{8 * len(stream) / COUNT:.2f} bits a symbol"
    )


if __name__ == "__main__":
    main()
