"""Inner loops, compiled by numba once a machine, into the cache folder and not into the package.

Numba looks whether a function's own file has changed, and not those of functions that it calls. So
compiled code lies in a folder that is named by a hash of all files that have any: code of another
release is never run.

The folder only saves time: where it is full, damaged or read-only, code is compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba.core.caching import FunctionCache

from tec_zarr.folders import cache_folder

COMPILED_ROOMS = ("entropy", "transform", "prior", "codec")


def _compiled_folder() -> pathlib.Path | None:
    """The folder of this release's compiled code; None where none can be written."""
    digest = hashlib.sha256()
    package = pathlib.Path(__file__).parents[1]
    for room in COMPILED_ROOMS:
        for source in sorted((package / room).glob("*.py")):
            digest.update(source.read_bytes())
    try:
        folder = cache_folder() / "compiled" / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # also: there is no home
        return None
    return folder if os.access(folder, os.W_OK) else None


FOLDER = _compiled_folder()


@contextlib.contextmanager
def _numba_cache_in(folder: pathlib.Path) -> Iterator[None]:
    """Numba reads where to cache when it decorates; others in this process keep their place."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


class _Cache(FunctionCache):
    """Numba's files of one function, none of which is needed."""

    def load_overload(self, *asked: Any) -> Any:
        """What was compiled before; None where there is nothing that can be read."""
        try:
            return super().load_overload(*asked)
        except Exception:  # what a damaged pickle raises can be anything
            # It would be met again by whoever writes next.
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *compiled: Any) -> None:
        """Keep what was compiled, where there is room for it."""
        with contextlib.suppress(Exception):  # it reads what is there, too
            super().save_overload(*compiled)


def compile_with(fastmath: bool | set[str] = False) -> Callable[[Callable], Callable]:
    """A decorator of inner loops, without the GIL and on one core; `fastmath` is that of numba."""

    options: dict[str, Any] = {"nogil": True, "boundscheck": False, "fastmath": fastmath}

    def decorate(function: Callable) -> Callable:
        made: Any = numba.njit(**options)(function)
        # With NUMBA_DISABLE_JIT it is the function itself.
        if FOLDER is None or made is function:
            return made
        # Numba finds no place where the folder takes no files, or the source is not a file.
        with _numba_cache_in(FOLDER), contextlib.suppress(OSError, RuntimeError):
            made._cache = _Cache(function)
        return made

    return decorate


compiled = compile_with()
"""Decorator of inner loops that compute the same on every machine."""
