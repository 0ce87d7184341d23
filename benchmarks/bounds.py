"""Bits a sample at bounds on the error of every sample, beside peers; and whether the bounds hold.

    python benchmarks/bounds.py --data FOLDER --out bounds.json [--names NAME …] [--crop PIXELS]
        [--bounds 0 1 5 20 100] [--no-peers]

Needs the extra `bench`. Every file of the folder is coded as one chunk by tec_zarr, with
`max_error` alone, then with a bound for some of the bands; every chunk is decoded in fresh
processes that are held to one instruction set each. Peers code it a plane at a time, gaps
filled. `records` of the JSON: bytes, the greatest error in DN and how many samples are further
off than the bound (must be 0), for each codec, bound and location; `bppb` of all locations
together.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import multiprocessing
import os
import pathlib
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from unittest import mock

import locations
import machine
import numpy as np
import options
import ours

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tests"))

BOUNDS = (0, 1, 5, 20, 100)
BY_BAND = {"B02": 1, "B03": 5, "B04": 20, "B08": 100, "B11": 0}
OURS = "tec_zarr"
FIRST_DESIGN = {0: 5.62, 1: 4.33, 5: 2.91, 20: 1.70, 100: 0.68}
"""Bits a sample of all of `val` that the first design took at each bound."""

NEAR_LOSSLESS = {"JPEG-LS": "jpegls", "SPERR": "sperr", "SZ3": "sz3", "ZFP": "zfp"}
LOSSLESS = {"JPEG-LS": "jpegls", "JPEG XL": "jpegxl", "Pcodec": "pcodec", "Blosc-zstd": "blosc"}

Bound = int | Mapping[str, int]
Chunk = tuple[pathlib.Path, locations.Cut, Bound, bytes]


def bounds_of(bands: tuple[str, ...], bound: Bound) -> np.ndarray:
    """The bound of each band, infinite where it has none: (band,)."""
    if isinstance(bound, Mapping):
        return np.array([bound.get(band, math.inf) for band in bands])
    return np.full(len(bands), float(bound))


def errors(location: locations.Location, decoded: np.ndarray, bound: Bound) -> dict:
    """The greatest error over valid samples of bands with a bound, and how many are further off."""
    most = bounds_of(location.bands, bound)
    error = np.abs(location.cube.astype(np.int64) - decoded)  # (time, band, y, x)
    error[~location.valid] = 0
    return {
        "greatest": int(error[:, np.isfinite(most)].max(initial=0)),
        "violations": int((error > most[:, None, None]).sum()),
    }


def decode_all(chunks: list[Chunk], threads: int) -> list[dict]:
    """Errors of chunks of files, in whatever process this runs."""
    machine.limit_threads(threads)
    found = []
    for path, cut, bound, data in chunks:
        location = locations.load(path, cut)
        found.append(errors(location, ours.decode(data), bound))
    return found


def elsewhere(chunks: list[Chunk], threads: int) -> dict[str, list[dict]]:
    """Errors of chunks as decoded under each of the instruction sets."""
    from portability import KERNELS

    found = {}
    for name, environment in KERNELS.items():
        process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        with mock.patch.dict(os.environ, environment), process as pool:
            found[name] = pool.submit(decode_all, chunks, threads).result()
    return found


def record(codec: str, bound: Bound, location: locations.Location, size: int) -> dict:
    """What a record says besides errors."""
    samples = location.cube.size
    return {
        "codec": codec,
        "setting": bound,
        "location": location.name,
        "shape": list(location.cube.shape),
        "bytes": size,
        "samples": samples,
        "bppb": 8 * size / samples,
    }


def of_ours(location: locations.Location, bounds: list[Bound]) -> tuple[list[dict], list[bytes]]:
    """Records of tec_zarr at all bounds, without errors, and its chunks."""
    records = []
    chunks = []
    for bound in bounds:
        began = time.perf_counter()
        chunk = ours.encode(location, max_error=bound)
        took = time.perf_counter() - began
        found = record(OURS, bound, location, len(chunk))
        records.append({**found, "seconds_encode": took})
        chunks.append(chunk)
    return records, chunks


def of_peers(location: locations.Location, bounds: list[int]) -> list[dict]:
    """Records of all peers at all bounds."""
    module = importlib.import_module("peers.bounded")
    records = []
    for bound in bounds:
        peers = NEAR_LOSSLESS if bound else LOSSLESS
        for name, what in peers.items():
            data = getattr(module, f"encode_{what}")(location.filled, bound)
            decoded = getattr(module, f"decode_{what}")(data)
            found = record(name, bound, location, len(data))
            records.append(found | errors(location, decoded, bound))
    return records


def pooled(records: list[dict]) -> dict[str, dict[str, float]]:
    """Bits a sample of all locations together, by bound and codec."""
    sizes: dict[tuple[str, str], list[int]] = {}
    for found in records:
        size, samples = sizes.get((str(found["setting"]), found["codec"]), (0, 0))
        sizes[str(found["setting"]), found["codec"]] = (
            size + found["bytes"],
            samples + found["samples"],
        )
    rows: dict[str, dict[str, float]] = {}
    for (bound, codec), (size, samples) in sizes.items():
        rows.setdefault(bound, {})[codec] = 8 * size / samples
    return rows


def report(summary: dict) -> None:
    """Print what the bounds cost, and whether they hold."""
    of_peers = sum(found.get("violations", 0) for found in summary["records"])
    print("violations of ours:", summary["violations"], " of peers:", of_peers)
    before = {str(bound): bits for bound, bits in FIRST_DESIGN.items()}
    for bound, row in summary["bppb"].items():
        parts = [f"{codec} {bits:.3f}" for codec, bits in row.items()]
        if bound in before:
            parts.append(f"first design, all of val {before[bound]:.2f}")
        print(f"{bound}: {', '.join(parts)}")


def measured(args: argparse.Namespace) -> tuple[list[dict], list[dict]]:
    """Records of tec_zarr and of peers."""
    cut = locations.Cut(args.crop)
    mine = []
    others = []
    jobs = []
    for path in locations.usable(locations.find(args.data, args.names), cut):
        location = locations.load(path, cut)
        by_band = {band: bound for band, bound in BY_BAND.items() if band in location.bands}
        bounds = [*args.bounds, by_band]
        records, chunks = of_ours(location, bounds)
        mine += records
        for bound, chunk in zip(bounds, chunks, strict=True):
            jobs.append((path, cut, bound, chunk))
        if not args.no_peers:
            others += of_peers(location, args.bounds)
        print(f"{path.stem}: coded", file=sys.stderr, flush=True)
    for kernels, found in elsewhere(jobs, args.threads).items():
        for each, errs in zip(mine, found, strict=True):
            each.setdefault("kernels", {})[kernels] = errs
    return mine, others


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crop", type=int, help="pixels along each side; default: all")
    parser.add_argument("--bounds", type=int, nargs="*", default=BOUNDS, help="in DN")
    parser.add_argument("--no-peers", action="store_true", help="only tec_zarr")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    mine, others = measured(args)
    violations = {}
    for found in mine:
        for kernels, errs in found["kernels"].items():
            violations[kernels] = violations.get(kernels, 0) + errs["violations"]
    records = mine + others
    summary = {
        "versions": machine.versions(),
        "violations": violations,
        "bppb": pooled(records),
        "records": records,
    }
    args.out.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    report(summary)


if __name__ == "__main__":
    main()
