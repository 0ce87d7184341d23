"""Write a cube with Dask, look at what it takes, read a window of one date back.

python examples/write_and_read.py [FOLDER]
"""

import pathlib
import sys
import tempfile

import xarray as xr

import tec_zarr
from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    cube = dataset(times=6, size=512).chunk({"time": 3, "band": -1, "y": 256, "x": 256})
    encoding = {"B": tec_zarr.encoding(quality=50)}  # SCL keeps Zarr's own lossless codec
    cube.to_zarr(folder / "cube.zarr", encoding=encoding, consolidated=False)

    opened = xr.open_zarr(folder / "cube.zarr", consolidated=False)
    size = sum(f.stat().st_size for f in (folder / "cube.zarr" / "B").rglob("*") if f.is_file())
    print(f"{cube['B'].nbytes / size:.0f} times smaller")

    red, near_infrared = (
        opened["B"].sel(band=b).isel(time=2).astype(float) for b in ("B04", "B08")
    )
    ndvi = ((near_infrared - red) / (near_infrared + red)).where(opened["SCL"].isel(time=2) == 4)
    print(
        f"mean NDVI of the vegetation on {str(ndvi['time'].values)[:10]}: {float(ndvi.mean()):.2f}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pathlib.Path(temporary))
