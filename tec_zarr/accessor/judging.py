"""Methods that tell what coding costs and does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr

from tec_zarr.codec.settings import ALL_GROUPS
from tec_zarr.models.registry import DEFAULT
from tec_zarr.plugins.parameters import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tec_zarr.stores.sampling import Estimate


class Judging:
    """Sizes and errors, expected and found."""

    _data: Any

    @public
    def estimate(
        self,
        *,
        quality: float | None = None,
        max_error: float | Mapping[str, float] | None = None,
        psnr: float | None = None,
        rmse: float | None = None,
        bppb: float | None = None,
        ratio: float | None = None,
        best_effort: bool = False,
        context: str = "dates",
        key_interval: int | None = None,
        groups: int | Iterable[int] = ALL_GROUPS,
        effort: int = 1,
        model: str = DEFAULT,
        device: str = "auto",
        bands: Iterable[str] | None = None,
        offset_dn: int | None = None,
        scale: float | None = None,
        nodata: Any = "auto",
        chunks: Mapping[str, int] | None = None,
        sample: int | None = 16,
        precision: float = 0.03,
    ) -> Estimate:
        """Size and error to expect of `to_zarr`, without writing: some chunks are coded, and count
        for the others.

        Parameters
        ----------
        {codec_parameters}
        chunks
            Sizes along time, y and x; 4, 256 and 256 by default, -1 for all of it.
        sample
            Chunks to begin with, spread over the cube; None: all.
        precision
            Twice as many chunks are coded until the relative standard errors of size and RMSE are
            at most this.

        Raises
        ------
        InvalidInputError
            Where there is no cube, or an argument is not allowed.
        TargetError
            Where a target cannot be met.
        """
        from tec_zarr.stores.estimate import estimate_cube
        from tec_zarr.stores.options import Options

        codec = {
            "quality": quality,
            "max_error": max_error,
            "psnr": psnr,
            "rmse": rmse,
            "bppb": bppb,
            "ratio": ratio,
            "best_effort": best_effort,
            "context": context,
            "key_interval": key_interval,
            "groups": groups,
            "effort": effort,
            "model": model,
            "device": device,
        }
        options = Options(
            bands=bands,
            offset_dn=offset_dn,
            scale=scale,
            nodata=nodata,
            chunks=chunks,
            codec=codec,
        )
        return estimate_cube(self._data, options, sample=sample, precision=precision)

    @public
    def rd_curve(
        self,
        qualities: Iterable[float] = (10, 25, 50, 75, 95),
        *,
        max_error: float | Mapping[str, float] | None = None,
        context: str = "dates",
        key_interval: int | None = None,
        groups: int | Iterable[int] = ALL_GROUPS,
        effort: int = 1,
        device: str = "auto",
        bands: Iterable[str] | None = None,
        offset_dn: int | None = None,
        scale: float | None = None,
        nodata: Any = "auto",
        chunks: Mapping[str, int] | None = None,
        sample: int | None = 4,
        ax: Axes | None = None,
    ) -> xr.Dataset:
        """Bits a sample, ratio, PSNR (dB) and RMSE (the cube's units) over quality, estimated from
        some chunks.

        Parameters
        ----------
        qualities
            Those of the curve, 1 to 100.
        {codec_parameters}
        chunks
            Sizes along time, y and x; 4, 256 and 256 by default, -1 for all of it.
        sample
            Chunks that are coded, spread over the cube; None: all.
        ax
            Axes of matplotlib to draw the curve into.

        Raises
        ------
        InvalidInputError
            Where there is no cube, or an argument is not allowed.
        """
        from tec_zarr.stores.estimate import rate_distortion
        from tec_zarr.stores.options import Options

        codec = {
            "max_error": max_error,
            "context": context,
            "key_interval": key_interval,
            "groups": groups,
            "effort": effort,
            "device": device,
        }
        options = Options(
            bands=bands,
            offset_dn=offset_dn,
            scale=scale,
            nodata=nodata,
            chunks=chunks,
            codec=codec,
        )
        return rate_distortion(self._data, options, qualities, sample=sample, ax=ax)

    @public
    def compare(
        self,
        other: xr.Dataset | xr.DataArray,
        *,
        bands: Iterable[str] | None = None,
        scale: float | None = None,
        offset_dn: int | None = None,
        nodata: Any = "auto",
    ) -> xr.Dataset:
        """Errors of `other` against this, over the samples that are finite and no nodata here.

        The cubes are aligned by their coordinates. Samples that are lost in `other` (NaN or
        infinite, and measurements here) are counted, with a warning.

        Parameters
        ----------
        other
            A cube of the same bands, dates and grid, in any order.
        bands
            As they were given to `to_zarr`, where nothing else tells what bands are called.
        scale
            Of floats, the value of one DN; None: what units or values tell, as in `to_zarr`.
        offset_dn
            For NDVI of integers: reflectance = (DN + offset_dn) * 1e-4. None: what attributes say.
        nodata
            Value that stands for no data; None for none, "auto": what attributes say, else 0.

        Returns
        -------
        Dataset
            psnr (dB, peak 10,000 DN), rmse, max_error (the cubes' units) and ssim a band; psnr_all
            and rmse_all over all bands; lost (number of samples); sam (mean spectral angle in
            degrees over pixels with all bands); ndvi_rmse (where B04 and B08 are there); worst (the
            place of the worst sample along each dim); error (y, x), the RMSE of each pixel.

        Raises
        ------
        InvalidInputError
            Where bands, coordinates or shapes differ, or nothing tells what floats are.
        """
        from tec_zarr.stores.compare import compare_cubes

        return compare_cubes(
            self._data, other, bands=bands, scale=scale, offset_dn=offset_dn, nodata=nodata
        )

    @public
    def plot_compare(
        self,
        other: xr.Dataset | xr.DataArray,
        *,
        date: int = 0,
        white: float = 0.3,
        offset_dn: int = 0,
    ) -> Figure:
        """A figure of matplotlib: true color of a date before and after, and the error of each
        pixel.

        Parameters
        ----------
        other
            A cube of the same shape and bands.
        date
            Number of the date.
        white
            Reflectance that is shown as white.
        offset_dn
            Of integers: reflectance = (DN + offset_dn) * 1e-4.
        """
        from tec_zarr.stores.plots import plot_comparison

        return plot_comparison(self._data, other, date=date, white=white, offset_dn=offset_dn)

    @public
    def info(self, name: str | None = None) -> dict[str, Any]:
        """What this opened store has become; `tec_zarr.info` tells the same of one that is not
        open.

        Parameters
        ----------
        name
            Of the array that is told in detail; None: the one that was written with tec_zarr.

        Returns
        -------
        dict
            As `tec_zarr.info` gives it: of the array its shape, bytes, ratio, bppb, settings and
            chunks; `arrays` with all that the store holds, `beside` and `total`.

        Raises
        ------
        InvalidInputError
            Where nothing tells which store this was opened from, or nothing in it was written
            with tec_zarr.
        """
        from tec_zarr.stores.describe import describe_group
        from tec_zarr.stores.opened import group_of

        return describe_group(group_of(self._data), name)
