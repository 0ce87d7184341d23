"""Bits over PSNR of the classical codecs, kept in a file: later runs code only what has changed.

    python benchmarks/classical.py --data FOLDER [--sets val others training] [--names NAME …]
        [--out FILE] [--again]

FOLDER holds the corpus' `val` and `train`. Needs the extra `bench`. Every byte counts. What FILE
already has is kept, unless `--again`; it is written after every curve.
"""

from __future__ import annotations

import json
import pathlib
import time

import cases
import contenders
import machine
import measures
import options

RESULTS = pathlib.Path(__file__).with_name("results") / "peers.json"
FIRST_DESIGN = RESULTS.with_name("first_design.json")
"""Curves of `tec-tt-s2`, which this release no longer codes with."""

Curve = list[tuple[float, float]]
"""Bits a sample and PSNR in dB, from the fewest bits to the most."""


def curve(codec: contenders.Peer, case: cases.Case, data: pathlib.Path) -> Curve:
    """A point for each setting of a codec; those without any error are left out."""
    location = case.load(data)
    encode, decode = codec.coder()
    points = []
    for setting in codec.settings:
        coded = encode(location, setting)
        error, valid = measures.squared_error(location, decode(coded))
        decibels = measures.psnr(error, valid)
        if decibels is not None:
            bits = 8 * len(coded) / location.cube.size
            points.append((round(bits, 6), round(decibels, 3)))
    return sorted(points)


def read(path: pathlib.Path = RESULTS) -> dict[str, dict[str, Curve]]:
    """Curves by name of a case and of a codec; none where there is no file."""
    if not path.exists():
        return {}
    return json.loads(path.read_text())["curves"]


def with_first_design() -> dict[str, dict[str, Curve]]:
    """All curves that are kept, those of the first design among them."""
    curves = read()
    for case, curve in json.loads(FIRST_DESIGN.read_text())["curves"].items():
        curves.setdefault(case, {})[cases.FIRST_DESIGN] = curve
    return curves


def write(path: pathlib.Path, curves: dict[str, dict[str, Curve]]) -> None:
    """All curves, a line a curve."""
    lines = []
    for case, by_codec in curves.items():
        rows = []
        for codec, points in by_codec.items():
            rows.append(f"   {json.dumps(codec)}: {json.dumps(points)}")
        lines.append(f"  {json.dumps(case)}: {{\n" + ",\n".join(rows) + "\n  }")
    head = {
        "command": "python benchmarks/classical.py --data ../shared/data",
        "points": "bits a sample, PSNR in dB against 10,000 DN; all bytes counted",
        "versions": machine.versions(),
    }
    text = json.dumps(head, indent=1).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + ',\n "curves": {\n' + ",\n".join(lines) + "\n }\n}\n")


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--sets", nargs="*", default=list(cases.SETS), choices=cases.SETS)
    parser.add_argument("--names", nargs="*", help="only these places")
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="code anew what the file has")
    args = parser.parse_args(arguments)
    curves = read(args.out)
    for case in cases.chosen(args.sets, args.names):
        known = curves.setdefault(case.peers_of, {})
        for peer in contenders.PEERS:
            if peer.name in known and not args.again:
                continue
            began = time.perf_counter()
            known[peer.name] = curve(peer, case, args.data)
            took = time.perf_counter() - began
            write(args.out, curves)
            print(f"{case.peers_of}: {peer.name}, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
