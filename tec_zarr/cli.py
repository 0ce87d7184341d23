"""The command `tec-zarr`."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence

from tec_zarr.codec.settings import DEFAULT_QUALITY
from tec_zarr.errors import TecError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="tec-zarr", description="Learned compression of Sentinel-2 cubes in Zarr.")
    commands = top.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="compress a cube, read it back, show sizes, quality and a picture")
    demo.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a Zarr store, a NetCDF file, or GeoTIFFs of a date each; none: a synthetic series",
    )
    demo.add_argument(
        "--quality", type=float, default=DEFAULT_QUALITY, help="1 (smallest) to 100 (most faithful); default 75"
    )
    demo.add_argument("--offset-dn", type=int, default=0, help="-1000 for integer cubes with the offset of baseline 04.00")
    demo.add_argument("--nodata", type=float, default=0, help="value that stands for no data; default 0")
    demo.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tec_zarr_demo"), help="folder for store and picture")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; errors of tec_zarr become one line and exit status 1."""
    args = parser().parse_args(argv)
    from tec_zarr.demo import run
    from tec_zarr.sources import open_cube
    from tec_zarr.testing.synthetic import series

    try:
        cube = open_cube(args.paths) if args.paths else series()
        name = ", ".join(args.paths) if args.paths else "a synthetic Sentinel-2-like series (not real imagery)"
        print(f"cube         {name}: {dict(cube.sizes)} {cube.dtype}")
        print(run(cube, args.out, args.quality, args.offset_dn, args.nodata))
    except TecError as error:
        print(f"tec-zarr: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
