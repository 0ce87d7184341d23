"""Methods that bring cubes into one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xarray as xr

from tec_zarr.plugins.parameters import public


class Shape:
    """Cubes into one variable, and back."""

    _data: Any

    @public
    def to_cube(self, bands: Iterable[str] | None = None) -> xr.Dataset:
        """One variable "B" (time, band, y, x) of all bands, and everything else beside it.

        Takes a DataArray with the dims time, band, y and x in any order, time and band also
        missing; a Dataset with such a variable; or a Dataset with a variable a band. `from_cube`
        undoes all of it.

        Parameters
        ----------
        bands
            Names of the bands in their order, or of the variables that are bands; None takes what
            the coordinate `band` or the variables' names say.

        Raises
        ------
        InvalidInputError
            Where there is no cube, or bands differ in grid or dtype; it lists what was found.
        """
        from tec_zarr.cubes.convert import to_cube

        return to_cube(self._data, bands)

    @public
    def from_cube(self) -> xr.Dataset | xr.DataArray:
        """What `to_cube` or `to_zarr` was given: its variables, names, dims and attributes.

        It goes by name, whatever was selected or sorted since, and can be saved in any way that
        xarray has: nothing of the store's codec stays with it.

        Raises
        ------
        InvalidInputError
            Where there is no cube that `to_cube` made.
        """
        from tec_zarr.cubes.restore import from_cube

        return from_cube(self._data)

    @public
    def to_plain(self) -> xr.Dataset | xr.DataArray:
        """This opened cube as any format can hold it: `to_zarr`, `to_netcdf`, `.rio.to_raster`.

        As `from_cube` gives it where there is a cube, else as it is; without what encodings tell of
        the store it came from, with objects in coordinates and nested attributes as JSON. Lazy data
        stay lazy.
        """
        from tec_zarr.cubes.plain import to_plain

        return to_plain(self._data)
