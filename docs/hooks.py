"""Puts the help of the command line into the page that asks for it, when the site is built."""

import argparse
import os
import re
from typing import Any

from tec_zarr.command.main import parser

PLACE = re.compile(r"^<!-- help of (tec-zarr[\w -]*?) -->$", re.MULTILINE)
WIDTH = "100"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls for each page."""
    return PLACE.sub(lambda found: _block(help_of(found[1].split()[1:])), markdown)


def help_of(names: list[str]) -> str:
    """The text of `--help` of a command."""
    os.environ["COLUMNS"] = WIDTH
    found: argparse.ArgumentParser = parser()
    for name in names:
        found = commands_of(found)[name]
    return found.format_help()


def commands_of(found: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of its commands by name."""
    for action in found._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _block(text: str) -> str:
    return f"```text\n{text}```"
