"""How often PSNR, RMSE, bits a sample and ratios that are asked for are met.

    python benchmarks/targets.py --data FOLDER --out targets.json [--crops 200] [--seed 0]
        [--names NAME …]

Every file is coded at most 256 pixels each way at the targets of `WHOLE`; then crops of random
files, dates, selections of bands in random order, sizes and places, each at a random target. A
target is met where PSNR is within 0.05 dB and the others within 2 %, as measured on the decoded
chunk; "better" is more dB or fewer bits than asked for. Else the chunk says so, and the target
is "beyond" what qualities 1 and 100 give or "missed" between them; a chunk that does not say so
is "silent", which must never be. `times` are the seconds of a target as a multiple of those of a
plain encode at the quality that it came to, the best of `ROUNDS` each.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import os
import pathlib
import time
import warnings

import locations
import machine
import numpy as np
import options
import ours

WHOLE = (
    ("psnr", 34.0),
    ("psnr", 40.0),
    ("psnr", 48.0),
    ("rmse", 120.0),
    ("bppb", 0.04),
    ("bppb", 0.2),
    ("ratio", 100.0),
)
RANGES = {
    "psnr": (31.0, 58.0),
    "rmse": (12.0, 280.0),
    "bppb": (0.01, 1.5),
    "ratio": (10.0, 1000.0),
}
"""Of what random targets are drawn from."""

SIDES = (8, 112)
PIXELS = 256
ROUNDS = 3
TOLERANCE_DB = 0.05
TOLERANCE = 0.02


def random_crop(
    everything: list[locations.Location], rng: np.random.Generator
) -> locations.Location:
    """Some dates, bands and pixels of one of the locations."""
    whole = everything[rng.integers(len(everything))]
    times, bands, height, width = whole.cube.shape
    dates = np.sort(rng.permutation(times)[: rng.integers(1, times + 1)])
    chosen = np.arange(bands)
    if rng.random() < 0.5:
        chosen = rng.permutation(bands)[: rng.integers(1, bands + 1)]
    tall = int(min(height, rng.integers(*SIDES)))
    wide = int(min(width, rng.integers(*SIDES)))
    top = int(rng.integers(height - tall + 1))
    left = int(rng.integers(width - wide + 1))
    cube = whole.cube[dates][:, chosen, top : top + tall, left : left + wide]
    names = tuple(whole.bands[band] for band in chosen)
    return dataclasses.replace(whole, cube=np.ascontiguousarray(cube), bands=names)


def random_target(rng: np.random.Generator) -> tuple[str, float]:
    """A target and its value, to four digits."""
    name = str(rng.choice(list(RANGES)))
    low, high = RANGES[name]
    value = rng.uniform(low, high)
    if name != "psnr":
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    return name, float(f"{value:.4g}")


def reached(name: str, location: locations.Location, chunk: bytes) -> float:
    """What a chunk comes to, in the measure of a target."""
    from tec_zarr.codec import metrics

    if name == "bppb":
        return metrics.bppb(len(chunk), location.cube.size)
    if name == "ratio":
        return location.cube.nbytes / len(chunk)
    measure = {"psnr": metrics.psnr, "rmse": metrics.rmse}[name]
    return measure(location.cube, ours.decode(chunk), location.valid)


def seconds(location: locations.Location, **settings: object) -> float:
    """Of an encode, the best of `ROUNDS`."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ours.encode(location, **settings)
        took.append(time.perf_counter() - began)
    return min(took)


def is_near(name: str, value: float, found: float) -> bool:
    """Whether a target is met."""
    if name == "psnr":
        return abs(found - value) <= TOLERANCE_DB
    return abs(found / value - 1) <= TOLERANCE


def is_better(name: str, value: float, found: float) -> bool:
    """Whether a chunk has more dB or fewer bits than a target asks for."""
    if name in ("psnr", "ratio"):
        return found > value
    return found < value


def outcome_of(
    location: locations.Location,
    name: str,
    value: float,
    found: float,
    said_met: bool,
) -> str:
    """Whether a target was met, and if not, whether the chunk says so and could have met it."""
    if is_near(name, value, found):
        return "met"
    if said_met:
        return "better" if is_better(name, value, found) else "silent"
    ends = []
    for quality in (1, 100):
        chunk = ours.encode(location, quality=quality)
        ends.append(reached(name, location, chunk))
    return "missed" if min(ends) <= value <= max(ends) else "beyond"


def record(location: locations.Location, name: str, value: float, is_timed: bool) -> dict:
    """What became of one target."""
    from tec_zarr.bitstream import container

    target = {name: value, "best_effort": True}
    times = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chunk = ours.encode(location, **target)
        header = container.parse(chunk).header
        if is_timed:
            plain = seconds(location, quality=header.quality)
            times = seconds(location, **target) / plain
    found = reached(name, location, chunk)
    said_met = header.target is None or header.target.met
    return {
        "location": location.name,
        "shape": list(location.cube.shape),
        "bands": list(location.bands),
        "target": name,
        "value": value,
        "reached": found,
        "quality": header.quality,
        "times": times,
        "outcome": outcome_of(location, name, value, found, said_met),
    }


def report(records: list[dict]) -> None:
    """Print what became of the targets, and the time that they took."""
    for kind in ("whole", "crop"):
        for name in RANGES:
            of_both = [r for r in records if (r["kind"], r["target"]) == (kind, name)]
            outcomes = collections.Counter(found["outcome"] for found in of_both)
            said = [f"{count} {outcome}" for outcome, count in outcomes.items()]
            print(f"{kind} {name}: {', '.join(said) or 'none'}")
    for name in RANGES:
        times = [r["times"] for r in records if r["target"] == name and r["times"] is not None]
        if times:
            most = max(times)
            print(f"{name}: {np.median(times):.2f} times a plain encode, at most {most:.2f}")


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    cut = locations.Cut(PIXELS)
    paths = locations.usable(locations.find(args.data, args.names), cut)
    everything = [locations.load(path, cut) for path in paths]
    rng = np.random.default_rng(args.seed)
    jobs = []
    for _ in range(args.crops):
        jobs.append(("crop", random_crop(everything, rng), *random_target(rng)))
    for location in everything:
        for target in WHOLE:
            jobs.append(("whole", location, *target))
    records = []
    for kind, location, name, value in jobs:
        found = record(location, name, value, kind == "whole")
        records.append({"kind": kind, **found})
        # Written after every record: this takes long.
        summary = {"versions": machine.versions(), "records": records}
        args.out.write_text(json.dumps(summary, indent=1) + "\n")
    report(records)


if __name__ == "__main__":
    main()
