"""Arguments that several commands share, and what they mean to the functions behind them."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from tec_zarr.codec.quality import DEFAULT_QUALITY
from tec_zarr.cubes.units import AUTO
from tec_zarr.models.registry import DEFAULT

CUBE = (
    "a Zarr store (folder, zip, URL), a NetCDF file, GeoTIFFs, folders with one for each band or "
    "date, or SAFE products"
)

CODEC = (
    "quality",
    "max_error",
    "psnr",
    "rmse",
    "bppb",
    "ratio",
    "best_effort",
    "context",
    "key_interval",
    "groups",
    "effort",
    "model",
    "device",
)
"""Arguments of the codec that commands have under the same names as `ds.tec`."""


class Parser(argparse.ArgumentParser):
    """Takes options before, between and after paths, as in `compress in.nc --quality 50 out`."""

    _is_between = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # argparse's own parser for this calls the present method for each of its two passes.
        if self._is_between or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_between = True
        try:
            found, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_between = False
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return found, unknown

    def _meant(self, unknown: list[str]) -> str:
        """A guess at the option that was meant by the first word that is none."""
        word = unknown[0].split("=")[0]
        near = difflib.get_close_matches(word, self._option_string_actions, 1)
        return f" (did you mean {near[0]}?)" if near else ""

    def error(self, message: str) -> NoReturn:
        """One line, like every other mistake, and where to read more."""
        self.exit(2, f"tec-zarr: {message}. See {self.prog} --help\n")


def add_command(commands: Any, name: str, does: str, examples: str) -> Parser:
    """A command with its help: one line, and examples that can be pasted."""
    parser = commands.add_parser(
        name,
        help=does,
        description=does[0].upper() + does[1:] + ".",
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_debug(parser)
    return parser


def add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--debug", action="store_true", help="show where in the code an error comes from"
    )


def add_cube_and_store(parser: argparse.ArgumentParser) -> None:
    """A cube that is read, and the store that is made of it."""
    parser.add_argument("paths", nargs="+", metavar="IN", help=CUBE)
    parser.add_argument("out", metavar="OUT", help="the store: a folder, a .zip, or a URL")
    parser.add_argument("--overwrite", action="store_true", help="replace a store that is there")
    parser.add_argument(
        "--zarr-format", type=int, choices=(2, 3), default=3, help="of the store; default 3"
    )


def add_output(parser: argparse.ArgumentParser, has_progress: bool = True) -> None:
    """How results and progress are shown."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    if has_progress:
        parser.add_argument("--quiet", action="store_true", help="show no progress bar")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """What a cube's files leave open."""
    group = parser.add_argument_group("what the files do not say")
    group.add_argument(
        "--bands", type=texts, metavar="B02,B03", help="names of the bands, in their order"
    )
    group.add_argument(
        "--resolution",
        type=float,
        metavar="METERS",
        help="of files of several grids: take those of this pixel size alone",
    )
    add_units(group)


def add_units(group: Any) -> None:
    group.add_argument(
        "--offset-dn",
        type=int,
        metavar="DN",
        help="reflectance = (DN + this) / 10000; -1000 since processing baseline 04.00, unless it "
        "was taken off",
    )
    group.add_argument(
        "--scale", type=float, metavar="VALUE", help="of floats: the value of one DN, such as 1e-4"
    )
    group.add_argument(
        "--nodata",
        type=nodata,
        default=AUTO,
        metavar="VALUE",
        help="value that stands for no data, or none; default: what the files say",
    )


