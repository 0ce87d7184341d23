"""The command `tec-zarr`: its commands, and what becomes of errors."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import metadata

from tec_zarr.command import (
    compare,
    completion,
    compress,
    decompress,
    demo,
    estimate,
    info,
    inpaint,
    models,
    verify,
)
from tec_zarr.command.arguments import Parser, in_options
from tec_zarr.command.output import plain_warnings, tell
from tec_zarr.errors import DamagedChunkError, TecError
from tec_zarr.stores.interrupts import wait_for_the_rest

COMMANDS = (
    compress,
    decompress,
    info,
    verify,
    compare,
    estimate,
    inpaint,
    models,
    demo,
    completion,
)

MISTAKE = 2
"""Exit status where a user can do something about an error; argparse has the same."""

REMOTE = ("aiobotocore", "aiohttp", "azure", "botocore", "fsspec", "gcsfs", "google", "s3fs")
"""Packages whose errors say that a URL cannot be reached, or not by this user."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

EPILOG = """\
exit status: 0 done; 1 a comparison or verification found something; 2 a mistake in what was asked;
130 interrupted; 143 stopped by a scheduler. Nothing is left half written.

examples:
  tec-zarr demo
  tec-zarr compress cube.nc cube.zarr --quality 50
  tec-zarr compare cube.nc cube.zarr --html report.html
"""


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    top = Parser(
        prog="tec-zarr",
        description="Learned compression of Sentinel-2 cubes, and other rasters, in Zarr.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--version", action="version", version=f"tec-zarr {metadata.version('tec_zarr')}"
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status.

    A mistake of the user becomes one line; anything else is a fault of this package, and keeps its
    traceback.
    """
    words = sys.argv[1:] if argv is None else argv
    if not words:
        parser().print_help(sys.stderr)
        return MISTAKE
    args = parser().parse_args(words)
    try:
        with plain_warnings(args):
            return args.run(args) or 0
    except KeyboardInterrupt:
        # Python would tell of all that was broken off.
        warnings.simplefilter("ignore")
        wait_for_the_rest()
        tell("tec-zarr: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has had enough. Python writes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if args.debug or not _is_mistake(error):
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, DamagedChunkError):
            said = f"{said}. tec-zarr verify names all damaged chunks of a store"
        if _is_remote(error):
            said = f"a URL cannot be reached ({said}): check the address, and who may use it"
        tell(f"tec-zarr: {in_options(said, args)}")
        return MISTAKE


def _is_mistake(error: Exception) -> bool:
    """Whether an error is not of this package, but of what it was given or where it runs."""
    return isinstance(error, (TecError, OSError, ImportError)) or _is_remote(error)


def _is_remote(error: Exception) -> bool:
    """Whether an error comes from what opens URLs, as that of missing credentials does."""
    return type(error).__module__.split(".", maxsplit=1)[0] in REMOTE
