"""The method that takes clouds out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from tec_zarr.models.registry import INPAINTING
from tec_zarr.plugins.parameters import public


class Clouds:
    """Clouds out of cubes."""

    _data: Any

    @public
    def inpaint(
        self,
        mask: xr.DataArray | str = "SCL",
        *,
        classes: Sequence[int] | None = None,
        threshold: float | None = None,
        dilate: int = 0,
        mode: str = "bidirectional",
        feather: int = 0,
        details: bool = False,
        bands: Iterable[str] | None = None,
        offset_dn: int | None = None,
        scale: float | None = None,
        nodata: Any = "auto",
        model: str = INPAINTING,
        device: str = "auto",
    ) -> Any:
        """The cube with what `mask` hides predicted from its other dates and from what is clear.

        Samples outside of the mask, and nodata, come back bit for bit; names, dims, coordinates,
        attributes and dtype stay. A cube of Dask arrays stays lazy, and is worked on in windows of
        about 256 pixels, with 64 about them.

        Parameters
        ----------
        mask
            (time, y, x), or a name among the variables: bool, True where it hides; SCL; integers,
            the `classes` of which hide; or, with `threshold`, numbers of which those above it hide.
        classes
            Of a mask of integers: those that hide. None: those of SCL that are no data (0), cloud
            shadow (3), clouds (8, 9) or thin cirrus (10), where the mask is called SCL.
        threshold
            Of a mask of numbers.
        dilate
            Pixels, in all directions, that the mask grows by.
        mode
            "bidirectional": from dates before and after. "causal": from those before alone, as in
            TerraCodec (arXiv 2510.12670).
        feather
            Pixels from the edge of the mask inwards over which to go from what is clear to what is
            predicted.
        details
            Also return a Dataset (time, y, x): `origin` (0 clear, 1 fitted to other dates, 2
            between dates and unadjusted, 3 continued from around, 4 left as it was, 255 nodata),
            `date` (index of the date that tells most of a pixel, -1 for none) and `error` (RMSE
            over bands to be expected, in the cube's own units).
        bands
            Names of the bands in their order, where nothing else tells them.
        offset_dn
            Where attributes do not tell: reflectance = (DN + offset_dn) * 1e-4.
        scale
            Of floats, the value of one DN; where attributes do not tell, by their size.
        nodata
            Value that stands for no data; "auto": what attributes say.
        model
            Weights with a temporal prior: shipped, or those of a published TEC-TT or FlexTEC.
        device
            "auto" (a GPU where torch sees one), or a torch device.

        Warns
        -----
        InpaintingWarning
            When values are computed: of dates with so little clear that they could not be adjusted
            to themselves, and of pixels that are clear in no date. They are filled plausibly, but
            hold nothing that was measured at that time. Dates of which nothing at all is known are
            left as they were.

        Raises
        ------
        InvalidInputError
            Where there is no cube, the mask does not fit it, or an argument is not allowed.
        """
        from tec_zarr.clouds.inpaint import Options, inpaint_cube
        from tec_zarr.clouds.masks import Masking

        masking = Masking(classes, threshold, dilate)
        options = Options(mode, feather, details, bands, offset_dn, scale, nodata, model, device)
        return inpaint_cube(self._data, mask, masking, options)
