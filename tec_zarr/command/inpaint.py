"""`tec-zarr inpaint`: clouds out of a cube, into a new store."""

from __future__ import annotations

import argparse
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.compress import write
from tec_zarr.command.places import check_free, check_is_store

EXAMPLES = """\
  tec-zarr inpaint cube.zarr clear.zarr --dilate 3
  tec-zarr inpaint cube.nc clear.zarr --mask cloud_probability --threshold 40
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "inpaint", "take clouds out of a cube, and write it compressed", EXAMPLES
    )
    arguments.add_cube_and_store(parser)
    mask = parser.add_argument_group("mask")
    mask.add_argument("--mask", default="SCL", help="variable that tells; default SCL")
    mask.add_argument(
        "--classes", type=arguments.numbers, metavar="3,8,9", help="of a mask of classes: which"
    )
    mask.add_argument("--threshold", type=float, help="of a mask of numbers: above is hidden")
    mask.add_argument("--dilate", type=int, default=0, metavar="PIXELS", help="grow the mask")
    mask.add_argument("--feather", type=int, default=0, metavar="PIXELS", help="soften its edge")
    mask.add_argument("--mode", choices=("bidirectional", "causal"), default="bidirectional")
    arguments.add_codec(parser)
    arguments.add_reading(parser)
    arguments.add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from tec_zarr.cubes.files import open_cube

    check_is_store(args.out)
    check_free(args.out, args.overwrite)
    with open_cube(args.paths, bands=args.bands, resolution=args.resolution) as cube:
        write(args, _clear(args, cube))


def _clear(args: argparse.Namespace, cube: Any) -> Any:
    return cube.tec.inpaint(
        args.mask,
        classes=None if args.classes is None else [int(c) for c in args.classes],
        threshold=args.threshold,
        dilate=args.dilate,
        mode=args.mode,
        feather=args.feather,
        device=args.device,
        **arguments.units_of(args),
    )
