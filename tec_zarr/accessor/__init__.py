"""`ds.tec` and `da.tec`: what `cubes`, `stores` and `clouds` do, as methods with all their
parameters.

It must not do anything itself, and importing it must stay light: the rooms behind it are
imported when they are called.
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from tec_zarr.accessor.clouds import Clouds
from tec_zarr.accessor.judging import Judging
from tec_zarr.accessor.reporting import Reporting
from tec_zarr.accessor.shape import Shape
from tec_zarr.accessor.storing import Storing


@xr.register_datatree_accessor("tec")
@xr.register_dataset_accessor("tec")
@xr.register_dataarray_accessor("tec")
class TecAccessor(Shape, Storing, Judging, Reporting, Clouds):
    """Learned compression of the cube that a Dataset or DataArray holds; see `to_cube` for what is
    taken for one.

    A DataTree gets the advice to take its groups one by one.
    """

    def __init__(self, data: xr.Dataset | xr.DataArray | xr.DataTree):
        # A tree has none of the methods, and each of them says so.
        self._data: Any = data
