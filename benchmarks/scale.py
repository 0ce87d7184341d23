"""A cube of several gigabytes through a LocalCluster: what it takes, and where the time goes.

    python benchmarks/scale.py --out scale.json [--data FOLDER] [--gigabytes 4] [--workers 1 2]
        [--limit 3GB]

The cube is made of a few scenes: of the corpus' `val` in FOLDER, or else synthetic. For each number
of workers: seconds of writing and of reading, MB/s, the share of the cores that is in use, the most
memory that a worker had, and the share of the workers' processor time that is not spent by the
threads which run the network and the entropy coder. That is transforms, Dask, Zarr and files.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import tempfile
import threading
import time

import dask
import dask.array as da
import machine
import numpy as np
import options
import speed
import xarray as xr
from distributed import Client, LocalCluster, wait

import tec_zarr

# Otherwise workers give memory back after each step: docs/howto/xarray.md.
dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 33554432})

CHUNK = (4, 12, 256, 256)
CHUNK_BYTES = 2 * int(np.prod(CHUNK))

SCENES = 8


def cube(gigabytes: float, folder: pathlib.Path, data: pathlib.Path | None) -> xr.Dataset:
    """Scenes that are turned and brightened a different way each time, from a file in `folder`."""
    side = max(1, round((gigabytes * 1e9 / CHUNK_BYTES) ** 0.5))
    path = folder / "scenes.npy"
    np.save(path, np.stack(speed.chunks(data, SCENES)))

    def block(block_info=None):
        _, _, row, column = block_info[None]["chunk-location"]
        scene = np.load(path, mmap_mode="r")[(row * 7 + column) % SCENES]
        turned = np.rot90(scene, (row + column) % 4, axes=(2, 3))
        return np.ascontiguousarray(turned) + np.uint16(row + column)

    array = da.map_blocks(
        block,
        chunks=((4,), (12,), (256,) * side, (256,) * side),
        dtype="uint16",
        meta=np.empty((0,) * 4, "uint16"),
    )
    return xr.Dataset({"B": (("time", "band", "y", "x"), array)})


def usage() -> dict[str, float]:
    """Of this worker: seconds of its cores, those of the threads that code symbols, and the most
    memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    coding = 0.0
    for thread in threading.enumerate():
        if thread.name == "tec-zarr":
            text = pathlib.Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
            user, system = text.rpartition(")")[2].split()[11:13]
            coding += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "coding": coding,
        "peak": used.ru_maxrss * 1024,
    }


def timed(client: Client, work) -> dict[str, float]:
    """What some work takes, by the clock and of the workers' cores."""
    before = client.run(usage)
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = client.run(usage)

    def spent(name: str) -> float:
        """By all workers."""
        return sum(after[one][name] - before[one][name] for one in after)

    return {
        "seconds": seconds,
        "cores": spent("cpu") / seconds,
        "peak_bytes": max(each["peak"] for each in after.values()),
        "other": 1 - spent("coding") / spent("cpu"),
    }


def measure(data: xr.Dataset, workers: int, limit: str) -> dict[str, object]:
    """Write and read with so many workers of a thread each."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=limit, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        path = pathlib.Path(folder) / "cube.zarr"
        # What is compiled and loaded once does not count.
        data.isel(y=slice(0, 256), x=slice(0, 256 * workers)).to_zarr(
            path, mode="w", encoding={"B": tec_zarr.encoding()}, consolidated=False
        )

        def write() -> None:
            data.to_zarr(path, mode="w", encoding={"B": tec_zarr.encoding()}, consolidated=False)

        def read() -> None:
            opened = xr.open_zarr(path, consolidated=False)["B"]
            wait(opened.data.map_blocks(np.max, keepdims=True).persist())

        result = {
            "write": timed(client, write),
            "read": timed(client, read),
            "stored": sum(f.stat().st_size for f in path.rglob("*") if f.is_file()),
        }
    megabytes = data["B"].nbytes / 1e6
    for name in ("write", "read"):
        result[name]["mb_s"] = megabytes / result[name]["seconds"]
        result[name]["cpu_use"] = result[name]["cores"] / workers
    return result


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--limit", default="3GB")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = cube(asked.gigabytes, pathlib.Path(folder), asked.data)
        found = {"machine": machine.versions(), "bytes": data["B"].nbytes, "workers": {}}
        for workers in asked.workers:
            found["workers"][workers] = measure(data, workers, asked.limit)
            print(workers, json.dumps(found["workers"][workers]), flush=True)
            asked.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
