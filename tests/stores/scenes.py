"""What the tests of stores share: sizes of small chunks, and how a store is opened."""

import xarray as xr

SMALL = {"time": 2, "y": 32, "x": 32}


def opened(path) -> xr.Dataset:
    return xr.open_zarr(path, consolidated=False)
