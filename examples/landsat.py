"""Landsat Collection 2 as USGS delivers it: a GeoTIFF a band, numbers that are no reflectance yet.

python examples/landsat.py [FOLDER]
"""

import pathlib

import numpy as np
import xarray as xr
from common import need, run

from tec_zarr.cubes.files import open_cube
from tec_zarr.synthetic.observations import dataset

BANDS = {"SR_B2": "B02", "SR_B3": "B03", "SR_B4": "B04", "SR_B5": "B8A", "SR_B6": "B11"}
"""Landsat's bands, and those of the synthetic landscape that stand for them here."""


def main(folder: pathlib.Path) -> None:
    need("rioxarray", install="'tec_zarr[demo]'")
    scenes(folder / "scenes")

    # Dates and bands come from the names of the files; QA_PIXEL stays beside the bands.
    cube = open_cube([folder / "scenes"])
    print(f"{dict(cube['B'].sizes)}, {', '.join(cube['band'].values)}")

    # Nothing of the codec hangs on reflectance: 0 stands for no data, as in all of Collection 2.
    cube.tec.to_zarr(folder / "landsat.zarr", quality=50, offset_dn=0, nodata=0, progress=False)
    opened = xr.open_zarr(folder / "landsat.zarr")
    print(f"{opened.tec.info()['ratio']:.0f} times smaller")

    reflectance = opened["B"] * 2.75e-5 - 0.2
    red, infrared = (reflectance.sel(band=name) for name in ("SR_B4", "SR_B5"))
    ndvi = ((infrared - red) / (infrared + red)).where(opened["QA_PIXEL"] == 21824)
    print(f"mean NDVI of what is clear: {float(ndvi.mean()):.2f}")


def scenes(folder: pathlib.Path) -> None:
    """Files as they are in products, made of the synthetic landscape."""
    import rioxarray  # noqa: F401 (it registers .rio)

    folder.mkdir()
    made = dataset(times=3, size=96)
    for index in range(made.sizes["time"]):
        date = made.isel(time=index)
        day = str(date["time"].values)[:10].replace("-", "")
        product = f"LC09_L2SP_192027_{day}_{day}_02_T1"
        images = {"QA_PIXEL": xr.where(date["SCL"].isin([8, 9, 3]), 22280, 21824)}
        for landsat, sentinel in BANDS.items():
            reflectance = date["B"].sel(band=sentinel, drop=True) * 1e-4
            images[landsat] = np.rint((reflectance + 0.2) / 2.75e-5)
        for name, image in images.items():
            plain = image.drop_vars("time").astype("uint16").rio.write_crs("EPSG:32633")
            plain.rio.to_raster(folder / f"{product}_{name}.TIF")


if __name__ == "__main__":
    run(main)
