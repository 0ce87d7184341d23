"""An archive that grows by some dates at a time, and is checked after each.

python examples/weekly_archive.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import run

from tec_zarr.stores.verify import arrays_of, verified_chunks
from tec_zarr.synthetic.observations import dataset

AT_ONCE = 4
"""Dates of a chunk: each append fills whole ones."""


def main(folder: pathlib.Path) -> None:
    store = folder / "archive.zarr"
    dates = dataset(times=12, size=96)
    first = dates.isel(time=slice(0, AT_ONCE))
    first.tec.to_zarr(store, quality=45, chunks={"time": AT_ONCE}, progress=False)

    for start in range(AT_ONCE, dates.sizes["time"], AT_ONCE):
        more = dates.isel(time=slice(start, start + AT_ONCE))
        # All or nothing: other bands, grids, offsets, or dates that are there, are refused.
        more.tec.append(store, progress=False)
        opened = xr.open_zarr(store)
        last = str(opened["time"].values[-1])[:10]
        print(f"{opened.sizes['time']} dates up to {last}, {opened.tec.info()['bytes']:,} bytes")

    damaged = [chunk for chunk in verified_chunks(arrays_of(store)) if chunk.damage]
    print(f"{len(damaged)} damaged chunks")


if __name__ == "__main__":
    run(main)