def add_codec(parser: argparse.ArgumentParser) -> None:
    """How the codec works; the names are those of `ds.tec.to_zarr`."""
    group = parser.add_argument_group("how good, or how small (one of these at most)")
    group.add_argument(
        "--quality",
        type=float,
        metavar="1..100",
        help=f"1 is smallest, 100 is closest to the data; default {DEFAULT_QUALITY:g}",
    )
    group.add_argument("--psnr", type=float, metavar="DB", help="PSNR against 10,000 DN")
    group.add_argument("--rmse", type=float, metavar="VALUE", help="in the units of the data")
    group.add_argument("--bppb", type=float, metavar="BITS", help="bits a sample")
    group.add_argument("--ratio", type=float, metavar="TIMES", help="times smaller than raw")
    group.add_argument(
        "--max-error",
        type=bounds,
        metavar="VALUE or B04=5,B08=5",
        help="no valid sample is further off than this; 0 is lossless",
    )
    group.add_argument(
        "--best-effort",
        action="store_true",
        help="take the nearest where a target cannot be met, with a warning",
    )
    more = parser.add_argument_group("codec")
    more.add_argument(
        "--context",
        choices=("dates", "date", "none"),
        default="dates",
        help="what a date is predicted from: dates before it, itself alone, or nothing (fastest)",
    )
    more.add_argument(
        "--key-interval",
        type=int,
        metavar="DATES",
        help="code every so many dates without a look at earlier ones",
    )
    more.add_argument(
        "--groups", type=int, default=argparse.SUPPRESS, metavar="1..11", help="groups of detail"
    )
    more.add_argument("--effort", type=int, choices=(0, 1), default=1, help="0: plain rounding")
    more.add_argument("--model", default=DEFAULT, help=f"the weights; default {DEFAULT}")
    more.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    more.add_argument(
        "--chunks",
        type=chunk_sizes,
        metavar="time=4,y=256,x=256",
        help="sizes of chunks; -1 for all of a dim",
    )


def codec_of(args: argparse.Namespace) -> dict[str, Any]:
    """Keywords of the codec, as `ds.tec` takes them."""
    given = {name: getattr(args, name) for name in CODEC if hasattr(args, name)}
    return {**given, "chunks": args.chunks}


def units_of(args: argparse.Namespace) -> dict[str, Any]:
    return {"offset_dn": args.offset_dn, "scale": args.scale, "nodata": args.nodata}


def in_options(text: str, args: argparse.Namespace) -> str:
    """What a message says of keywords of Python, said of the options of this command."""
    if hasattr(args, "overwrite"):
        text = text.replace('mode="w"', "--overwrite")
    for name in vars(args):
        option = "--" + name.replace("_", "-")
        word = rf"(?<![\w.-]){name}="
        text = re.sub(rf"{word}True\b", option, text)
        text = re.sub(rf"{word}(?=[\w'\"(\[-])", f"{option} ", text)
        text = re.sub(word, option, text)
    return text


def texts(text: str) -> list[str]:
    """`a,b` as texts."""
    return [part.strip() for part in text.split(",")]


def numbers(text: str) -> list[float]:
    """`1,2` as numbers."""
    with _reading(text, "numbers such as 3,8,9"):
        return [float(part) for part in text.split(",")]


def nodata(text: str) -> Any:
    """A number, `none`, or `auto`."""
    if text.lower() in ("none", AUTO):
        return None if text.lower() == "none" else AUTO
    with _reading(text, "a number, none, or auto"):
        value = float(text)
    return int(value) if value.is_integer() else value


def bounds(text: str) -> float | dict[str, float]:
    """One number, or a number for each band."""
    with _reading(text, "a number, or bands such as B04=5,B08=5"):
        if "=" not in text:
            return float(text)
        return {band: float(value) for band, value in _pairs(text)}


def chunk_sizes(text: str) -> dict[str, int]:
    """Sizes by dim."""
    with _reading(text, "sizes such as time=4,y=256,x=256"):
        return {dim: int(size) for dim, size in _pairs(text)}


@contextlib.contextmanager
def _reading(text: str, allowed: str) -> Iterator[None]:
    """Tell what is allowed where a value cannot be read."""
    try:
        yield
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not understood: give {allowed}") from error


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = []
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(part)
        pairs.append((name.strip(), value))
    return pairs
