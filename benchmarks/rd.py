"""Rate and distortion of every shipped model and its peers on a folder of corpus files.

    python benchmarks/rd.py --data FOLDER --out rd.json [--plot rd.png] [--names NAME …] [--crop 256] [--dates 4]
        [--codecs CODEC …]

Needs the extra `bench` (`pip install "tec_zarr[bench]"`). A codec whose library is missing is left out, with the reason
printed; `--list` tells which can run. Every byte counts: containers, headers, checksums, bases. bppb is bits / (time x band
x y x x). A location takes part with those of its bands that are among the twelve of L2A. Gaps (nodata) count in no measure;
peers get them filled and need not restore them.

The JSON holds `records`, one a codec, setting and location; `curves`, of all locations together (all bits over all samples,
one mean squared error over all valid samples); `bd_rate` of each model against each other codec, with the ratio of bits at
equal PSNR. Seconds are those of one process among `--jobs` at a time; a model is loaded before.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import platform
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed

import contenders
import curves
import locations
import measures

PACKAGES = ("tec_zarr", "numpy", "scipy", "torch", "imagecodecs", "av")


def limit_threads(threads: int) -> None:
    """Keep a process of the pool to its share of the cores."""
    import torch

    torch.set_num_threads(threads)


def task(codec_name: str, path: pathlib.Path, cut: locations.Cut) -> tuple[list[dict], list[str]]:
    """A record for each setting of a codec on a location, and what went wrong."""
    codec = contenders.everything()[codec_name]
    records, failures = [], []
    try:
        location = locations.load(path, cut)
        encode, decode = codec.coder()
        if not codec.is_peer:
            decode(encode(location, codec.settings[0]))
    except Exception as error:
        return [], [f"{codec_name} on {path.stem}: {type(error).__name__}: {error}"]
    for setting in codec.settings:
        try:
            began = time.perf_counter()
            data = encode(location, setting)
            encoded = time.perf_counter()
            decoded = decode(data)
            seconds = {"seconds_encode": encoded - began, "seconds_decode": time.perf_counter() - encoded}
            records.append(record(codec_name, setting, location, len(data)) | measures.measure(location, decoded) | seconds)
        except Exception as error:
            failures.append(f"{codec_name} at {setting} on {path.stem}: {type(error).__name__}: {error}")
    return records, failures


def record(codec: str, setting: object, location: locations.Location, size: int) -> dict:
    """What a record says besides its measures."""
    samples = location.cube.size
    return {
        "codec": codec, "setting": setting, "location": location.name, "shape": list(location.cube.shape),
        "bytes": size, "samples": samples, "bppb": 8 * size / samples,
    }  # fmt: skip


def run(codecs: Iterable[str], paths: list[pathlib.Path], cut: locations.Cut, jobs: int) -> tuple[list[dict], list[str]]:
    """Records and failures of all codecs on all locations."""
    tasks = [(codec, path, cut) for path in paths for codec in codecs]
    records, failures = [], []
    threads = max((os.cpu_count() or 1) // jobs, 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, limit_threads, (threads,)) as pool:
        waiting = {pool.submit(task, *each): each for each in tasks}
        for done, future in enumerate(as_completed(waiting), 1):
            codec, path, _ = waiting[future]
            found, failed = future.result()
            records += found
            failures += failed
            print(f"{done}/{len(tasks)} {codec} on {path.stem}: {len(found)} settings", file=sys.stderr)
            print(*failed, sep="\n", end="\n" * bool(failed), file=sys.stderr)
    order = {each[:2]: i for i, each in enumerate(tasks)}
    stems = {path.stem: path for path in paths}
    return sorted(records, key=lambda r: order[r["codec"], stems[r["location"]]]), failures


def usable(paths: list[pathlib.Path], cut: locations.Cut) -> list[pathlib.Path]:
    """The files that can be read and have something to measure; says why of the others."""
    kept = []
    for path in paths:
        try:
            locations.load(path, cut)
            kept.append(path)
        except Exception as error:
            print(f"left out {path.stem}: {type(error).__name__}: {error}", file=sys.stderr)
    return kept


def available(wanted: list[str] | None) -> list[str]:
    """Names of the codecs that match any of the patterns `wanted` (all, without) and whose libraries are there."""
    everything = contenders.everything()
    chosen = [n for n in everything if not wanted or any(fnmatch.fnmatch(n.lower(), w.lower()) for w in wanted)]
    kept = []
    for name in chosen:
        try:
            everything[name].coder()
            kept.append(name)
        except ImportError as error:
            print(f"left out {name}: {error}", file=sys.stderr)
    if not kept:
        raise SystemExit(f"no codec left; there are: {', '.join(everything)}")
    return kept


def versions() -> dict[str, str]:
    """Of Python and of the libraries that are here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def report(found: dict) -> None:
    """Print the curves, then each model against each peer."""
    for codec, points in found["curves"].items():
        print(f"{codec}:", "  ".join(f"{p['bppb']:.4f} @ {p['psnr']:.2f}" for p in points))
    for model, rows in found["bd_rate"].items():
        print(
            f"\n{model:28} BD-rate  33-36 dB  36-41 dB | bits at equal PSNR",
            *(f"{d:g} dB" for d in curves.LEVELS_DB),
            sep="  ",
        )
        for peer, row in rows.items():
            changes = (row["percent"], row["percent_33_36"], row["percent_36_41"])
            percents = "".join("       —  " if p is None else f"{p:+7.1f} % " for p in changes)
            ratios = "".join("     — " if r is None else f"{r:7.3f}" for r in row["bits_ratio"].values())
            print(f"{peer:28}{percents}  {ratios}")


