"""What commands print: a text for people, or JSON for machines, and progress."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from dask.callbacks import Callback
from tqdm import tqdm

from tec_zarr.command.arguments import in_options

OF_AUTHORS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)
"""Kinds of warnings that say how a program is written, and nothing about what it was given."""

DELAY = 0.5
"""Seconds before a bar is shown: small work gets none."""


def show(args: argparse.Namespace, facts: Mapping[str, Any], text: str) -> None:
    """Print `facts` where JSON was asked for, else `text`."""
    print(json.dumps(plain(facts), allow_nan=False) if args.json else text)


def tell(text: str) -> None:
    """Print a line beside the results. Where nothing takes it the work goes on all the same."""
    if sys.stderr is None:
        # print() would put it among the results.
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # A full disk, or a reader that is gone: Python would try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def plain(value: Any) -> Any:
    """What JSON can hold: infinities and NaN become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows in columns; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


class Seconds:
    """Time since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def __float__(self) -> float:
        return time.perf_counter() - self._began


def bar(args: argparse.Namespace, what: str, total: int) -> tqdm:
    """A bar of bytes with rate and time left; none where nobody sees it or wants it."""
    if args.quiet or sys.stderr is None or not sys.stderr.isatty():
        return tqdm(disable=True)
    # In a terminal that does not tell its size tqdm would show nothing.
    terminal = os.get_terminal_size(sys.stderr.fileno())
    return tqdm(
        desc=what,
        total=total,
        unit="B",
        unit_scale=True,
        delay=DELAY,
        ncols=terminal.columns or 80,
        nrows=terminal.lines or 24,
    )


class DaskProgress(Callback):
    """A bar for work of Dask on so many bytes, which move on with its tasks."""

    def __init__(self, args: argparse.Namespace, what: str, total: int):
        super().__init__()
        self._total = total
        self._make = lambda: bar(args, what, total)
        self._bar: tqdm | None = None

    def _start_state(self, dsk: Any, state: Mapping[str, Any]) -> None:
        self._bar = self._make()
        tasks = [key for kind in ("ready", "waiting") for key in state[kind]]
        chunks = [key for key in tasks if isinstance(key, tuple)]
        # The arrays with most dims are the bands; masks beside them take no time.
        most = max(map(len, chunks), default=0)
        self._counted = {key for key in chunks if len(key) == most} or set(tasks)

    def _posttask(self, key: Any, result: Any, dsk: Any, state: Any, worker: Any) -> None:
        if self._bar is not None and key in self._counted:
            rest = self._total - self._bar.n
            self._bar.update(rest / len(self._counted))
            self._counted.remove(key)

    def _finish(self, dsk: Any, state: Any, errored: bool) -> None:
        # Ctrl-C may have come before there was one.
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def plain_warnings(args: argparse.Namespace) -> Iterator[None]:
    """Warnings as a line each, without the place in the code, and once."""
    shown = set()

    def write(message: Warning | str, *_: Any, **__: Any) -> None:
        text = in_options(" ".join(str(message).split()), args)
        if text not in shown:
            shown.add(text)
            tell(f"tec-zarr: warning: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        # These are for authors of programs. Who runs one cannot do anything about them.
        for category in OF_AUTHORS:
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        warnings.filterwarnings("ignore", ".*does not have a Zarr V3 specification")
        warnings.showwarning = write
        yield
