"""The method that writes a report."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import xarray as xr

from tec_zarr.plugins.parameters import public


class Reporting:
    """A cube before and after as a page."""

    _data: Any

    @public
    def report(
        self,
        path: str | pathlib.Path,
        other: xr.Dataset | xr.DataArray | None = None,
        *,
        quality: float | None = None,
        pixels: Sequence[tuple[int, int]] | None = None,
        curve: bool = False,
        title: str = "Before and after compression",
        scale: float | None = None,
        offset_dn: int | None = None,
        nodata: Any = "auto",
    ) -> None:
        """Write one HTML page that needs nothing else: maps before and after, maps of the error,
        figures by band, spectra and NDVI series of some pixels, sizes and settings.

        Of a large cube it shows at most 8 dates and 12 million samples in the middle, and says so;
        nothing else is read.

        Parameters
        ----------
        path
            Of the page; a file that is there is replaced.
        other
            The same cube after, such as the opened store. None: what is shown is compressed for
            the page, and nothing else is written.
        quality
            Without `other`: 1 (smallest) to 100 (most faithful); None: the default.
        pixels
            (row, column) on the maps of the pixels to draw; None: four, from the least green to
            the greenest.
        curve
            Estimate rate and distortion at five qualities, too, which takes longer.
        title
            Of the page.
        scale
            Of floats, the value of one DN; None: what units or values tell, as in `to_zarr`.
        offset_dn
            Of integers: reflectance = (DN + offset_dn) * 1e-4. None: what attributes say.
        nodata
            Value that stands for no data; None for none, "auto": what attributes say, else 0.

        Raises
        ------
        InvalidInputError
            Where the cubes are not alike, a pixel is not on the maps, or matplotlib is missing.
        """
        from tec_zarr.report.write import write_report

        write_report(
            self._data,
            path,
            other,
            quality=quality,
            pixels=pixels,
            has_curve=curve,
            title=title,
            scale=scale,
            offset_dn=offset_dn,
            nodata=nodata,
        )