def compare(codecs: list[str], records: list[dict]) -> dict:
    """The curves and the BD-rate of each model against each other codec."""
    everything = contenders.everything()
    drawn = {c: curves.pooled([r for r in records if r["codec"] == c], everything[c].settings) for c in codecs}
    models = [c for c in codecs if not everything[c].is_peer]
    rates = {m: {c: curves.against(drawn[m], drawn[c]) for c in codecs if c != m} for m in models}
    return {"curves": drawn, "bd_rate": rates}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of *.zip corpus files")
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    parser.add_argument("--plot", type=pathlib.Path, help="chart to write")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crop", type=int, default=256, help="pixels along each side")
    parser.add_argument("--dates", type=int, help="only the first dates")
    parser.add_argument("--codecs", nargs="*", help='only codecs whose names match these patterns, such as "tec-*" "KLT*"')
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--list", action="store_true", help="list the codecs that can run here, and end")
    args = parser.parse_args(arguments)
    if not args.list and not (args.data and args.out):
        parser.error("--data and --out are needed")
    return args


def main(arguments: list[str] | None = None) -> None:
    args = parse(arguments)
    codecs = available(args.codecs)
    if args.list:
        print(*codecs, sep="\n")
        return
    cut = locations.Cut(args.crop, args.dates)
    paths = usable(locations.find(args.data, args.names), cut)
    if not paths:
        raise SystemExit(f"{args.data} has no location to measure")
    began = time.perf_counter()
    records, failures = run(codecs, paths, cut, args.jobs)
    found = {
        "command": ["python", "benchmarks/rd.py", *(sys.argv[1:] if arguments is None else arguments)],
        "versions": versions(), "jobs": args.jobs, "seconds": time.perf_counter() - began,
        "failures": failures, **compare(codecs, records), "records": records,
    }  # fmt: skip
    args.out.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    report(found)
    if failures:
        print(f"\n{len(failures)} failures:", *failures, sep="\n")
    if args.plot:
        import chart

        ours = set(found["bd_rate"])
        title = f"{len(paths)} location{'s' * (len(paths) > 1)}, at most {args.crop} pixels each way"
        chart.draw(found["curves"], ours, title, args.plot)


if __name__ == "__main__":
    main()
