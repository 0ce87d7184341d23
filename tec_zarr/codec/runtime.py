"""Models ready to run: one load a process and device, behind a lock."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import torch

from tec_zarr.codec.cube import Statistics
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import checkpoint, registry
from tec_zarr.models.coding import ExactPrior
from tec_zarr.models.tec_tt import TecTT
from tec_zarr.models.transforms import receptive_latents


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """A model on a device: transforms in float32, prior in float64."""

    model: TecTT
    exact: ExactPrior
    statistics: Statistics
    device: torch.device

    @property
    def stride(self) -> int:
        return self.model.config.stride

    @property
    def margin(self) -> int:
        return receptive_latents(self.model.config.transforms)


_lock = threading.Lock()
_loaded: dict[tuple[str, str], Loaded] = {}


def choose_device(device: str) -> torch.device:
    """`auto`: a GPU where torch sees one, else the CPU; or any device that torch names."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise InvalidInputError(f"device must be 'auto' or a torch device like 'cpu' or 'cuda:0'; got {device!r}") from error


def load(name: str, device: str) -> Loaded:
    """The shipped model `name` on `device`, loaded once however many threads ask."""
    chosen = choose_device(device)
    with _lock:
        key = (name, str(chosen))
        if key not in _loaded:
            _loaded[key] = ready(checkpoint.parse(registry.find(name).read()), chosen)
        return _loaded[key]


def load_for(name: str, weights: bytes, device: str) -> Loaded:
    """The model that a chunk names; raises WeightsError where this release has other weights by that name."""
    entry = registry.find(name)
    if not entry.sha256.startswith(weights.hex()):
        raise WeightsError(
            f"the chunk was encoded with weights {weights.hex()}… of {name}, this release has {entry.sha256[:16]}…; "
            "install the release of tec_zarr that wrote it"
        )
    return load(name, device)


def ready(model: TecTT, device: torch.device) -> Loaded:
    """Put a model to use."""
    statistics = Statistics(*(np.asarray(v) for v in (*model.standard, model.center, model.covariance)))
    exact = ExactPrior(model).to(device)
    return Loaded(model.to(device, memory_format=torch.channels_last).eval(), exact, statistics, device)
