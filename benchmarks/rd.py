"""Rate and distortion on a folder of corpus files, beside JPEG 2000 with all bands of a date in a file.

    python benchmarks/rd.py --data FOLDER --out rd.json [--names NAME …] [--crop 256] [--plot rd.png]

Every byte counts: headers, checksums, validity. bppb is bits / (time x band x y x x); PSNR has a peak of 10,000 DN and one
mean squared error over all valid samples of all locations.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import numpy as np
import peers

from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.models.bands import L2A
from tec_zarr.training.corpus import read_corpus_file

QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
JPEG2000_DECIBELS = (46, 48, 50, 52, 54, 56, 58, 60, 62)
LEVELS_DB = (33.0, 36.0, 38.0, 41.0)


def load(path: pathlib.Path, crop: int) -> tuple[np.ndarray, int]:
    """The twelve L2A bands of a corpus file, its first `crop` pixels each way, and its offset."""
    data, meta = read_corpus_file(path)
    bands = [meta["bands"].index(b) for b in L2A]
    return np.ascontiguousarray(data[:, bands, :crop, :crop]), meta["offset_dn"]


def tec_zarr(cube: np.ndarray, setting: float, offset_dn: int) -> tuple[int, np.ndarray]:
    chunk = encode_chunk(cube, Settings(quality=setting, offset_dn=offset_dn))
    return len(chunk), decode_chunk(chunk)


def jpeg2000(cube: np.ndarray, setting: float, offset_dn: int) -> tuple[int, np.ndarray]:
    return peers.jpeg2000(cube, setting)


CODECS = {"tec_zarr": (tec_zarr, QUALITIES), "JPEG 2000, 12 components": (jpeg2000, JPEG2000_DECIBELS)}


def measure(name: str, cube: np.ndarray, offset_dn: int) -> list[dict]:
    """A record for each codec and setting."""
    valid = metrics.measured(cube, 0)
    records = []
    for codec, (function, settings) in CODECS.items():
        for setting in settings:
            began = time.perf_counter()
            size, decoded = function(cube, setting, offset_dn)
            error = metrics.rmse(cube, decoded, valid)
            records.append({
                "location": name, "codec": codec, "setting": setting, "bytes": size, "samples": cube.size,
                "valid": int(valid.sum()), "bppb": metrics.bppb(size, cube.size), "psnr": metrics.psnr(cube, decoded, valid),
                "squared_error": error**2 * int(valid.sum()), "seconds": time.perf_counter() - began,
            })  # fmt: skip
    return records


def curve(records: list[dict], codec: str) -> list[tuple[float, float]]:
    """(bppb, PSNR) of each setting over all locations together."""
    points = []
    for setting in CODECS[codec][1]:
        chosen = [r for r in records if (r["codec"], r["setting"]) == (codec, setting)]
        mse = sum(r["squared_error"] for r in chosen) / sum(r["valid"] for r in chosen)
        size, samples = (sum(r[key] for r in chosen) for key in ("bytes", "samples"))
        points.append((metrics.bppb(size, samples), 10 * float(np.log10(metrics.PEAK_DN**2 / mse))))
    return points


def bppb_at(points: list[tuple[float, float]], decibels: float) -> float:
    """Rate at a PSNR, interpolated in the logarithm; NaN beyond the ends of the curve."""
    rate, psnr = (np.array(axis) for axis in zip(*points, strict=True))
    return float(np.exp(np.interp(decibels, psnr, np.log(rate), left=np.nan, right=np.nan)))


def plot(records: list[dict], path: pathlib.Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for codec in CODECS:
        axes.plot(*zip(*curve(records, codec), strict=True), marker="o", label=codec)
    axes.set(xscale="log", xlabel="bits a sample (bppb)", ylabel="PSNR in dB (peak 10,000 DN)")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crop", type=int, default=256, help="pixels along each side")
    parser.add_argument("--plot", type=pathlib.Path)
    args = parser.parse_args()
    paths = [p for p in sorted(args.data.glob("*.zip")) if not args.names or p.stem in args.names]
    records = [record for path in paths for record in measure(path.stem, *load(path, args.crop))]
    args.out.write_text(json.dumps(records, indent=1))
    curves = {codec: curve(records, codec) for codec in CODECS}
    for codec, points in curves.items():
        print(codec, "  ".join(f"{rate:.4f} @ {psnr:.2f}" for rate, psnr in points))
    for decibels in LEVELS_DB:
        ours, theirs = (bppb_at(points, decibels) for points in curves.values())
        print(f"at {decibels} dB: {ours:.4f} against {theirs:.4f} bppb, {theirs / ours:.2f} times fewer bits")
    if args.plot:
        plot(records, args.plot)


if __name__ == "__main__":
    main()
