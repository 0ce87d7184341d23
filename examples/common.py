"""What all examples do at their start: a folder to write to, and what is missing in one line."""

import importlib
import pathlib
import sys
import tempfile
from collections.abc import Callable

import tec_zarr  # noqa: F401 (it registers ds.tec)

SKIPPED = 77
"""Exit status of an example that lacks what it needs."""


def run(main: Callable[[pathlib.Path], None]) -> None:
    """Run an example in the folder that was given, else in one that is removed again."""
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        main(pathlib.Path(temporary))


def need(*modules: str, install: str) -> None:
    """End with a line where a module is missing."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            skip(f"this example needs {module}: pip install {install}")


def skip(reason: str) -> None:
    print(reason, file=sys.stderr)
    sys.exit(SKIPPED)
