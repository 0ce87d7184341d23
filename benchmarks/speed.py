"""Speed and memory on chunks of 4 x 12 x 256 x 256, in turn with JPEG 2000 (OpenJPEG) at like quality, in one run.

    python benchmarks/speed.py [--data CORPUS_FOLDER] [--chunks 4] [--rounds 5]

MB/s of raw uint16, the median of the rounds with the least and the greatest. tec_zarr codes the chunks from as many threads
as there are chunks, as Dask would; OpenJPEG codes a date a file in as many threads as there are cores.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from peers import jpeg2000

from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.models.bands import L2A
from tec_zarr.testing.synthetic import series
from tec_zarr.training.corpus import read_corpus_file

SITES = ("l2a_ts_ssl4eo_0080717", "l2a_ts_ssl4eo_0181476")
DECIBELS = 38.7
QUALITY = 50.0


def chunks(data: pathlib.Path | None, count: int) -> list[np.ndarray]:
    """Chunks of real imagery where there is a corpus, else of synthetic."""
    if data is None:
        return [series(seed=i).values for i in range(count)]
    cubes = []
    for name in SITES:
        cube, meta = read_corpus_file(data / f"{name}.zip")
        cubes.append(cube[:, [meta["bands"].index(b) for b in L2A]])
    corners = [np.s_[..., y : y + 256, x : x + 256] for y, x in ((0, 0), (8, 8), (0, 8), (8, 0))]
    return [np.ascontiguousarray(cubes[i % 2][corners[i // 2 % 4]]) for i in range(count)]


def timed(function: Callable, items: Sequence, threads: int) -> tuple[float, list]:
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        out = list(pool.map(function, items))
        return time.perf_counter() - began, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--chunks", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cubes = chunks(args.data, args.chunks)
    megabytes = sum(c.nbytes for c in cubes) / 1e6
    settings, cores = Settings(quality=QUALITY), os.cpu_count() or 1

    decode_chunk(encode_chunk(cubes[0], settings))
    speeds: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        ours_encode, ours = timed(lambda cube: encode_chunk(cube, settings), cubes, args.chunks)
        ours_decode, decoded = timed(decode_chunk, ours, args.chunks)
        theirs_encode, theirs = timed(lambda cube: jpeg2000.encode_frames(cube, DECIBELS), cubes, cores)
        theirs_decode, back = timed(jpeg2000.decode_frames, theirs, cores)
        seconds = {
            "tec_zarr encode": ours_encode, "tec_zarr decode": ours_decode,
            "OpenJPEG encode": theirs_encode, "OpenJPEG decode": theirs_decode,
        }  # fmt: skip
        for name, took in seconds.items():
            speeds.setdefault(name, []).append(megabytes / took)

    for name, found in speeds.items():
        print(f"{name}  {statistics.median(found):6.1f} MB/s  ({min(found):.1f} to {max(found):.1f})")
    for name, files, result in (("tec_zarr", ours, decoded), ("OpenJPEG", theirs, back)):
        before, after = np.concatenate([c.ravel() for c in cubes]), np.concatenate([c.ravel() for c in result])
        size = sum(map(len, files))
        psnr = metrics.psnr(before, after, metrics.measured(before, 0))
        print(f"{name}: {metrics.bppb(size, before.size):.4f} bppb, {psnr:.2f} dB")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB; {cores} cores")


if __name__ == "__main__":
    main()
