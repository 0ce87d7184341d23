"""Does a chunk decode to the same integers everywhere? Contract 1, measured.

    python tests/portability.py --data CORPUS_FOLDER [--quality 35]

Encodes every location of a folder in chunks of 128 x 128 pixels with this machine's own kernels,
then decodes them in processes that are held to other instruction sets and thread counts, in
batches of 1, 2 and 7. Shown for each: dates whose symbols differ (must be 0), and the greatest
difference in DN (at most 1).
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy as np

from tec_zarr.codec.settings import Settings
from tec_zarr.training.corpus import read_corpus_file

SIDE = 128

KERNELS = {
    "default": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "sse4": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    },
    "one thread": {"OMP_NUM_THREADS": "1"},
}
"""Environment variables that hold torch, oneDNN and MKL to an instruction set, or to a thread."""

BATCHES = (1, 2, 7)


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What one process made of all chunks: a hash of the symbols of each date, and DN."""

    symbols: list[str]
    dn: list[np.ndarray]


def chunks_of(folder: pathlib.Path, dates: int) -> list[np.ndarray]:
    """Chunks (time, band, 128, 128) of every location that is as large."""
    out = []
    for path in sorted(folder.glob("*.zip")):
        data, _ = read_corpus_file(path)
        if min(data.shape[-2:]) >= SIDE:
            out.append(np.ascontiguousarray(data[:dates, :, :SIDE, :SIDE]))
    return out


def decode(chunks: list[bytes], batch: int) -> Decoded:
    """Decode chunks, `batch` at a time side by side."""
    from concurrent.futures import ThreadPoolExecutor

    from tec_zarr.codec.chunk import decode_chunk
    from tec_zarr.prior import coding

    found: dict[bytes, str] = {}
    see = coding.see

    def noting(symbols, date):
        whole = symbols.cpu().numpy().astype(np.int64)
        found[date.side.mean_codes.tobytes() + date.side.live.tobytes()] = hashlib.sha256(
            whole.tobytes()
        ).hexdigest()
        return see(symbols, date)

    coding.see = noting
    with ThreadPoolExecutor(batch) as pool:
        dn = list(pool.map(lambda data: decode_chunk(data, "cpu"), chunks))
    coding.see = see
    return Decoded([found[key] for key in sorted(found)], dn)


def in_a_process(chunks: list[bytes], batch: int, kernels: dict[str, str]) -> Decoded:
    with tempfile.TemporaryDirectory() as folder:
        given = pathlib.Path(folder, "given")
        made = pathlib.Path(folder, "made")
        given.write_bytes(pickle.dumps((chunks, batch)))
        command = [sys.executable, __file__, "--child", str(given), str(made)]
        subprocess.run(command, check=True, env={**os.environ, **kernels})
        return Decoded(*pickle.loads(made.read_bytes()))


def compare(
    arrays: list[np.ndarray], quality: float, kernels: dict[str, dict[str, str]], batches=BATCHES
) -> dict:
    """For each kernel and batch: how many dates have other symbols, and the greatest difference
    in DN."""
    from tec_zarr.codec.chunk import encode_chunk

    chunks = [encode_chunk(array, Settings(quality=quality), "cpu") for array in arrays]
    reference = decode(chunks, 1)
    out = {}
    for name, variables in kernels.items():
        for batch in batches:
            there = in_a_process(chunks, batch, variables)
            differ = sum(a != b for a, b in zip(reference.symbols, there.symbols, strict=True))
            pairs = zip(reference.dn, there.dn, strict=True)
            off = max(int(np.abs(a.astype(np.int64) - b).max()) for a, b in pairs)
            out[name, batch] = (differ, off)
    return out


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        chunks, batch = pickle.loads(pathlib.Path(sys.argv[2]).read_bytes())
        pathlib.Path(sys.argv[3]).write_bytes(
            pickle.dumps(dataclasses.astuple(decode(chunks, batch)))
        )
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--quality", type=float, default=35)
    parser.add_argument("--dates", type=int, default=4)
    args = parser.parse_args()
    arrays = chunks_of(args.data, args.dates)
    for (name, batch), (differ, off) in compare(arrays, args.quality, KERNELS).items():
        print(
            f"{name:12s} batch {batch}: {differ} dates with other symbols, greatest difference "
            f"{off} DN",
            flush=True,
        )


if __name__ == "__main__":
    main()
