"""What native grids save on cubes of nearest neighbor, made as odc-stac and stackstac make them.

    python benchmarks/native.py --data FOLDER --out native.json [--names NAME …] [--qualities 10 …]

Of `val`, every second sample of 20 m bands is repeated 2 x 2, every sixth of 60 m bands 6 x 6.
Bits with native grids as a share of those of the same code with native grids switched off, at
equal PSNR; and without loss, beside the first design, JPEG-LS and JPEG XL.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from unittest import mock

import cases
import classical
import curves
import locations
import machine
import numpy as np
import options
import ours
from peers import bounded

from tec_zarr.models.bands import NATIVE_METERS

QUALITIES = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50)
FIND = "tec_zarr.transform.analysis.find_repeats"
"""What the codec asks which bands are repeated."""

FINEST_METERS = 10
LOSSLESS = {"JPEG XL": "jpegxl", "JPEG-LS": "jpegls"}


def nearest(location: locations.Location) -> locations.Location:
    """The same with each coarse band repeated from its own grid, from the first pixel on."""
    cube = location.cube.copy()
    height, width = cube.shape[2:]
    for index, band in enumerate(location.bands):
        times = NATIVE_METERS[band] // FINEST_METERS
        coarse = cube[:, index, ::times, ::times]
        fine = coarse.repeat(times, axis=1).repeat(times, axis=2)
        cube[:, index] = fine[:, :height, :width]
    return dataclasses.replace(location, cube=cube)


def nothing_repeats(dn: np.ndarray) -> np.ndarray:
    """As if no band of `dn` (band, y, x) repeated: bool (band, 2, 2)."""
    return np.zeros((len(dn), 2, 2), bool)


def compare(case: cases.Case, data: pathlib.Path, qualities: list[float]) -> dict:
    """Curves with and without native grids, shares by PSNR and lossless bits of one place."""
    location = nearest(case.load(data))
    with_grids = [ours.point(location, quality=quality) for quality in qualities]
    with mock.patch(FIND, nothing_repeats):
        without = [ours.point(location, quality=quality) for quality in qualities]
    drawn = {"on": ours.curve(with_grids), "off": ours.curve(without)}
    shares = {}
    for decibels in curves.LEVELS_DB:
        shares[decibels] = curves.ratio(drawn["on"], [drawn["off"]], decibels)
    return {
        "case": case.name,
        "samples": location.cube.size,
        "curves": drawn,
        "shares": shares,
        "lossless": lossless(location),
    }


def lossless(location: locations.Location) -> dict[str, int]:
    """Bytes of tec_zarr and of peers."""
    sizes = {"tec_zarr": len(ours.encode(location, max_error=0))}
    for name, what in LOSSLESS.items():
        sizes[name] = len(getattr(bounded, f"encode_{what}")(location.filled, 0))
    return sizes


def first_design(found: list[dict]) -> float:
    """Lossless bits a sample that the first design took on these places."""
    before = json.loads(classical.FIRST_DESIGN.read_text())["lossless_nearest"]
    samples = sum(place["samples"] for place in found)
    return sum(before[place["case"]] * place["samples"] for place in found) / samples


def told(found: dict) -> str:
    """A line about a place."""
    parts = []
    for decibels, share in found["shares"].items():
        parts.append("—" if share is None else f"{decibels} dB {share:.2f}")
    for name, size in found["lossless"].items():
        parts.append(f"{name} {8 * size / found['samples']:.2f} bits lossless")
    return f"{found['case']}: {', '.join(parts)}"


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--names", nargs="*", help="only these places")
    parser.add_argument("--qualities", nargs="*", type=float, default=list(QUALITIES))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(arguments)
    machine.limit_threads(args.threads)
    found = []
    for case in cases.chosen(["val"], args.names):
        found.append(compare(case, args.data, args.qualities))
        print(told(found[-1]), flush=True)
    print(f"first design, lossless: {first_design(found):.3f} bits a sample")
    for name in found[0]["lossless"]:
        size = sum(place["lossless"][name] for place in found)
        samples = sum(place["samples"] for place in found)
        print(f"all places, lossless, {name}: {8 * size / samples:.3f} bits a sample")
    summary = {"versions": machine.versions(), "places": found}
    args.out.write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
