"""Seconds that the codec spends in each of its stages, those of stages inside of others left out
of the outer ones."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pkgutil import resolve_name
from unittest import mock

STAGES = {
    "transform": ("tec_zarr.transform.analysis:Spectrum.of",),
    "bases, side information": (
        "tec_zarr.transform.analysis:Spectrum.at",
        "tec_zarr.transform.side_coding:pack",
        "tec_zarr.transform.side_coding:parse",
    ),
    "network": (
        "tec_zarr.prior.network:Prior.walk",
        "tec_zarr.prior.network:Prior.correction",
    ),
    "network's inputs": ("tec_zarr.prior.coding:prepare", "tec_zarr.prior.coding:see"),
    "regression": (
        "tec_zarr.prior.regression:BandRegression.add",
        "tec_zarr.prior.regression:BandRegression.predict",
    ),
    "rounding, table rows": ("tec_zarr.prior.coding:_Walk.code",),
    "static scales": (
        "tec_zarr.codec.spectral:encode_static",
        "tec_zarr.codec.spectral:decode_static",
    ),
    "entropy coding": (
        "tec_zarr.entropy.symbols:SymbolEncoder.finish",
        "tec_zarr.entropy.symbols:SymbolDecoder.step",
        "tec_zarr.entropy.symbols:SymbolDecoder.step_rows",
    ),
    "synthesis": ("tec_zarr.codec.spectral:synthesize",),
}
"""Functions of the codec, by module and name where they are looked up."""


class Clock:
    """Adds up the seconds of stages; threads may run at once.

    Attributes
    ----------
    seconds
        By stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._local = threading.local()
        self._lock = threading.Lock()

    def timed(self, stage: str, function: Callable) -> Callable:
        """The same function, whose seconds count for a stage."""

        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            inside = self._inside()
            inside.append(0.0)
            began = time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                took = time.perf_counter() - began
                own = took - inside.pop()
                if inside:
                    inside[-1] += took
                with self._lock:
                    self.seconds[stage] += own

        return wrapped

    def _inside(self) -> list[float]:
        """Of each stage that this thread is in, the seconds of stages inside of it."""
        if not hasattr(self._local, "inside"):
            self._local.inside = []
        return self._local.inside


@contextlib.contextmanager
def clocked() -> Iterator[Clock]:
    """A clock of all that the codec does meanwhile."""
    clock = Clock()
    with contextlib.ExitStack() as patches:
        for stage, names in STAGES.items():
            for name in names:
                patches.enter_context(_patched(clock, stage, name))
        yield clock


def _patched(clock: Clock, stage: str, name: str) -> contextlib.AbstractContextManager:
    module, _, path = name.partition(":")
    owner_path, _, attribute = path.rpartition(".")
    owner = resolve_name(f"{module}:{owner_path}" if owner_path else module)
    function = vars(owner)[attribute]
    if isinstance(function, classmethod):
        timed = classmethod(clock.timed(stage, function.__func__))
    else:
        timed = clock.timed(stage, function)
    return mock.patch.object(owner, attribute, timed)
