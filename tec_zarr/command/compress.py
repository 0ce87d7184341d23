"""`tec-zarr compress`: a cube from files to a new store."""

from __future__ import annotations

import argparse
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.output import DaskProgress, Seconds, show, size
from tec_zarr.command.places import check_free, check_is_store, store_of

EXAMPLES = """\
  tec-zarr compress cube.nc cube.zarr
  tec-zarr compress cube.zarr small.zip --psnr 42
  tec-zarr compress S2B_MSIL2A_20240512*.SAFE cube.zarr --max-error B04=20,B08=20
  tec-zarr compress folder_of_cogs/ cube.zarr --ratio 30 --offset-dn -1000
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "compress", "write a cube to a new compressed Zarr store", EXAMPLES
    )
    arguments.add_cube_and_store(parser)
    parser.add_argument(
        "--total-bytes", type=float, metavar="BYTES", help="what the bands may take in all"
    )
    arguments.add_codec(parser)
    arguments.add_reading(parser)
    arguments.add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from tec_zarr.cubes.files import open_cube

    check_is_store(args.out)
    check_free(args.out, args.overwrite)
    with open_cube(args.paths, bands=args.bands, resolution=args.resolution) as cube:
        write(args, cube, total_bytes=args.total_bytes)


def write(args: argparse.Namespace, cube: Any, total_bytes: float | None = None) -> None:
    """Write a cube as the arguments say, and tell what became of it."""
    from tec_zarr.stores.describe import describe_store

    raw = cube["B"].nbytes
    seconds = Seconds()
    with DaskProgress(args, "compress", raw):
        cube.tec.to_zarr(
            args.out,
            zarr_format=args.zarr_format,
            mode="w" if args.overwrite else "w-",
            progress=False,
            **arguments.codec_of(args),
            **arguments.units_of(args),
            total_bytes=total_bytes,
        )
    took = float(seconds)
    told = describe_store(store_of(args.out))
    sizes = dict(cube["B"].sizes)
    bands = [str(band) for band in cube["B"]["band"].values]
    facts = {
        "store": args.out,
        "sizes": sizes,
        "bands": bands,
        "raw_bytes": raw,
        "bytes": told["bytes"],
        "ratio": told["ratio"],
        "bppb": told["bppb"],
        "seconds": took,
    }
    shape = " x ".join(f"{length} {dim}" for dim, length in sizes.items())
    rows = [
        ("cube", f"{shape}, {cube['B'].dtype}"),
        ("bands", " ".join(bands)),
        ("raw", size(raw)),
        ("stored", f"{size(told['bytes'])}: {told['ratio']:.1f} times smaller"),
        ("time", f"{took:.1f} s, {size(raw / took)} a second"),
        ("store", str(args.out)),
    ]
    show(args, facts, "\n".join(f"{name:7} {value}" for name, value in rows))
