"""Inner loops, compiled by numba once a machine, into the cache folder and not into the package.

Numba looks whether a function's own file has changed, and not those of functions that it calls. So
compiled code lies in a folder that is named by a hash of all files that have any: code of another
release is never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator

import numba

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


def compile_with(fastmath: bool | set[str] = False) -> Callable[[Callable], Callable]:
    """A decorator of inner loops, without the GIL and on one core; `fastmath` is that of numba."""

    options = {"nogil": True, "boundscheck": False, "fastmath": fastmath}

    def decorate(function: Callable) -> Callable:
        if FOLDER is None:
            return numba.njit(**options)(function)
        with _numba_cache_in(FOLDER):
            return numba.njit(cache=True, **options)(function)

    return decorate


compiled = compile_with()
"""Decorator of inner loops that compute the same on every machine."""
