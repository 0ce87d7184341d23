"""From a STAC catalogue to a compressed cube with odc-stac.

The catalogue and its GeoTIFFs are made here and served on this machine, so that nothing is
downloaded; with a public catalogue only `items` changes.

python examples/stac.py [FOLDER]
"""

import functools
import http.server
import pathlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import xarray as xr
from common import need, run

from tec_zarr.synthetic.observations import dataset

BANDS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}


def main(folder: pathlib.Path) -> None:
    need("odc.stac", "pystac", "rioxarray", install="'tec_zarr[stac]'")
    import odc.stac
    import pystac

    (folder / "catalogue").mkdir()
    with served(folder / "catalogue") as address:
        make_catalogue(folder / "catalogue", address)
        catalogue = pystac.Catalog.from_file(f"{address}/catalog.json")
        items = list(catalogue.get_items())
        cube = odc.stac.load(items, bands=list(BANDS), chunks={}, crs="EPSG:32633", resolution=10)
        print(f"{len(items)} items, {dict(cube.sizes)}")
        # A variable a band becomes one cube; offset, nodata and CRS go with it.
        cube.tec.to_zarr(folder / "cube.zarr", quality=45, offset_dn=0, progress=False)

    opened = xr.open_zarr(folder / "cube.zarr")
    print(f"{opened.tec.info()['ratio']:.0f} times smaller")
    back = opened.tec.from_cube()
    print(f"back as {', '.join(back.data_vars)}, NDVI {float(ndvi(back).mean()):.2f}")


def ndvi(cube: xr.Dataset) -> xr.DataArray:
    red = cube["red"].astype(float)
    infrared = cube["nir"].astype(float)
    return (infrared - red) / (infrared + red)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def served(folder: pathlib.Path) -> Iterator[str]:
    """A folder under an address of this machine."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def make_catalogue(folder: pathlib.Path, address: str) -> None:
    """Items of the synthetic landscape, a GeoTIFF a band."""
    import pystac
    import rioxarray  # noqa: F401 (it registers .rio)

    made = dataset(times=3, size=96)
    catalogue = pystac.Catalog("synthetic", "Nothing in it was measured.")
    for index in range(made.sizes["time"]):
        date = made.isel(time=index)
        when = date["time"].values.astype("datetime64[s]").item()
        box = date["B"].rio.write_crs("EPSG:32633").rio.transform_bounds("EPSG:4326")
        west, south, east, north = box
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        item = pystac.Item(f"date-{index}", shape, list(box), when, {})
        for name, band in BANDS.items():
            path = folder / f"{index}-{name}.tif"
            image = date["B"].sel(band=band).drop_vars(["time", "band"])
            image.attrs = {}
            image.astype(np.uint16).rio.write_crs("EPSG:32633").rio.to_raster(path, driver="COG")
            item.add_asset(name, pystac.Asset(f"{address}/{path.name}", roles=["data"]))
        catalogue.add_item(item)
    catalogue.normalize_hrefs(str(folder))
    catalogue.save(pystac.CatalogType.SELF_CONTAINED)


if __name__ == "__main__":
    run(main)
