"""What time is worth: dates coded together against one by one, and dates that are equal.

    python benchmarks/temporal.py --data FOLDER --out temporal.json [--names NAME …]
        [--qualities 20 …]

Bits at `DECIBELS` of each series as one chunk, as a share of those of a chunk for each date, and of
one chunk whose dates are coded by themselves (context="date"). Then four equal dates: bits of the
last three, each as a share of the first.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib

import cases
import curves
import locations
import machine
import numpy as np
import options
import ours

DECIBELS = 40.0
QUALITIES = (5, 10, 15, 20, 25, 30, 35, 40, 45)
EQUAL_QUALITIES = (20, 35, 50)
EQUAL_PLACES = (cases.SSL4EO[0], cases.SLOVENIA, cases.TERRAMESH[1])

DENSE = (
    "l2a_ts_greenearthnet_sodertorn", "l1c_ts_italy_roi146_p0_rest", *cases.GELUWE,
)  # fmt: skip
"""Series of many dates, a few days apart."""


def eight_dates(place: str) -> cases.Case:
    """The first eight dates of a place, in those of ten bands that it has."""
    return cases.Case(f"{place} dense", "dense", place, locations.Cut(256, 8, cases.TEN))


SERIES = (
    *cases.VAL[:5],
    cases.VAL[-1],
    *cases.STAND_INS,
    *(eight_dates(place) for place in DENSE),
)
"""All that has more than a date; Boadella with eight."""


def of_dates(location: locations.Location, dates: slice | list[int]) -> locations.Location:
    """Some dates of a location."""
    return dataclasses.replace(location, cube=np.ascontiguousarray(location.cube[dates]))


def one_by_one(location: locations.Location, quality: float) -> ours.Point:
    """A chunk for each date."""
    points = []
    for date in range(len(location.cube)):
        points.append(ours.point(of_dates(location, [date]), quality=quality))
    return ours.together(points)


def compare(case: cases.Case, data: pathlib.Path, qualities: list[float]) -> dict:
    """Curves of a series coded in each way, and its bits together as shares of the others'."""
    location = case.load(data)
    found: dict[str, list[ours.Point]] = {"together": [], "one by one": [], "context date": []}
    for quality in qualities:
        found["together"].append(ours.point(location, quality=quality))
        found["one by one"].append(one_by_one(location, quality))
        found["context date"].append(ours.point(location, quality=quality, context="date"))
    drawn = {way: ours.curve(points) for way, points in found.items()}
    shares = {}
    for way in ("one by one", "context date"):
        shares[way] = curves.ratio(drawn["together"], [drawn[way]], DECIBELS)
    return {"case": case.name, "dates": len(location.cube), "shares": shares, "curves": drawn}


def equal_dates(place: str, data: pathlib.Path, quality: float) -> dict:
    """Bits of each of the last three of four equal dates as a share of the first's."""
    location = cases.whole(place, "equal", 1).load(data)
    first = len(ours.encode(location, quality=quality))
    four = len(ours.encode(of_dates(location, [0, 0, 0, 0]), quality=quality))
    return {"case": place, "quality": quality, "first": first, "share": (four - first) / 3 / first}


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--names", nargs="*", help="only these places")
    parser.add_argument("--qualities", nargs="*", type=float, default=list(QUALITIES))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    series = []
    for case in SERIES:
        if not args.names or case.place in args.names:
            series.append(compare(case, args.data, args.qualities))
            print(told(series[-1]), flush=True)
    equal = []
    for place in EQUAL_PLACES:
        if args.names and place not in args.names:
            continue
        for quality in EQUAL_QUALITIES:
            equal.append(equal_dates(place, args.data, quality))
            share = f"{equal[-1]['share']:.3f} of the first"
            print(f"{place}, equal dates at quality {quality}: {share}", flush=True)
    found = {"versions": machine.versions(), "decibels": DECIBELS, "series": series, "equal": equal}
    args.out.write_text(json.dumps(found, indent=1) + "\n")


def told(found: dict) -> str:
    """A line about a series."""
    parts = []
    for way, share in found["shares"].items():
        parts.append(f"{'—' if share is None else format(share, '.3f')} of {way}")
    return f"{found['case']}, {found['dates']} dates at {DECIBELS:g} dB: {', '.join(parts)}"


if __name__ == "__main__":
    main()
