"""How near `estimate` is to what writing gives, on cubes of many chunks.

    python benchmarks/estimates.py --data FOLDER

The cubes: each file of the folder that has twelve bands, in chunks of one date and 64 pixels; and a
mosaic of all of them that have 96 pixels each way, 96 x 96 pixels a file, in chunks of 48. What
writing gives is counted by coding every chunk.
"""

from __future__ import annotations

import math
import pathlib
import warnings
from collections.abc import Iterator

import locations
import machine
import numpy as np
import options
import xarray as xr

from tec_zarr.models.bands import L2A

LEAST_CHUNKS = 20
SIDE = 96


def cube_of(values: np.ndarray) -> xr.DataArray:
    """As users have them, of `values` (time, band, y, x)."""
    dims = ("time", "band", "y", "x")
    return xr.DataArray(values, dims=dims, coords={"band": list(L2A)}, attrs={"offset_dn": 0})


def cubes(folder: pathlib.Path) -> Iterator[tuple[str, xr.DataArray, int]]:
    """Name, cube and side of its chunks."""
    pieces = []
    for path in locations.usable(locations.find(folder, None), locations.Cut()):
        location = locations.load(path, locations.Cut())
        if location.bands != L2A:
            continue
        dates, _, height, width = location.cube.shape
        rows = math.ceil(height / 64)
        columns = math.ceil(width / 64)
        if dates * rows * columns >= LEAST_CHUNKS:
            yield location.name, cube_of(location.cube), 64
        if min(height, width) >= SIDE:
            pieces.append(location.cube[:1, :, :SIDE, :SIDE])
    if len(pieces) > 1:
        yield f"mosaic of {len(pieces)}", cube_of(np.concatenate(pieces, axis=3)), SIDE // 2


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip")
    parser.add_argument("--quality", type=float, default=75)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    machine.limit_threads(args.threads)
    warnings.simplefilter("ignore")
    for name, cube, side in cubes(args.data):
        chunks = {"time": 1, "y": side, "x": side}
        guess = cube.tec.estimate(quality=args.quality, chunks=chunks)
        whole = cube.tec.estimate(quality=args.quality, chunks=chunks, sample=None)
        bytes_off = 100 * (guess.bytes / whole.bytes - 1)
        rmse_off = 100 * (guess.rmse / whole.rmse - 1)
        off = f"bytes {bytes_off:+.1f} %, RMSE {rmse_off:+.1f} %"
        print(f"{name}: {guess.sampled} of {guess.chunks} chunks, {off}")


if __name__ == "__main__":
    main()
