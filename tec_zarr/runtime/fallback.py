"""What is to be done where a device is lost in the middle of a chunk. Imports torch only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tec_zarr.errors import DeviceLostError

Result = TypeVar("Result")


def with_fallback(run: Callable[[str], Result], device: str) -> Result:
    """`run` on a device; where that is for us to choose and is lost on the way, on another."""
    while True:
        try:
            return run(device)
        except DeviceLostError as lost:
            from tec_zarr.runtime.devices import AUTO, DEVICES

            if device != AUTO:
                raise
            DEVICES.lose(lost.device, lost)
