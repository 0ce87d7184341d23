"""A cube to a new Zarr store."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from tec_zarr.cubes.beside import tell_of_the_rest
from tec_zarr.cubes.stale import warn_of_recoding
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError
from tec_zarr.plugins.encoding import make_encoding
from tec_zarr.stores.budget import Budget, affordable_quality
from tec_zarr.stores.options import Options, Plan, plan
from tec_zarr.stores.places import Target
from tec_zarr.stores.scheduling import own_threads
from tec_zarr.stores.times import line_encodings, time_encodings


def cube_encoding(
    data: xr.Dataset | xr.DataArray,
    options: Options,
) -> dict[str, Any]:
    """`encoding` for xarray's own `to_zarr` of the cube that `to_cube` makes of `data`."""
    planned = plan(data, options)
    return {NAME: make_encoding(options.zarr_format, planned.chunk_shape, planned.codec)}


def write_cube(
    data: xr.Dataset | xr.DataArray,
    store: Any,
    options: Options,
    *,
    mode: str = "w-",
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    shards: Mapping[str, int] | None = None,
    progress: bool = True,
    budget: Budget | None = None,
) -> None:
    """Write `data` to a new store; everything but the bands is kept losslessly. See
    `ds.tec.to_zarr`."""
    zarr_format = options.zarr_format
    target = Target(
        store, mode, group=group, storage_options=storage_options, zarr_format=zarr_format
    )
    warn_of_recoding(data)
    planned = plan(data, options)
    tell_of_the_rest(planned.cube, is_chosen=options.bands is not None)
    in_shards = shard_sizes(planned, shards, zarr_format)
    if budget is not None:
        planned = planned.at_quality(affordable_quality(planned, budget))
    encoding = {NAME: make_encoding(zarr_format, planned.chunk_shape, planned.codec)}
    if in_shards is not None:
        encoding[NAME]["shards"] = tuple(in_shards.values())
    for name, more in line_encodings(planned.cube).items():
        encoding[name] = more
    for name, more in time_encodings(planned.cube).items():
        encoding[name] = {**encoding.get(name, {}), **more}
    prepared = chunked(planned.cube, in_shards or planned.chunks)
    # What failed is undone when all threads have ended.
    with quiet(), target.writing() as place, own_threads() as threads, progress_bar(progress):
        if place.key_encoding is not None:
            prepared, encoding = _named(prepared, encoding, place.key_encoding)
        prepared.to_zarr(
            place.store,
            mode=place.mode,
            group=group,
            zarr_format=zarr_format,
            encoding=encoding,
            consolidated=True,
            chunkmanager_store_kwargs=threads,
        )


def _named(
    cube: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]], keys: dict[str, str]
) -> tuple[xr.Dataset, dict[str, dict[str, Any]]]:
    """A cube and its encoding with chunks of all variables named by `keys`."""
    named = cube.copy()
    for variable in named.variables.values():
        variable.encoding = {**variable.encoding, "chunk_key_encoding": keys}
    given = {}
    for name, settings in encoding.items():
        given[name] = {**settings, "chunk_key_encoding": keys}
    return named, given


def shard_sizes(
    planned: Plan, shards: Mapping[str, int] | None, zarr_format: int
) -> dict[str, int] | None:
    """Sizes (time, band, y, x) of the files that hold several chunks each; None where a file is a
    chunk. Raises InvalidInputError where they are no multiples of the chunks."""
    if shards is None:
        return None
    if zarr_format != 3:
        raise InvalidInputError(f"shards= needs zarr_format=3; got {zarr_format}")
    if not isinstance(shards, Mapping) or set(shards) - {"time", "y", "x"}:
        raise InvalidInputError(
            f'shards= gives sizes of time, y and x, such as {{"y": 1024, "x": 1024}}; got {shards}'
        )
    sizes = {}
    for dim, chunk in planned.chunks.items():
        wanted = shards.get(dim, chunk)
        if wanted == -1:
            wanted = -(-planned.cube.sizes[dim] // chunk) * chunk
        if not isinstance(wanted, int) or wanted < 1 or wanted % chunk:
            raise InvalidInputError(
                f"a shard holds whole chunks: shards= gives {dim} a size of {wanted!r}, and a "
                f"chunk has {chunk}"
            )
        sizes[dim] = wanted
    return sizes


def chunked(cube: xr.Dataset, sizes: Mapping[str, int]) -> xr.Dataset:
    """A cube as Dask arrays in the chunks of its store; small variables, of one dim or none, as
    they are."""
    in_chunks = cube.chunk({dim: sizes.get(dim, -1) for dim in cube.dims})
    small = {}
    for name, variable in cube.variables.items():
        if variable.ndim < 2 or variable.dtype.kind == "O":
            # Dask arrays of objects have no length of text that a store could take.
            small[name] = variable.compute()
    return in_chunks.assign(small)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without zarr's warning that format 3 does not have consolidated metadata yet: all of its
    readers have, and servers that list nothing need them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        yield


@contextlib.contextmanager
def progress_bar(shown: bool) -> Iterator[None]:
    """Dask's, where wanted."""
    from dask.diagnostics import ProgressBar

    with ProgressBar(out=_Shown()) if shown else contextlib.nullcontext():
        yield


class _Shown:
    """Where a bar is drawn: stdout, while that takes anything. A full disk behind it, or a pipe
    that nobody reads any more, must not fail what the bar is of."""

    def write(self, text: str) -> None:
        """Show a text."""
        # There may be no stdout at all; one that is closed raises ValueError.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(text)

    def flush(self) -> None:
        """Show all that was written."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
