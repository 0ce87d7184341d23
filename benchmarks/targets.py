"""How often PSNR, RMSE, bits a sample and ratios that are asked for are met: on whole files, and on random crops of them.

    python benchmarks/targets.py --data FOLDER --out targets.json [--crops 200] [--seed 0] [--names NAME …]

Every file is coded at most 256 pixels each way at the targets of `WHOLE`; then crops of random files, dates, selections
of bands in random order, sizes and places, each at a random target. A target is met where PSNR is within 0.05 dB and
the others within 2 %, as measured on the decoded chunk. Else the chunk says so, and the target is "beyond" what
qualities 1 and 100 give or "missed" between them; a chunk that does not say so is "silent", which must never be.
`times` are the seconds of a target as a multiple of those of a plain encode at the quality that it came to, the best
of `ROUNDS` each.
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

WHOLE = (("psnr", 34.0), ("psnr", 40.0), ("psnr", 48.0), ("rmse", 120.0), ("bppb", 0.04), ("bppb", 0.2), ("ratio", 100.0))
RANGES = {"psnr": (31.0, 43.0), "rmse": (60.0, 280.0), "bppb": (0.01, 0.5), "ratio": (30.0, 1000.0)}
SIDES = (8, 112)
PIXELS = 256
ROUNDS = 3
TOLERANCE_DB = 0.05
TOLERANCE = 0.02


def random_crop(all_locations: list[locations.Location], rng: np.random.Generator) -> locations.Location:
    """Some dates, bands and pixels of one of the locations."""
    whole = all_locations[rng.integers(len(all_locations))]
    times, bands, height, width = whole.cube.shape
    dates = np.sort(rng.permutation(times)[: rng.integers(1, times + 1)])
    chosen = np.arange(bands) if rng.random() < 0.5 else rng.permutation(bands)[: rng.integers(1, bands + 1)]
    size = [int(min(n, rng.integers(*SIDES))) for n in (height, width)]
    top, left = (int(rng.integers(n - s + 1)) for n, s in zip((height, width), size, strict=True))
    cube = whole.cube[dates][:, chosen, top : top + size[0], left : left + size[1]]
    return dataclasses.replace(whole, cube=np.ascontiguousarray(cube), bands=tuple(whole.bands[b] for b in chosen))


def random_target(rng: np.random.Generator) -> tuple[str, float]:
    name = str(rng.choice(list(RANGES)))
    low, high = RANGES[name]
    value = rng.uniform(low, high) if name == "psnr" else math.exp(rng.uniform(math.log(low), math.log(high)))
    return name, float(f"{value:.4g}")


def reached(name: str, location: locations.Location, chunk: bytes, decoded: np.ndarray) -> float:
    from tec_zarr.codec import metrics

    return {
        "psnr": lambda: metrics.psnr(location.cube, decoded, location.valid),
        "rmse": lambda: metrics.rmse(location.cube, decoded, location.valid),
        "bppb": lambda: metrics.bppb(len(chunk), location.cube.size),
        "ratio": lambda: location.cube.nbytes / len(chunk),
    }[name]()


def seconds(location: locations.Location, **settings: object) -> float:
    """Of an encode, the best of `ROUNDS`."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ours.encode(location, **settings)
        took.append(time.perf_counter() - began)
    return min(took)


def outcome_of(location: locations.Location, name: str, value: float, found: float, said_met: bool) -> str:
    """Whether a target was met, and if not, whether the chunk says so and could have met it."""
    near = abs(found - value) <= TOLERANCE_DB if name == "psnr" else abs(found / value - 1) <= TOLERANCE
    if near:
        return "met"
    if said_met:
        return "silent"
    ends = []
    for quality in (1, 100):
        chunk = ours.encode(location, quality=quality)
        ends.append(reached(name, location, chunk, ours.decode(chunk)))
    return "missed" if min(ends) <= value <= max(ends) else "beyond"


def record(location: locations.Location, name: str, value: float, is_timed: bool) -> dict:
    """What became of one target."""
    from tec_zarr.bitstream import container

    target = {name: value, "best_effort": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chunk = ours.encode(location, **target)
        took = seconds(location, **target) if is_timed else None
    found = reached(name, location, chunk, ours.decode(chunk))
    header, _ = container.parse(chunk)
    said_met = header.target is None or header.target.met
    times = took / seconds(location, quality=header.quality) if is_timed else None
    return {
        "location": location.name, "shape": list(location.cube.shape), "bands": list(location.bands), "target": name,
        "value": value, "reached": found, "quality": header.quality, "times": times,
        "outcome": outcome_of(location, name, value, found, said_met),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip corpus files")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write, anew after every record")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    cut, rng = locations.Cut(PIXELS), np.random.default_rng(args.seed)
    everything = [locations.load(path, cut) for path in locations.usable(locations.find(args.data, args.names), cut)]
    jobs = [("crop", random_crop(everything, rng), *random_target(rng)) for _ in range(args.crops)]
    jobs += [("whole", location, *target) for location in everything for target in WHOLE]
    records = []
    for kind, location, name, value in jobs:
        records.append({"kind": kind, **record(location, name, value, kind == "whole")})
        args.out.write_text(json.dumps({"versions": machine.versions(), "records": records}, indent=1) + "\n")
    for kind in ("whole", "crop"):
        for name in RANGES:
            counted = collections.Counter(r["outcome"] for r in records if (r["kind"], r["target"]) == (kind, name))
            print(f"{kind} {name}:", ", ".join(f"{n} {outcome}" for outcome, n in counted.items()) or "none")
    for name in RANGES:
        times = [r["times"] for r in records if (r["kind"], r["target"]) == ("whole", name)]
        if times:
            print(f"{name}: {np.median(times):.2f} times a plain encode, at most {max(times):.2f}")


if __name__ == "__main__":
    main()
