"""What one process takes to code a chunk: run by `speed.py`, which imports too much itself.

    python benchmarks/probe.py CHUNK.npy '{"context": "none"}'

Prints JSON: `start` are the seconds from the import on to the first chunk's end, `peak_gb` the
most memory resident. Needs Linux: elsewhere a process does not tell its own peak from that of
the one that started it.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import time

import numpy as np


def peak_gb() -> float:
    """The most memory resident of this process so far, GB."""
    said = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", said)[1]) * 1024 / 1e9


def main() -> None:
    began = time.perf_counter()
    from tec_zarr.codec.chunk import decode_chunk, encode_chunk
    from tec_zarr.codec.settings import Settings

    path, settings = sys.argv[1:]
    cube = np.load(path)
    decode_chunk(encode_chunk(cube, Settings(**json.loads(settings))))
    found = {
        "start": time.perf_counter() - began,
        "peak_gb": peak_gb(),
        "has_torch": "torch" in sys.modules,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
