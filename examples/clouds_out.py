"""Clouds out of a cube, with what is known of each pixel that was filled.

python examples/clouds_out.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import run

from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    cube = dataset(times=8, size=96, cloud_cover=0.1)
    clear, details = cube.tec.inpaint("SCL", dilate=2, details=True)

    filled = details["origin"].isin([1, 2, 3])
    print(f"{float(filled.mean()):.0%} of the pixels were filled")
    print(f"expected error there: {float(details['error'].where(filled).mean()):.0f} DN")

    clear.tec.to_zarr(folder / "clear.zarr", quality=40, progress=False)
    kept = xr.open_zarr(folder / "clear.zarr")
    print(f"{kept.tec.info()['ratio']:.0f} times smaller; SCL still tells what was hidden")


if __name__ == "__main__":
    run(main)
