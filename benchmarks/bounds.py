"""Bits a sample at bounds on the error of every sample, and without loss, beside peers; and whether the bounds hold.

    python benchmarks/bounds.py --data FOLDER --out bounds.json [--names NAME …] [--crop PIXELS] [--bounds 0 1 5 20 100]
        [--no-peers]

Needs the extra `bench`. Every file of the folder is coded as one chunk by tec_zarr, with `max_error` alone, then with a
bound for some of the bands; every chunk is decoded here and in fresh processes that are held to other instruction sets.
Peers code it a plane at a time, gaps filled. `records` of the JSON: bytes, the greatest error in DN and how many samples are
further off than the bound (must be 0), for each codec, bound and location; `bppb` of all locations together.
"""

from __future__ import annotations

import importlib
import json
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


def encode_ours(location: locations.Location, bound: Bound) -> bytes:
    return ours.encode(location, max_error=bound)


def errors(location: locations.Location, decoded: np.ndarray, bound: Bound) -> dict:
    """The greatest error over valid samples of bands that have a bound, and how many are further off."""
    most = [bound.get(b, np.inf) if isinstance(bound, Mapping) else bound for b in location.bands]
    bounded = np.array(most)[:, None, None]
    error = np.where(location.valid, np.abs(location.cube.astype(np.int64) - decoded), 0)
    return {
        "greatest": int(error[:, np.isfinite(most)].max(initial=0)),
        "violations": int((error > bounded).sum()),
    }


def decode_all(chunks: list[Chunk], threads: int) -> list[dict]:
    """Errors of chunks of files, in whatever process this runs."""
    from tec_zarr.codec.chunk import decode_chunk

    machine.limit_threads(threads)
    return [errors(locations.load(path, cut), decode_chunk(data), bound) for path, cut, bound, data in chunks]


def elsewhere(chunks: list[Chunk], threads: int) -> dict[str, list[dict]]:
    """Errors of chunks as decoded under each of the other instruction sets."""
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
        "codec": codec, "setting": bound, "location": location.name, "shape": list(location.cube.shape),
        "bytes": size, "samples": samples, "bppb": 8 * size / samples,
    }  # fmt: skip


def layer(chunk: bytes) -> dict:
    """The quality of the learned layer below a residual; None where there is none."""
    from tec_zarr.bitstream import container
    from tec_zarr.bitstream.header import Base

    header, _ = container.parse(chunk)
    learned = any(bound.base in (Base.NONE, Base.LEARNED) for bound in header.bounds)
    return {"quality": header.quality if learned else None}


def measure(location: locations.Location, bounds: list[Bound], with_peers: bool) -> tuple[list[dict], list[bytes]]:
    """Records of all codecs at all bounds, and the chunks of ours."""
    records, chunks = [], []
    for bound in bounds:
        began = time.perf_counter()
        chunks.append(encode_ours(location, bound))
        took = time.perf_counter() - began
        records.append({**record(OURS, bound, location, len(chunks[-1])), **layer(chunks[-1]), "seconds_encode": took})
        if isinstance(bound, Mapping) or not with_peers:
            continue
        peers = NEAR_LOSSLESS if bound else LOSSLESS
        for name, what in peers.items():
            module = importlib.import_module("peers.bounded")
            data = getattr(module, f"encode_{what}")(location.filled, bound)
            decoded = getattr(module, f"decode_{what}")(data)
            records.append({**record(name, bound, location, len(data)), **errors(location, decoded, bound)})
    return records, chunks


def pooled(records: list[dict]) -> dict[str, dict[str, float]]:
    """bppb of all locations together, by bound and codec."""
    found: dict[str, dict[str, float]] = {}
    for bound in dict.fromkeys(str(r["setting"]) for r in records):
        chosen = [r for r in records if str(r["setting"]) == bound]
        found[bound] = {}
        for codec in dict.fromkeys(r["codec"] for r in chosen):
            size, samples = (sum(r[key] for r in chosen if r["codec"] == codec) for key in ("bytes", "samples"))
            found[bound][codec] = 8 * size / samples
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip corpus files")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crop", type=int, help="pixels along each side; default: all")
    parser.add_argument("--bounds", type=int, nargs="*", default=BOUNDS, help="in DN; default: 0 1 5 20 100")
    parser.add_argument("--no-peers", action="store_true", help="only tec_zarr")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    cut = locations.Cut(args.crop)
    records, jobs, ours = [], [], []
    for path in locations.usable(locations.find(args.data, args.names), cut):
        location = locations.load(path, cut)
        by_band = {band: bound for band, bound in BY_BAND.items() if band in location.bands}
        bounds = [*args.bounds, by_band]
        found, chunks = measure(location, bounds, not args.no_peers)
        records += found
        ours += [r for r in found if r["codec"] == OURS]
        jobs += [(path, cut, bound, chunk) for bound, chunk in zip(bounds, chunks, strict=True)]
        print(f"{path.stem}: {len(found)} records", file=sys.stderr)
    for kernels, found in elsewhere(jobs, args.threads).items():
        for record, errs in zip(ours, found, strict=True):
            record.setdefault("kernels", {})[kernels] = errs
    violations = {k: sum(r["kernels"][k]["violations"] for r in ours) for k in ours[0]["kernels"]}
    summary = {"versions": machine.versions(), "violations": violations, "bppb": pooled(records), "records": records}
    args.out.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    print("violations of ours:", violations, " of peers:", sum(r.get("violations", 0) for r in records))
    before = {str(bound): f"first design {bits:.2f}  " for bound, bits in FIRST_DESIGN.items()}
    for bound, row in summary["bppb"].items():
        print(f"{bound}:", before.get(bound, "") + "  ".join(f"{codec} {value:.3f}" for codec, value in row.items()))


if __name__ == "__main__":
    main()
