"""`tec-zarr compare`: how far one cube is from another."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.output import show, table

EXAMPLES = """\
  tec-zarr compare cube.nc cube.zarr
  tec-zarr compare cube.nc cube.zarr --html report.html
  tec-zarr compare cube.nc cube.zarr --min-psnr 40 --max-error 200 --json
"""

FAILED = 1


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "compare", "tell how far one cube is from another", EXAMPLES
    )
    parser.add_argument("original", metavar="ORIGINAL", help=arguments.CUBE)
    parser.add_argument("other", metavar="OTHER", help="a cube of the same bands, dates and grid")
    parser.add_argument("--html", metavar="FILE", help="write a report with maps and curves")
    parser.add_argument(
        "--curve",
        action="store_true",
        help="with --html: estimate rate and distortion at several qualities, which takes longer",
    )
    limits = parser.add_argument_group("limits (exit status 1 where one is passed)")
    limits.add_argument("--min-psnr", type=float, metavar="DB", help="over all bands")
    limits.add_argument("--max-rmse", type=float, metavar="VALUE", help="over all bands")
    limits.add_argument("--max-error", type=float, metavar="VALUE", help="of any sample")
    arguments.add_reading(parser)
    arguments.add_output(parser, has_progress=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tec_zarr.cubes.files import open_cube
    from tec_zarr.stores.compare import compare_cubes

    how = {"bands": args.bands, "resolution": args.resolution}
    units = arguments.units_of(args)
    # Lost samples are told with the result.
    warnings.filterwarnings("ignore", ".*samples are lost")
    with open_cube([args.original], **how) as first, open_cube([args.other], **how) as second:
        found = compare_cubes(first, second, **units)
        if args.html:
            from tec_zarr.report.write import write_report

            write_report(first, args.html, second, has_curve=args.curve, **units)
    problems = _problems(args, found)
    facts = {name: variable.values.tolist() for name, variable in found.data_vars.items()}
    del facts["error"]
    facts |= {"band": found["band"].values.tolist(), "problems": problems}
    show(args, facts, _text(found, problems))
    return FAILED if problems else 0


def _problems(args: argparse.Namespace, found: Any) -> list[str]:
    """What is not as it should be."""
    problems = []
    lost = int(found["lost"])
    if lost:
        problems.append(f"{lost:,} samples are lost: NaN or infinite in {args.other}")
    for said, value, limit, is_passed in (
        ("PSNR", found["psnr_all"], args.min_psnr, lambda v, limit: not v >= limit),
        ("RMSE", found["rmse_all"], args.max_rmse, lambda v, limit: not v <= limit),
        ("the greatest error", found["max_error"].max(), args.max_error, lambda v, m: not v <= m),
    ):
        if limit is not None and is_passed(float(value), limit):
            problems.append(f"{said} is {float(value):.6g}, with a limit of {limit:g}")
    return problems


def _text(found: Any, problems: list[str]) -> str:
    rows = [("band", "PSNR dB", "RMSE", "max error", "SSIM")]
    for band in found["band"].values:
        one = found.sel(band=band)
        rows.append((str(band), *_figures(one["psnr"], one["rmse"], one["max_error"], one["ssim"])))
    everything = _figures(
        found["psnr_all"], found["rmse_all"], found["max_error"].max(), found["ssim"].mean()
    )
    rows.append(("all", *everything))
    lines = [table(rows), f"mean spectral angle {float(found['sam']):.3f} degrees"]
    if "ndvi_rmse" in found:
        lines.append(f"RMSE of NDVI {float(found['ndvi_rmse']):.4f}")
    if "worst" in found:
        place = zip(found["dim"].values, found["worst"].values, strict=True)
        lines.append("worst sample at " + ", ".join(f"{dim} {label}" for dim, label in place))
    return "\n".join(lines + [f"failed: {problem}" for problem in problems])


def _figures(psnr: Any, rmse: Any, worst: Any, ssim: Any) -> tuple[str, ...]:
    return f"{float(psnr):.2f}", f"{float(rmse):.4g}", f"{float(worst):.4g}", f"{float(ssim):.4f}"
