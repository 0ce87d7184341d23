"""Rate and distortion of tec_zarr beside the classical codecs, on the chunks of `cases.py`.

    python benchmarks/rd.py --data FOLDER --out rd.json [--markdown rd.md] [--plot rd.png]
        [--sets val others training] [--names NAME …] [--qualities 1 10 …]
        [--settings effort=0 …]

FOLDER holds the corpus' `val` and `train`. Every byte counts: containers, headers, checksums,
bases. Classical codecs are read from `results/peers.json`; what is missing there is coded (extra
`bench`), all of it anew with `--again`. "best" is the best of the classical codecs of a chunk at
each PSNR. A group, and "six" (the places of `val` besides those of SSL4EO), is all bits over all
bits of the best, each chunk at that PSNR. Seconds are of one process among `--jobs`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import pathlib
import sys
from concurrent.futures import ProcessPoolExecutor

import cases
import classical
import curves
import machine
import options
import ours
import tables

QUALITIES = (1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 75, 100)


def measure(
    case: cases.Case,
    data: pathlib.Path,
    qualities: list[float],
    settings: dict[str, object],
) -> list[dict]:
    """A record for each quality of a case."""
    location = case.load(data)
    # What is compiled and loaded once counts in no time.
    ours.point(location, case.is_float, quality=qualities[0], **settings)
    records = []
    for quality in qualities:
        point = ours.point(location, case.is_float, quality=quality, **settings)
        found = {"case": case.name, "group": case.group, "quality": quality}
        found |= dataclasses.asdict(point)
        found |= {"bits": point.bits, "psnr": point.psnr}
        records.append(found)
    return records


def run(
    chosen: list[cases.Case],
    data: pathlib.Path,
    qualities: list[float],
    settings: dict[str, object],
    jobs: int,
) -> list[dict]:
    """Records of all cases, in their order."""
    context = multiprocessing.get_context("spawn")
    records = []
    with ProcessPoolExecutor(jobs, context, machine.limit_threads, (1,)) as pool:
        waiting = []
        for case in chosen:
            waiting.append(pool.submit(measure, case, data, qualities, settings))
        for case, future in zip(chosen, waiting, strict=True):
            records += future.result()
            print(f"{case.name}: {len(qualities)} qualities", file=sys.stderr, flush=True)
    return records


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--markdown", type=pathlib.Path, help="tables to write")
    parser.add_argument("--plot", type=pathlib.Path, help="chart to write")
    parser.add_argument("--sets", nargs="*", default=["val"], choices=cases.SETS)
    parser.add_argument("--names", nargs="*", help="only these places")
    parser.add_argument("--qualities", nargs="*", type=float, default=list(QUALITIES))
    parser.add_argument("--settings", nargs="*", default=[], help="such as effort=0")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--again", action="store_true", help="code anew with classical codecs")
    return parser.parse_args(arguments)


def complete_peers(args: argparse.Namespace) -> dict[str, dict[str, curves.Curve]]:
    """The curves of classical codecs of all cases, after coding those that are missing."""
    known = classical.read()
    chosen = cases.chosen(args.sets, args.names)
    missing = [case for case in chosen if case.peers_of not in known]
    if missing or args.again:
        command = ["--data", str(args.data), "--sets", *args.sets]
        command += ["--names", *args.names] if args.names else []
        classical.main([*command, *["--again"] * args.again])
    return classical.with_first_design()


def main(arguments: list[str] | None = None) -> None:
    args = parse(arguments)
    chosen = cases.chosen(args.sets, args.names)
    if not chosen:
        raise SystemExit("no such place in these sets")
    peers = complete_peers(args)
    settings = ours.parsed(args.settings)
    records = run(chosen, args.data, args.qualities, settings, args.jobs)
    results = tables.results(chosen, records, peers)
    found = {
        "command": ["python", "benchmarks/rd.py", *(arguments or sys.argv[1:])],
        "versions": machine.versions(),
        "jobs": args.jobs,
        "best": tables.best_ratios(results),
        "each": tables.each_ratios(results),
        "highest": curves.highest({result.case.name: result.ours for result in results}),
        "records": records,
    }
    args.out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    text = tables.markdown(results)
    print(text)
    if args.markdown:
        args.markdown.write_text(text + "\n")
    if args.plot:
        import chart

        chart.draw(results, args.plot)


if __name__ == "__main__":
    main()
