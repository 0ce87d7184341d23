"""`tec-zarr completion`: what shells need to complete its arguments."""

from __future__ import annotations

import argparse
from typing import Any

from tec_zarr.command import arguments

SHELLS = ("bash", "zsh", "fish")

EXAMPLES = """\
  eval "$(tec-zarr completion bash)"                # in ~/.bashrc
  tec-zarr completion zsh > ~/.zfunc/_tec-zarr      # a folder of $fpath
  tec-zarr completion fish | source                 # in config.fish
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "completion", "print a script that lets a shell complete arguments", EXAMPLES
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    import shtab

    from tec_zarr.command.main import parser

    print(shtab.complete(parser(), shell=args.shell))
