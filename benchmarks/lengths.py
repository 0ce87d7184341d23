"""How long chunks should be in time: bits, and what it costs to add a date and to read one.

    python benchmarks/lengths.py --data FOLDER --out lengths.json [--names NAME …]

Series of many dates, a few days apart, in chunks of so many dates and with a key date every so
often. Bits at one quality, as a share of those of chunks of four dates. Seconds of each date
that is added, in a process that has just begun (nothing is remembered) and in one that added the
dates before, each as a share of a date's own: of the same dates in chunks of one. Of a date that
is read alone, how many have to be decoded.
"""

from __future__ import annotations

import json
import pathlib
import time

import cases
import locations
import machine
import numpy as np
import options

from tec_zarr.codec.fetching import Fetch
from tec_zarr.codec.partial import Layout, read_part, write_part
from tec_zarr.codec.settings import Settings
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS

QUALITY = 40.0
PLACES = (
    "l1c_ts_italy_roi146_p0_rest",
    "l2a_ts_greenearthnet_sodertorn",
    "l2a_ts_spain_boadella",
    *cases.GELUWE[:2],
)
MOST_DATES = 16
SIDE = 256

WAYS = ((1, None), (2, None), (4, None), (8, None), (16, None), (8, 4), (16, 4), (16, 8))
"""Dates in a chunk, and dates from one key date to the next."""


class Store:
    """Chunks of a cube along time, as bytes."""

    def __init__(self, cube: np.ndarray, length: int, key_interval: int | None):
        self._cube = cube
        self._length = length
        self._settings = Settings(quality=QUALITY, key_interval=key_interval)
        self._layout = Layout((length, *cube.shape[1:]), cube.dtype, 0)
        self._chunks: dict[int, bytes] = {}

    def write(self, date: int) -> float:
        """Add a date; the seconds that it took."""
        number, place = divmod(date, self._length)
        values = self._cube[date : date + 1]
        start = time.perf_counter()
        self._chunks[number] = write_part(
            self._chunks.get(number),
            values,
            (slice(place, place + 1),),
            self._layout,
            self._settings,
            "cpu",
        )
        return time.perf_counter() - start

    def read(self, date: int) -> tuple[float, float]:
        """Read a date alone: the dates that were decoded for it, and the seconds."""
        number, place = divmod(date, self._length)
        fetch = Fetch([place], is_whole=True)
        CACHE.reset()
        COUNTERS.reset()
        start = time.perf_counter()
        contents = fetch.contents(self._chunks[number], [])
        read_part(contents, (slice(place, place + 1),), self._layout, self._settings, "cpu")
        seconds = time.perf_counter() - start
        return COUNTERS.snapshot()["dates decoded"], seconds

    @property
    def size(self) -> int:
        """Bytes of all chunks."""
        return sum(map(len, self._chunks.values()))


def measure(cube: np.ndarray, length: int, key_interval: int | None) -> dict[str, float]:
    """One series in one way."""
    dates = range(len(cube))
    warm = Store(cube, length, key_interval)
    seconds_warm = sum(warm.write(date) for date in dates)
    cold = Store(cube, length, key_interval)
    seconds_cold = 0.0
    for date in dates:
        CACHE.reset()
        seconds_cold += cold.write(date)
    if cold.size != warm.size:
        raise AssertionError("what is remembered must not change what is written")
    read = [cold.read(date) for date in dates]
    decoded, seconds_read = np.mean(read, axis=0)
    return {
        "bits": 8 * warm.size / cube.size,
        "append_warm": seconds_warm / len(cube),
        "append_cold": seconds_cold / len(cube),
        "read": float(seconds_read),
        "dates_decoded": float(decoded),
    }


def series(data: pathlib.Path, place: str) -> np.ndarray:
    """The first dates of a place."""
    [path] = locations.find(data, [place])
    return locations.load(path, locations.Cut(SIDE, MOST_DATES, cases.TEN)).cube


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--names", nargs="+", default=PLACES)
    asked = parser.parse_args()
    found = {"machine": machine.versions(), "quality": QUALITY, "series": {}}
    for place in asked.names:
        cube = series(asked.data, place)
        measure(cube[:2], 1, None)  # what is compiled and loaded once
        rows = []
        for length, key_interval in WAYS:
            row = {"length": length, "key_interval": key_interval}
            row |= measure(cube, length, key_interval)
            rows.append(row)
            print(place, cube.shape, row, flush=True)
        found["series"][place] = {"shape": cube.shape, "rows": rows}
    asked.out.write_text(json.dumps(found, indent=1))
    print(table(found))


def table(found: dict) -> str:
    """A row a way, means over the series."""
    lines = [
        "| dates a chunk | key date every | bits | a date added, at once | in a new process "
        "| dates decoded for one | seconds of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for index, (length, key_interval) in enumerate(WAYS):
        shares = []
        for one in found["series"].values():
            rows = one["rows"]
            row, four, own = rows[index], rows[WAYS.index((4, None))], rows[0]
            shares.append(
                (
                    row["bits"] / four["bits"],
                    row["append_warm"] / own["append_warm"],
                    row["append_cold"] / own["append_cold"],
                    row["dates_decoded"],
                    row["read"] / own["read"],
                )
            )
        bits, warm, cold, decoded, read = np.mean(shares, axis=0)
        lines.append(
            f"| {length} | {key_interval or '–'} | {bits:.2f} | {warm:.2f} | {cold:.2f} "
            f"| {decoded:.1f} | {read:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
