"""Speed and memory on chunks of 4 x 12 x 256 x 256, in turn with OpenJPEG and x265, in one run.

    python benchmarks/speed.py --data FOLDER [--out speed.json] [--chunks 4] [--rounds 5]
        [--cores 2] [--settings …]

MB/s of raw uint16 at the default quality, others at the PSNR that it gives: the median of the
rounds, the least and the greatest. All codecs code as many chunks at once as there are cores, each
of one thread. Then the seconds of a chunk by stage, on one core, and what a fresh process takes.
FOLDER holds the corpus' `val`; without it chunks are synthetic.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import cases
import contenders
import machine
import numpy as np
import options
import ours
import stages
from peers import jpeg2000, x265

from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic import series
from tec_zarr.training.corpus import read_corpus_file

CORNERS = ((0, 0), (8, 8), (0, 8), (8, 0))
MODES = {"tec_zarr": {}, "tec_zarr effort=0": {"effort": 0}, "tec_zarr static": {"context": "none"}}

Coder = tuple[Callable[[np.ndarray], bytes], Callable[[bytes], np.ndarray]]


def chunks(data: pathlib.Path | None, count: int) -> list[np.ndarray]:
    """Chunks of real imagery where there is a corpus, else of synthetic."""
    if data is None:
        return [series(seed=i).values for i in range(count)]
    cubes = []
    for name in cases.SSL4EO:
        cube, meta = read_corpus_file(data / "val" / f"{name}.zip")
        cubes.append(cube[:, [meta["bands"].index(band) for band in L2A]])
    found = []
    for i in range(count):
        y, x = CORNERS[i // len(cubes) % len(CORNERS)]
        cut = cubes[i % len(cubes)][..., y : y + 256, x : x + 256]
        found.append(np.ascontiguousarray(cut))
    return found


def psnr(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """Of all chunks together, dB."""
    original = np.concatenate([cube.ravel() for cube in before])
    decoded = np.concatenate([cube.ravel() for cube in after])
    return metrics.psnr(original, decoded, metrics.measured(original, 0))


def mode(settings: dict[str, object]) -> Coder:
    """tec_zarr with some settings."""
    chosen = Settings(**settings)
    return (lambda cube: encode_chunk(cube, chosen)), decode_chunk


def openjpeg(decibels: float) -> Coder:
    """A date a file, near a PSNR."""
    return (lambda cube: jpeg2000.encode_frames(cube, decibels)), jpeg2000.decode_frames


def pca_x265(cube: np.ndarray, decibels: float) -> Coder:
    """A video a principal component, at the setting that comes nearest to a PSNR on `cube`."""
    off = {}
    for setting in contenders.COMPONENT_QUANTIZERS:
        decoded = x265.decode_components(x265.encode_components(cube, setting))
        off[setting] = abs(psnr([cube], [decoded]) - decibels)
    chosen = min(off, key=off.get)
    return (lambda cube: x265.encode_components(cube, chosen)), x265.decode_components


def timed(function: Callable, items: Sequence, threads: int) -> tuple[float, list]:
    """Seconds of a function on all items, and what it gave."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        out = list(pool.map(function, items))
        return time.perf_counter() - began, out


def measure(coders: dict[str, Coder], cubes: list[np.ndarray], rounds: int, cores: int) -> dict:
    """MB/s of each round, bits a sample and PSNR of each coder; coders take turns."""
    megabytes = sum(cube.nbytes for cube in cubes) / 1e6
    samples = sum(cube.size for cube in cubes)
    found = {name: {"encode": [], "decode": []} for name in coders}
    for _ in range(rounds):
        for name, (encode, decode) in coders.items():
            took, coded = timed(encode, cubes, cores)
            found[name]["encode"].append(megabytes / took)
            took, decoded = timed(decode, coded, cores)
            found[name]["decode"].append(megabytes / took)
            found[name]["bits"] = 8 * sum(map(len, coded)) / samples
            found[name]["psnr"] = psnr(cubes, decoded)
    return found


def by_stage(coder: Coder, cube: np.ndarray) -> dict[str, dict[str, float]]:
    """Seconds by stage of encoding and of decoding a chunk; "all" is by the clock."""
    encode, decode = coder
    found = {}
    with stages.clocked() as clock:
        began = time.perf_counter()
        coded = encode(cube)
        found["encode"] = {**clock.seconds, "all": time.perf_counter() - began}
    with stages.clocked() as clock:
        began = time.perf_counter()
        decode(coded)
        found["decode"] = {**clock.seconds, "all": time.perf_counter() - began}
    return found


def process(cube: np.ndarray, settings: dict[str, object]) -> dict:
    """What `probe.py` says of a fresh process."""
    script = pathlib.Path(__file__).with_name("probe.py")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "chunk.npy")
        np.save(path, cube)
        command = [sys.executable, str(script), str(path), json.dumps(settings)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(said.stdout)


def report(found: dict) -> None:
    """Print all that was measured."""
    for name, measured in found["speed"].items():
        for what in ("encode", "decode"):
            each = measured[what]
            middle = statistics.median(each)
            print(f"{name} {what}: {middle:.1f} MB/s ({min(each):.1f} to {max(each):.1f})")
        print(f"{name}: {measured['bits']:.4f} bits a sample, {measured['psnr']:.2f} dB")
    for name, directions in found["stages"].items():
        for what, seconds in directions.items():
            parts = ", ".join(f"{stage} {took:.3f}" for stage, took in seconds.items())
            print(f"{name} {what}, seconds of a chunk on a core: {parts}")
    for name, taken in found["processes"].items():
        torch = "with" if taken["has_torch"] else "without"
        memory = f"a process takes {taken['peak_gb']:.2f} GB, {torch} torch"
        print(f"{name}: {memory}, {taken['start']:.1f} s at first")


def main(arguments: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    parser.add_argument("--chunks", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--settings", nargs="*", default=[], help="such as quality=50")
    args = parser.parse_args(arguments)
    machine.limit_threads(1)
    cubes = chunks(args.data, args.chunks)
    given = ours.parsed(args.settings)
    modes = {name: {**given, **settings} for name, settings in MODES.items()}
    coders = {name: mode(settings) for name, settings in modes.items()}
    # The first chunk of a process compiles and loads; it also says at what PSNR peers are to be.
    for encode, decode in coders.values():
        decode(encode(cubes[0]))
    encode, decode = coders["tec_zarr"]
    decibels = psnr([cubes[0]], [decode(encode(cubes[0]))])
    coders["OpenJPEG"] = openjpeg(decibels)
    coders["PCA + x265"] = pca_x265(cubes[0], decibels)
    found = {
        "versions": machine.versions(),
        "cores": args.cores,
        "speed": measure(coders, cubes, args.rounds, args.cores),
        "stages": {name: by_stage(coders[name], cubes[0]) for name in modes},
        "processes": {name: process(cubes[0], settings) for name, settings in modes.items()},
    }
    report(found)
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
