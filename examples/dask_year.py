"""A year of dates with Dask: write in parallel, then a mean over time of what is clear, lazily.

python examples/dask_year.py [FOLDER]
"""

import pathlib

import numpy as np
import xarray as xr
from common import run

from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    year = dataset(times=16, size=96).chunk({"time": 8, "y": 48, "x": 48})
    # Chunks are encoded where the tasks of Dask run: threads here, or a cluster as it is.
    year.tec.to_zarr(
        folder / "year.zarr", quality=40, chunks={"time": 8, "y": 48, "x": 48}, progress=False
    )

    opened = xr.open_zarr(folder / "year.zarr")
    print(f"{opened['B'].data.npartitions} chunks, {opened.tec.info()['ratio']:.0f} times smaller")

    is_clear = opened["SCL"].isin([4, 5, 6])
    mean = opened["B"].where(is_clear).mean("time")  # nothing is read yet
    print(f"mean of B08 over the year: {float(mean.sel(band='B08').mean()):.0f} DN")

    exact = year["B"].where(year["SCL"].isin([4, 5, 6])).mean("time")
    error = float(np.sqrt(((mean - exact) ** 2).mean()))
    print(f"off by {error:.1f} DN (RMSE), as errors of dates even out")


if __name__ == "__main__":
    run(main)
