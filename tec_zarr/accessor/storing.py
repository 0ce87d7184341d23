"""Methods that write stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tec_zarr.codec.settings import ALL_GROUPS
from tec_zarr.models.registry import DEFAULT
from tec_zarr.plugins.parameters import public


class Storing:
    """Cubes to stores."""

    _data: Any

    @public
    def encoding(
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
        zarr_format: int = 3,
    ) -> dict[str, Any]:
        """`encoding` for xarray's own `to_zarr` of the cube, with what its attributes say of
        offset, scale and nodata.

        Parameters
        ----------
        {codec_parameters}
        chunks
            Sizes along time, y and x; 4, 256 and 256 by default, -1 for all of it.
        zarr_format
            2 or 3, as passed to `to_zarr`.

        Raises
        ------
        InvalidInputError
            Where there is no cube, or an argument is not allowed.
        """
        from tec_zarr.stores.options import Options
        from tec_zarr.stores.write import cube_encoding

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
        return cube_encoding(self._data, options, zarr_format)

    @public
    def to_zarr(
        self,
        store: Any,
        *,
        quality: float | None = None,
        max_error: float | Mapping[str, float] | None = None,
        psnr: float | None = None,
        rmse: float | None = None,
        total_bytes: float | None = None,
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
        zarr_format: int = 3,
        mode: str = "w-",
        progress: bool = True,
    ) -> None:
        """Write a new store; everything but the bands is kept losslessly.

        A store in a folder is written beside its place and moved there when it is whole: what fails
        leaves nothing behind, and with mode "w" the store that was there. A path that ends in .zip
        becomes a zip file, in the same way.

        Parameters
        ----------
        store
            Path, URL, or a store of zarr.
        total_bytes, bppb, ratio
            One of them at most: a budget of the whole cube, in bytes, bits a sample, or times
            smaller. One quality is searched for all chunks on a sample of them, so that bits go
            where the content needs them.
        best_effort
            Where a target cannot be met: warn and take the nearest.
        {codec_parameters}
        chunks
            Sizes along time, y and x; 4, 256 and 256 by default, -1 for all of it.
        zarr_format
            2 or 3.
        mode
            "w-" refuses a store that is there, "w" replaces it.
        progress
            Show a progress bar.

        Raises
        ------
        InvalidInputError
            Where data or settings cannot be written; before anything is.
        TargetError
            Where a target cannot be met.
        FileExistsError
            Where there is a store already, with mode "w-".
        """
        from tec_zarr.stores.budget import Budget
        from tec_zarr.stores.options import Options
        from tec_zarr.stores.write import write_cube

        budget = Budget.make(total_bytes, bppb, ratio, best_effort)
        codec = {
            "quality": quality,
            "max_error": max_error,
            "psnr": psnr,
            "rmse": rmse,
            # A budget is met by one quality, which leaves chunks no target to miss.
            "best_effort": best_effort and budget is None,
            "context": context,
            "key_interval": key_interval,
            "groups": groups,
            "effort": effort,
            "model": model,
            "device": device,
        }
        write_cube(
            self._data,
            store,
            Options(
                bands=bands,
                offset_dn=offset_dn,
                scale=scale,
                nodata=nodata,
                chunks=chunks,
                codec=codec,
            ),
            zarr_format=zarr_format,
            mode=mode,
            progress=progress,
            budget=budget,
        )

    @public
    def append(
        self,
        store: Any,
        *,
        bands: Iterable[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Add these dates to a store that `to_zarr` made, with the codec and settings it has.

        Parameters
        ----------
        store
            Path, URL, or a store of zarr.
        {codec_parameters}
        progress
            Show a progress bar.

        Raises
        ------
        InvalidInputError
            Where the dates before do not fill whole chunks (their last chunk would be coded a
            second time), or bands, dtype, grid, dims or variables differ, or the store is a zip
            file; before anything is written.
        """
        from tec_zarr.stores.append import append_cube

        append_cube(self._data, store, bands=bands, progress=progress)
