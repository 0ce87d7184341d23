"""A year of weekly appends to a store, each in the time and bytes of its own date.

    python benchmarks/weekly.py --out weekly.json [--dates 52] [--side 512] [--length 16]
        [--key-interval 4] [--fresh]

A synthetic cube (`tec_zarr.synthetic`), a date at a time by `ds.tec.append`. Of each append:
seconds and bytes, as a share of those of the same date written to a store of its own, right after
it. With --fresh nothing is remembered from one append to the next, as in a new process each week
(what a process takes to start is not counted). Then the whole store against one that was written
at once, and whether bytes of dates that were there ever changed.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import tempfile
import time

import machine
import numpy as np
import options
import xarray as xr
import zarr

from tec_zarr.bitstream import container
from tec_zarr.runtime.cache import CACHE
from tec_zarr.synthetic.observations import dataset


def chunk_files(store: pathlib.Path) -> list[pathlib.Path]:
    """The chunks of the bands."""
    return [path for path in (store / "B").rglob("*") if path.is_file() and path.suffix != ".json"]


def size(store: pathlib.Path) -> int:
    """Bytes of the chunks of the bands."""
    return sum(path.stat().st_size for path in chunk_files(store))


def sections(store: pathlib.Path) -> dict[tuple[str, int], bytes]:
    """Bytes of each date of each chunk."""
    found = {}
    for path in chunk_files(store):
        for section in container.parse(path.read_bytes()).sections:
            found[str(path), section.time] = section.data
    return found


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--dates", type=int, default=52)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--key-interval", type=int, default=4)
    parser.add_argument("--fresh", action="store_true")
    asked = parser.parse_args()
    cube = dataset(asked.dates, asked.side, seed=1)[["B"]]
    chunks = {"time": asked.length, "y": 256, "x": 256}
    settings = {"key_interval": asked.key_interval, "chunks": chunks, "progress": False}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        grown = folder / "grown.zarr"
        cube.isel(time=[0]).tec.to_zarr(grown, **settings)
        kept = sections(grown)
        is_unchanged = True
        for number in range(1, asked.dates):
            rows.append(append(cube.isel(time=[number]), grown, folder, settings, asked.fresh))
            now = sections(grown)
            is_unchanged &= all(now[place] == data for place, data in kept.items())
            kept = now
            print(number, rows[-1], flush=True)
        at_once = folder / "at_once.zarr"
        start = time.perf_counter()
        cube.tec.to_zarr(at_once, **settings)
        seconds_at_once = time.perf_counter() - start
        one = xr.open_zarr(grown)["B"].values
        other = xr.open_zarr(at_once)["B"].values
        found = {
            "machine": machine.versions(),
            "chunks": zarr.open_group(grown)["B"].chunks,
            "rows": rows,
            "seconds": statistics.mean(row["seconds"] for row in rows),
            "of_own_seconds": sum(r["seconds"] for r in rows) / sum(r["own_seconds"] for r in rows),
            "of_seconds_at_once": statistics.mean(row["seconds"] for row in rows)
            / (seconds_at_once / asked.dates),
            "of_own_bytes": sum(r["bytes"] for r in rows) / sum(r["own_bytes"] for r in rows),
            "most_of_own_bytes": max(r["bytes"] / r["own_bytes"] for r in rows),
            "of_size_at_once": size(grown) / size(at_once),
            "same_values": bool(np.array_equal(one, other)),
            "old_bytes_unchanged": is_unchanged,
        }
    asked.out.write_text(json.dumps(found, indent=1))
    print(json.dumps({k: v for k, v in found.items() if k not in ("rows", "machine")}, indent=1))


def append(
    date: xr.Dataset, store: pathlib.Path, folder: pathlib.Path, settings: dict, fresh: bool
) -> dict[str, float]:
    """Add a date; then write it to a store of its own."""
    if fresh:
        CACHE.reset()
    before = size(store)
    start = time.perf_counter()
    date.tec.append(store, progress=False)
    seconds = time.perf_counter() - start
    added = size(store) - before
    own = folder / "own.zarr"
    start = time.perf_counter()
    date.tec.to_zarr(own, mode="w", **{**settings, "chunks": {**settings["chunks"], "time": 1}})
    return {
        "seconds": seconds,
        "own_seconds": time.perf_counter() - start,
        "bytes": added,
        "own_bytes": size(own),
    }


if __name__ == "__main__":
    main()
