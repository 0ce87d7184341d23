"""`tec-zarr estimate`: what compressing would give."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.output import show, size, table
from tec_zarr.errors import InvalidInputError

EXAMPLES = """\
  tec-zarr estimate cube.nc --quality 60
  tec-zarr estimate cube.nc --qualities 10,25,50,75,95
  tec-zarr estimate cube.nc --psnr 45 --sample 64 --json
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "estimate", "tell size and error to expect, from some of the chunks", EXAMPLES
    )
    parser.add_argument("paths", nargs="+", metavar="IN", help=arguments.CUBE)
    parser.add_argument(
        "--qualities", type=arguments.numbers, metavar="10,50,90", help="a line for each of these"
    )
    parser.add_argument(
        "--sample", type=int, default=16, metavar="CHUNKS", help="to begin with; default 16"
    )
    arguments.add_codec(parser)
    arguments.add_reading(parser)
    arguments.add_output(parser, has_progress=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from tec_zarr.cubes.files import open_cube

    if args.qualities and args.quality is not None:
        raise InvalidInputError(
            f"give quality= or qualities=, not both; got {args.quality:g} and "
            f"{','.join(f'{quality:g}' for quality in args.qualities)}"
        )
    keywords = {**arguments.codec_of(args), **arguments.units_of(args), "sample": args.sample}
    found = []
    with open_cube(args.paths, bands=args.bands, resolution=args.resolution) as cube:
        for quality in args.qualities or [args.quality]:
            found.append(cube.tec.estimate(**{**keywords, "quality": quality}))
    facts = []
    for quality, estimate in zip(args.qualities or [args.quality], found, strict=True):
        facts.append(
            {"quality": quality, **dataclasses.asdict(estimate), "ratio": estimate.ratio}
        )  # fmt: skip
    rows = [("quality", "bytes", "ratio", "bits a sample", "PSNR dB", "RMSE", "max error")]
    for fact in facts:
        rows.append(
            (
                "as asked" if fact["quality"] is None else f"{fact['quality']:g}",
                size(fact["bytes"]),
                f"{fact['ratio']:.1f}",
                f"{fact['bppb']:.4f}",
                f"{fact['psnr']:.2f}",
                f"{fact['rmse']:.4g}",
                f"{fact['max_error']:.4g}",
            )
        )
    last = found[-1]
    note = f"from {last.sampled} of {last.chunks} chunks; standard error {last.spread:.1%}"
    show(args, {"estimates": facts}, f"{table(rows)}\n{note}")
