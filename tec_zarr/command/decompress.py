"""`tec-zarr decompress`: a compressed store back to plain files."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.geotiffs import SUFFIXES, write_geotiffs
from tec_zarr.command.output import DaskProgress, Seconds, show, size
from tec_zarr.command.places import check_free, check_is_store, store_of
from tec_zarr.errors import InvalidInputError, TecError
from tec_zarr.stores.decompress import decompress_store
from tec_zarr.stores.interrupts import held_back
from tec_zarr.stores.moving import file_beside
from tec_zarr.stores.opened import open_stored
from tec_zarr.stores.scheduling import own_threads

EXAMPLES = """\
  tec-zarr decompress cube.zarr plain.zarr
  tec-zarr decompress cube.zarr cube.nc
  tec-zarr decompress cube.zarr cube.tif        # one date; cube-2024-05-12.tif ... of several
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "decompress", "write a compressed store back to plain files", EXAMPLES
    )
    parser.add_argument("store", metavar="STORE", help="a folder, a .zip, or a URL")
    parser.add_argument("out", metavar="OUT", help="a Zarr store, .zip, .nc, or .tif")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    arguments.add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_free(args.out, args.overwrite)
    seconds = Seconds()
    opened = _opened(args.store)
    total = opened.nbytes
    with DaskProgress(args, "decompress", total):
        written = _write(args, opened)
    facts = {"files": written, "raw_bytes": total, "seconds": float(seconds)}
    text = f"{', '.join(written)}: {size(total)} in {float(seconds):.1f} s"
    show(args, facts, text)


def _opened(store: str) -> Any:
    import xarray as xr

    place = store_of(store)
    # This tells what is there where it is no store.
    open_stored(place)
    return xr.open_zarr(place, mask_and_scale=False)


def _write(args: argparse.Namespace, opened: Any) -> list[str]:
    """Write what a store was made of, by the suffix of the target; gives the files or the store."""
    path = pathlib.Path(args.out)
    if path.suffix.lower() in (*SUFFIXES, ".nc"):
        _check_name(path)
    if path.suffix.lower() in SUFFIXES:
        return write_geotiffs(opened, path, args.overwrite)
    if path.suffix.lower() == ".nc":
        _write_netcdf(opened.tec.to_plain(), path)
    else:
        check_is_store(args.out)
        mode = "w" if args.overwrite else "w-"
        decompress_store(store_of(args.store), args.out, mode=mode, progress=False)
    return [args.out]


def _write_netcdf(plain: Any, path: pathlib.Path) -> None:
    """A file that is there as a whole or not at all."""
    try:
        with file_beside(path) as beside:
            # Interrupted while it has the locks of netCDF, xarray waits for them forever.
            with held_back():
                prepared = plain.to_netcdf(beside, compute=False)
            with own_threads() as threads:
                prepared.compute(**threads)
    except RuntimeError as error:
        # So netCDF's library says that a disk is full, or anything else of HDF5.
        raise TecError(
            f"{path} could not be written ({error}): there may be no room on the disk"
        ) from error


def _check_name(path: pathlib.Path) -> None:
    """Raise InvalidInputError for a name that the libraries of files cannot be given."""
    try:
        str(path).encode(sys.getfilesystemencoding())
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{path} cannot be the name of such a file here, where names are {error.encoding}: "
            "choose another one, or set PYTHONUTF8=1"
        ) from error
