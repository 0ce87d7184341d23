"""An image in a file, opened but not read, and its grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.bands import band_name
from tec_zarr.cubes.names import read_name
from tec_zarr.errors import InvalidInputError

TILE = 1024
"""Side of the windows that files are read in: a whole number of the tiles that they have."""


@dataclasses.dataclass(frozen=True)
class Image:
    """A file, opened but not read, and what it is taken for."""

    path: str
    data: xr.DataArray
    date: np.datetime64 | None
    band: str | None
    mask: str | None

    @property
    def step(self) -> float:
        """Size of a pixel, in the units of the CRS."""
        return abs(float(self.data.rio.transform().a))

    @property
    def corner(self) -> tuple[float, float]:
        transform = self.data.rio.transform()
        return float(transform.c), float(transform.f)

    @property
    def shape(self) -> tuple[int, int]:
        return self.data.sizes["y"], self.data.sizes["x"]

    def __str__(self) -> str:
        what = self.band or self.mask or "no band"
        return f"{self.path} is {what} of {day(self.date)}"


def open_image(path: str) -> Image:
    """A file with what its name and its tags tell.

    Raises InvalidInputError where it cannot be read.
    """
    try:
        import rioxarray
        from rasterio.errors import RasterioIOError
    except ImportError as error:
        raise InvalidInputError(
            "reading GeoTIFFs and JPEG 2000 needs rioxarray: pip install 'tec_zarr[demo]'"
        ) from error
    chunks = {"band": -1, "y": TILE, "x": TILE}
    try:
        data: Any = rioxarray.open_rasterio(path, chunks=chunks)
    except RasterioIOError as error:
        raise InvalidInputError(f"{path} cannot be read as an image: {error}") from error
    told = read_name(path)
    date = told.date
    if date is None:
        date = _date_of_tags(data.attrs)
    if data.sizes["band"] > 1:
        return Image(path, data, date, None, None)
    band = told.band or band_name(data.attrs.get("long_name", ""))
    return Image(path, data, date, band, told.mask)


def _date_of_tags(attrs: dict[str, Any]) -> np.datetime64 | None:
    for name in ("ACQUISITIONDATETIME", "DATE_ACQUIRED", "acquisition_date", "TIFFTAG_DATETIME"):
        if name in attrs:
            told = read_name(f"{attrs[name]}.tif".replace(":", "-").replace(" ", "T"))
            if told.date is not None:
                return told.date
    return None


def lies_on(image: Image, finest: Image) -> bool:
    """Whether pixels of `image` are whole squares of those of `finest`."""
    factor = round(image.step / finest.step)
    fits = np.isclose(image.step, factor * finest.step)
    # Northings are in millions: a tolerance relative to them would let whole pixels pass.
    is_near = np.allclose(image.corner, finest.corner, rtol=0, atol=finest.step / 100)
    return (
        bool(fits)
        and bool(is_near)
        and tuple(factor * length for length in image.shape) == finest.shape
        and image.data.rio.crs == finest.data.rio.crs
    )


def check_one_grid(images: Iterable[Image]) -> None:
    """Raise InvalidInputError unless all images have the same pixels."""
    first, *others = images
    for other in others:
        if not np.isclose(other.step, first.step) or not lies_on(other, first):
            raise InvalidInputError(grids(first, other))


def grids(first: Image, other: Image) -> str:
    """What to say of images whose grids do not fit."""
    listed = "; ".join(
        f"{i.path}: {i.shape[0]} x {i.shape[1]} pixels of {i.step:g} from {i.corner}, "
        f"{i.data.rio.crs}"
        for i in (first, other)
    )
    return (
        f"a cube has one grid, and these files have others: {listed}. Give those of one grid, or "
        "choose a pixel size (--resolution), or bring them to one grid first"
    )


def day(date: np.datetime64 | None) -> str:
    """A date for people."""
    return "no date" if date is None else str(date)[:19]
