"""What the tests of stores share: sizes of small chunks, how a store is opened, and what lies in a
folder."""

import pathlib

import xarray as xr

SMALL = {"time": 2, "y": 32, "x": 32}


def opened(path) -> xr.Dataset:
    return xr.open_zarr(path, consolidated=False)


def files(folder: pathlib.Path) -> dict[str, bytes]:
    """What each file below a folder holds, by its path from there."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found[str(file.relative_to(folder))] = file.read_bytes()
    return found
