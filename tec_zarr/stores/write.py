"""A cube to a new Zarr store."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
import dask.system
import xarray as xr

from tec_zarr.cubes.beside import tell_of_the_rest
from tec_zarr.cubes.stale import warn_of_recoding
from tec_zarr.cubes.terms import NAME
from tec_zarr.plugins.encoding import make_encoding
from tec_zarr.stores.budget import Budget, affordable_quality
from tec_zarr.stores.options import Options, plan
from tec_zarr.stores.places import all_or_nothing
from tec_zarr.stores.times import time_encodings


def cube_encoding(
    data: xr.Dataset | xr.DataArray,
    options: Options,
    zarr_format: int = 3,
) -> dict[str, Any]:
    """`encoding` for xarray's own `to_zarr` of the cube that `to_cube` makes of `data`."""
    planned = plan(data, options)
    return {NAME: make_encoding(zarr_format, planned.chunk_shape, planned.codec)}


def write_cube(
    data: xr.Dataset | xr.DataArray,
    store: Any,
    options: Options,
    *,
    zarr_format: int = 3,
    mode: str = "w-",
    progress: bool = True,
    budget: Budget | None = None,
) -> None:
    """Write `data` to a new store; everything but the bands is kept losslessly. See
    `ds.tec.to_zarr`."""
    warn_of_recoding(data)
    planned = plan(data, options)
    tell_of_the_rest(planned.cube, is_chosen=options.bands is not None)
    if budget is not None:
        planned = planned.at_quality(affordable_quality(planned, budget))
    encoding = {NAME: make_encoding(zarr_format, planned.chunk_shape, planned.codec)}
    encoding |= time_encodings(planned.cube)
    prepared = chunked(planned.cube, planned.chunks)
    with (
        all_or_nothing(store, mode) as (place, place_mode),
        own_threads(),
        progress_bar(progress),
        quiet(),
    ):
        prepared.to_zarr(
            place,
            mode=place_mode,
            zarr_format=zarr_format,
            encoding=encoding,
            consolidated=True,
        )


def chunked(cube: xr.Dataset, sizes: Mapping[str, int]) -> xr.Dataset:
    """A cube as Dask arrays in the chunks of its store; texts in coordinates as they are."""
    in_chunks = cube.chunk({dim: sizes.get(dim, -1) for dim in cube.dims})
    texts = {}
    for name, coord in cube.coords.items():
        # Dask arrays of objects have no length of text that a store could take.
        if coord.dtype.kind == "O":
            texts[name] = coord.compute()
    return in_chunks.assign_coords(texts)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without zarr's warning that format 3 does not have consolidated metadata yet: all of its
    readers have, and servers that list nothing need them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        yield


@contextlib.contextmanager
def own_threads() -> Iterator[None]:
    """Threads of Dask that have all ended when this has: where one task fails, others go on
    writing for a while, and nothing may be cleaned up under them."""
    is_threaded = dask.config.get("scheduler", None) in (None, "threads", "threading")
    if not is_threaded or dask.config.get("pool", None) is not None:
        yield
        return
    workers = dask.config.get("num_workers", None) or dask.system.CPU_COUNT
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        yield


@contextlib.contextmanager
def progress_bar(shown: bool) -> Iterator[None]:
    """Dask's, where wanted."""
    from dask.diagnostics import ProgressBar

    with ProgressBar() if shown else contextlib.nullcontext():
        yield
