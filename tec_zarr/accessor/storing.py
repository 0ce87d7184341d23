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
            zarr_format=zarr_format,
        )
        return cube_encoding(self._data, options)

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
        shards: Mapping[str, int] | None = None,
        zarr_format: int = 3,
        mode: str = "w-",
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        consolidated: bool | None = None,
        region: Any = None,
        append_dim: Any = None,
        compute: bool = True,
        progress: bool = True,
    ) -> None:
        """Write a new store; everything but the bands is kept losslessly.

        Readers see nothing of it before it is whole: what fails or is interrupted leaves nothing
        behind, and with mode "w" the store that was there. A folder is written beside its place and
        moved there; so is a zip file, which a path that ends in .zip becomes. Elsewhere metadata
        are written last.

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
        shards
            Sizes along time, y and x of files that hold several chunks each, in multiples of the
            chunks; -1 for all of it. None: a file a chunk. For `zarr_format=3`.
        zarr_format
            2 or 3.
        mode
            "w-" refuses a store that is there, "w" replaces it.
        group
            Path of a group in the store to write to; None for its root.
        storage_options
            For URLs: what fsspec is told to open them.
        consolidated
            True or None: metadata are always consolidated, because that one document is what makes
            a store visible.
        region, append_dim
            Not possible: `append` adds dates.
        compute
            True: what is written is there as a whole when the call returns, so nothing is left to
            be computed later.
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
        StoreInUseError
            Where another thread or process of this machine writes the store.
        """
        from tec_zarr.stores.budget import Budget
        from tec_zarr.stores.options import Options, check_possible
        from tec_zarr.stores.write import write_cube

        check_possible(consolidated, region, append_dim, compute)
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
                zarr_format=zarr_format,
            ),
            mode=mode,
            group=group,
            storage_options=storage_options,
            shards=shards,
            progress=progress,
            budget=budget,
        )

    @public
    def append(
        self,
        store: Any,
        *,
        bands: Iterable[str] | None = None,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> None:
        """Add these dates to a store that `to_zarr` made, with the codec and settings it has.

        Readers see the dates when all of them are there: what fails, is interrupted or killed
        leaves the store as it was.

        Parameters
        ----------
        store
            Path, URL, or a store of zarr.
        {codec_parameters}
        group
            Path of the group in the store that is added to; None for its root.
        storage_options
            For URLs: what fsspec is told to open them.
        progress
            Show a progress bar.

        Raises
        ------
        InvalidInputError
            Where the dates before do not fill whole chunks (their last chunk would be coded a
            second time), or bands, dtype, grid, dims or variables differ, or the store is a zip
            file; before anything is written.
        StoreInUseError
            Where another thread or process of this machine writes the store.
        """
        from tec_zarr.stores.append import append_cube

        append_cube(
            self._data,
            store,
            bands=bands,
            group=group,
            storage_options=storage_options,
            progress=progress,
        )
