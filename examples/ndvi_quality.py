"""Choose a quality by what it does to NDVI, then bound the error where that is not enough.

python examples/ndvi_quality.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import run

from tec_zarr.synthetic.observations import dataset

WANTED = 0.02
"""RMSE of NDVI that a study can bear."""


def main(folder: pathlib.Path) -> None:
    cube = dataset(times=4, size=128)
    for quality in (25, 40, 55, 70):
        store = folder / f"{quality}.zarr"
        cube.tec.to_zarr(store, quality=quality, progress=False)
        opened = xr.open_zarr(store)
        ratio = opened.tec.info()["ratio"]
        error = float(cube.tec.compare(opened)["ndvi_rmse"])
        print(f"quality {quality}: {ratio:.0f} times smaller, NDVI off by {error:.4f}")
        if error <= WANTED:
            break

    # Red and near infrared within 10 DN, at every pixel; the other bands as they come.
    cube.tec.to_zarr(folder / "bounded.zarr", max_error={"B04": 10, "B08": 10}, progress=False)
    found = cube.tec.compare(xr.open_zarr(folder / "bounded.zarr"))
    print(f"with bounds the greatest error of B04 is {float(found['max_error'].sel(band='B04')):g}")


if __name__ == "__main__":
    run(main)
