"""`ds.tec` and `da.tec`: the functions of `cubes`, `storing`, `inpainting` and `comparing` as methods. Light to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xarray as xr

from tec_zarr.errors import InvalidInputError


@xr.register_datatree_accessor("tec")
@xr.register_dataset_accessor("tec")
@xr.register_dataarray_accessor("tec")
class TecAccessor:
    """Learned compression of the cube that a Dataset or DataArray holds; see `to_cube` for what is taken for one. A DataTree
    gets the advice to take its groups one by one."""

    def __init__(self, data: xr.Dataset | xr.DataArray | xr.DataTree):
        self._data = data

    def to_cube(self, bands: Iterable[str] | None = None) -> xr.Dataset:
        """One variable "B" (time, band, y, x), and everything else beside it: `tec_zarr.cubes.cubes.to_cube`."""
        from tec_zarr.cubes.cubes import to_cube

        return to_cube(self._data, bands)

    def from_cube(self) -> xr.Dataset | xr.DataArray:
        """What `to_cube` or `to_zarr` was given: `tec_zarr.cubes.cubes.from_cube`."""
        from tec_zarr.cubes.cubes import from_cube

        return from_cube(self._data)

    def encoding(self, **options: Any) -> dict[str, Any]:
        """`encoding` for xarray's own `to_zarr` of the cube: `tec_zarr.stores.storing.cube_encoding`."""
        from tec_zarr.stores.storing import cube_encoding

        return cube_encoding(self._data, **options)

    def to_zarr(self, store: Any, **options: Any) -> None:
        """Write a new store: `tec_zarr.stores.storing.write_cube`."""
        from tec_zarr.stores.storing import write_cube

        write_cube(self._data, store, **options)

    def append(self, store: Any, **options: Any) -> None:
        """Add dates to a store: `tec_zarr.stores.storing.append_cube`."""
        from tec_zarr.stores.storing import append_cube

        append_cube(self._data, store, **options)

    def estimate(self, **options: Any) -> Any:
        """Size and error to expect, without writing: `tec_zarr.stores.storing.estimate_cube`."""
        from tec_zarr.stores.storing import estimate_cube

        return estimate_cube(self._data, **options)

    def rd_curve(self, qualities: Iterable[float] = (10, 25, 50, 75, 95), **options: Any) -> xr.Dataset:
        """Size and error over quality: `tec_zarr.stores.storing.rate_distortion`."""
        from tec_zarr.stores.storing import rate_distortion

        return rate_distortion(self._data, qualities, **options)

    def inpaint(self, mask: xr.DataArray | str = "SCL", **options: Any) -> Any:
        """The cube with what a mask of clouds hides predicted: `tec_zarr.clouds.inpainting.inpaint_cube`."""
        from tec_zarr.clouds.inpainting import inpaint_cube

        return inpaint_cube(self._data, mask, **options)

    def compare(self, other: xr.Dataset | xr.DataArray, **options: Any) -> xr.Dataset:
        """Errors of `other` against this: `tec_zarr.stores.compare.compare_cubes`."""
        from tec_zarr.stores.compare import compare_cubes

        return compare_cubes(self._data, other, **options)

    def plot_compare(self, other: xr.Dataset | xr.DataArray, **options: Any) -> Any:
        """Before, after and error as a figure: `tec_zarr.stores.compare.plot_comparison`."""
        from tec_zarr.stores.compare import plot_comparison

        return plot_comparison(self._data, other, **options)

    def info(self, name: str = "B") -> dict[str, Any]:
        """What this opened store has become: `tec_zarr.stores.storing.describe_store`."""
        from tec_zarr.stores.storing import describe_store

        source = self._data.encoding.get("source")
        if source is None:
            raise InvalidInputError("info() is of an opened store: xr.open_zarr(path).tec.info(), or describe_store(store)")
        return describe_store(source, name)
