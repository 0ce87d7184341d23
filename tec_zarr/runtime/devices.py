"""Which device a chunk is coded on: GPUs in turn where there are any, the CPU where there are none,
or where they were lost."""

from __future__ import annotations

import threading
import warnings

import torch

from tec_zarr.errors import InvalidInputError
from tec_zarr.runtime.cache import CACHE

AUTO = "auto"


class Devices:
    """The GPUs of this process. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost: set[torch.device] = set()
        self._turn = 0

    def usable(self) -> list[torch.device]:
        """GPUs that torch sees and that were not lost."""
        if not torch.cuda.is_available():
            return []
        every = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
        return [device for device in every if device not in self._lost]

    def next(self) -> torch.device:
        """The GPU whose turn it is; the CPU where there is none."""
        usable = self.usable()
        if not usable:
            return torch.device("cpu")
        with self._lock:
            self._turn += 1
            return usable[self._turn % len(usable)]

    def lose(self, device: torch.device, error: BaseException) -> None:
        """Ask a GPU no more, and say so once."""
        with self._lock:
            if device in self._lost:
                return
            self._lost.add(device)
        # What is held there may be on that device, and cannot be read from it any more.
        CACHE.clear()
        warnings.warn(
            f"{device} was lost ({type(error).__name__}: {str(error)[:200]}): tec_zarr goes on "
            "without it in this process",
            RuntimeWarning,
            stacklevel=2,
        )


DEVICES = Devices()


def choose_device(device: str) -> torch.device:
    """`auto`: a GPU where torch sees one, else the CPU; or any device that torch names."""
    if device == AUTO:
        return DEVICES.next()
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise InvalidInputError(
            f"device must be 'auto' or a torch device like 'cpu' or 'cuda:0'; got {device!r}"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may go through."""
    return isinstance(error, torch.OutOfMemoryError)


def is_lost(error: BaseException, device: torch.device) -> bool:
    """Whether an error is that of a device and not of what it was given."""
    if device.type == "cpu":
        return False
    return is_out_of_memory(error) or "CUDA error" in str(error)
