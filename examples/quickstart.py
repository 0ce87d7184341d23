"""Write a cube, look at what it takes, read a window of one date back.

python examples/quickstart.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import run

from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    cube = dataset(times=6, size=256)  # B: (time, band, y, x), SCL: (time, y, x)
    cube.tec.to_zarr(folder / "cube.zarr", quality=50, progress=False)

    opened = xr.open_zarr(folder / "cube.zarr")
    print(f"{opened.tec.info()['ratio']:.0f} times smaller")

    errors = cube.tec.compare(opened)
    print(f"PSNR {float(errors['psnr_all']):.1f} dB, RMSE {float(errors['rmse_all']):.0f} DN")

    red = opened["B"].sel(band="B04").isel(time=2, x=slice(0, 100), y=slice(0, 100))
    print(f"mean of a window of red: {float(red.mean()):.0f} DN")


if __name__ == "__main__":
    run(main)
