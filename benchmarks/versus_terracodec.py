"""TEC-TT of the published size here and in PyPI's terracodec 0.3.1: the same drawn weights, the
same cube, in turn.

    python benchmarks/versus_terracodec.py --oracle ORACLE_PYTHON [--data CORPUS_FOLDER] [--frames
    4] [--rounds 1]

Each side runs in a process of its own and codes standardized frames of 12 x 256 x 256 to streams
and back. Shown are seconds a frame by the clock and of the processor (of all cores; they tell
more where other work keeps the machine busy), without those to load weights, and the most memory
that was resident so far. CONTRIBUTING.md says how to make the environment of the oracle. Rates
are not shown: drawn weights say nothing about them.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import options
import torch

from tec_zarr import folders
from tec_zarr.models.bands import L2A, L2A_MEAN, L2A_STD
from tec_zarr.models.published.config import TOKENS
from tec_zarr.runtime import loading, network
from tec_zarr.synthetic import series
from tec_zarr.training.corpus import read_corpus_file

THEIRS = pathlib.Path(__file__).resolve().parents[1] / "tests" / "oracle" / "terracodec_outputs.py"
STEPS = ("compress", "decompress")
MODEL = "tec-tt-s2l2a@5"
SITE = "l2a_ts_ssl4eo_0080717"


def images(data: pathlib.Path | None, count: int) -> np.ndarray:
    """Standardized frames (count, 12, 256, 256), float32, of real imagery where there is a
    corpus."""
    cube = series(count, seed=0).values
    if data is not None:
        found, meta = read_corpus_file(data / f"{SITE}.zip")
        cube = found[:count, [meta["bands"].index(b) for b in L2A], :256, :256]
    mean, std = (np.array(part, np.float32)[:, None, None] for part in (L2A_MEAN, L2A_STD))
    return (cube.astype(np.float32) - mean) / std


def memory() -> float:
    """The most memory resident so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def clock(source: pathlib.Path) -> None:
    """What `terracodec_outputs.py time` prints, of this package."""
    x = np.load(source)
    loaded = loading.load(MODEL, "cpu")
    none = torch.empty(0, dtype=torch.float64)
    found, coded = {}, None
    for name in STEPS:
        began, busy = time.perf_counter(), time.process_time()
        if coded is None:
            coded = network.encode(loaded, [x], [none], [[TOKENS] * len(x)])
        else:
            network.decode(loaded, coded, [none], *x.shape[-2:])
        found |= {
            name: time.perf_counter() - began,
            f"{name}_cpu": time.process_time() - busy,
            f"{name}_mb": memory(),
        }
    print(json.dumps(found))


def run(command: list[object], threads: int, cache: str) -> str:
    """The last line that a command prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), folders.CACHE_VARIABLE: cache}
    said = subprocess.run(
        [str(part) for part in command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return said.stdout.splitlines()[-1]


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--oracle", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clock", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.clock:
        clock(args.clock)
        return
    found = {"terracodec": [], "tec_zarr": []}
    with tempfile.TemporaryDirectory() as folder:
        source, state = pathlib.Path(folder, "images.npy"), pathlib.Path(folder, "state.pt")
        np.save(source, images(args.data, args.frames))
        for _ in range(args.rounds):
            found["terracodec"].append(
                json.loads(run([args.oracle, THEIRS, "time", source, state], args.threads, folder))
            )
            run(
                [
                    sys.executable,
                    "-m",
                    "tec_zarr",
                    "models",
                    "fetch",
                    MODEL,
                    "--file",
                    state,
                ],
                args.threads,
                folder,
            )
            found["tec_zarr"].append(
                json.loads(run([sys.executable, __file__, "--clock", source], args.threads, folder))
            )
    middle = {
        side: {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
        for side, rounds in found.items()
    }
    for side, values in middle.items():
        for name in STEPS:
            seconds = (values[k] / args.frames for k in (name, f"{name}_cpu"))
            listed = "  ".join(f"{s:6.2f} s" for s in seconds)
            print(f"{side:10}  {name:10}  {listed}  {values[f'{name}_mb']:5.0f} MB")
    ratio = {
        name: middle["terracodec"][name] / middle["tec_zarr"][name] for name in middle["tec_zarr"]
    }
    for name in STEPS:
        by_processor = f"{ratio[f'{name}_cpu']:.1f} by seconds of the processor"
        speed = f"{ratio[name]:.1f} times as fast ({by_processor})"
        print(f"{name}: {speed}, with {1 / ratio[f'{name}_mb']:.2f} of the memory")


if __name__ == "__main__":
    main()
