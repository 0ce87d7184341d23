"""Models ready to run: one load a process and device, behind a lock."""

from __future__ import annotations

import dataclasses
import os
import threading

import torch

from tec_zarr.bitstream.header import Header
from tec_zarr.errors import WeightsError
from tec_zarr.models import prior_weights, registry
from tec_zarr.models.published import checkpoint
from tec_zarr.models.published.coding import exact
from tec_zarr.models.published.coding.image import ImageCoder
from tec_zarr.models.published.coding.temporal import TemporalCoder
from tec_zarr.models.published.config import ConvConfig
from tec_zarr.models.published.convolutions import reach
from tec_zarr.models.published.statistics import Statistics
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.models.published.transforms import receptive_latents
from tec_zarr.prior.coding import DateCoder
from tec_zarr.runtime.devices import choose_device


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """A model on a device: transforms in float32, prior computed in float64."""

    model: TransformCodec
    exact: ImageCoder | TemporalCoder
    statistics: Statistics
    device: torch.device

    def condition(self, header: Header) -> torch.Tensor:
        """The float64 condition (conditions,) of a chunk: its quality and which bands it lacks."""
        missing = torch.zeros(1, self.bands, dtype=torch.float64)
        if header.bands is not None:
            missing += 1
            missing[:, list(header.bands)] = 0
        return self.model.condition(torch.tensor([header.quality], dtype=torch.float64), missing)[0]

    @property
    def bands(self) -> int:
        """How many bands the model codes."""
        return len(self.statistics.mean)

    @property
    def stride(self) -> int:
        return self.model.config.stride

    @property
    def margin(self) -> int:
        """Latents around a latent or its pixels that have influence on them through a transform."""
        transforms = self.model.config.transforms
        return (
            reach(transforms)
            if isinstance(transforms, ConvConfig)
            else receptive_latents(transforms)
        )

    @property
    def refinement_margin(self) -> int:
        """Latents that the refinement before synthesis reaches beyond that: a 3x3, or two as
        published."""
        return 2 if isinstance(self.model.config.transforms, ConvConfig) else 1


@dataclasses.dataclass(frozen=True, eq=False)
class PriorModel:
    """The shipped prior on a device, in float64."""

    coder: DateCoder
    device: torch.device


_lock = threading.Lock()
_priors: dict[tuple[str, str], PriorModel] = {}
_loaded: dict[tuple[str, str | None, str], Loaded] = {}


def load(name: str, device: str, sha256: str = "") -> Loaded:
    """The model `name` on `device`, loaded once however many threads ask; of published ones that
    whose hash begins so."""
    chosen = choose_device(device)
    with _lock:
        entry = registry.find(name, sha256)
        key = (name, entry.sha256, str(chosen))
        if key not in _loaded:
            _loaded[key] = ready(_model(entry), chosen)
        return _loaded[key]


def _model(entry: registry.Entry) -> TransformCodec:
    if entry.published:
        return checkpoint.map_file(entry.checked())
    return checkpoint.parse(entry.read())


def load_for(name: str, weights: bytes, device: str) -> Loaded:
    """The model that a chunk names; raises WeightsError where this release, or this machine, has
    other weights by that name or none."""
    entry = registry.find(name, weights.hex())
    _check_hash(entry, weights)
    return load(name, device, weights.hex())


def load_prior(name: str, device: str, sha256: str = "") -> PriorModel:
    """The prior `name` on `device`, loaded once however many threads ask: the shipped one, or
    that whose hash begins so."""
    chosen = choose_device(device)
    with _lock:
        entry = registry.find(name, sha256)
        key = (entry.sha256, str(chosen))
        if key not in _priors:
            network = (
                prior_weights.parse(entry.read()).double().to(chosen).eval().requires_grad_(False)
            )
            _priors[key] = PriorModel(DateCoder(network, chosen), chosen)
        return _priors[key]


def load_prior_for(name: str, weights: bytes, device: str) -> PriorModel:
    """The prior that a chunk names; raises WeightsError where this release has other weights by
    that name or none."""
    entry = registry.find(name, weights.hex())
    entry.check_codes()
    _check_hash(entry, weights)
    return load_prior(name, device, weights.hex())


def _check_hash(entry: registry.Entry, weights: bytes) -> None:
    if entry.published is None and not entry.sha256.startswith(weights.hex()):
        raise WeightsError(
            f"the chunk was encoded with weights {weights.hex()}… of {entry.name}, this release "
            f"has {entry.sha256[:16]}…; install the release of tec_zarr that wrote it"
        )


def ready(model: TransformCodec, device: torch.device) -> Loaded:
    """Put a model to use."""
    statistics = Statistics.of(model)
    coder = exact(model).to(device)
    return Loaded(
        model.to(device, memory_format=torch.channels_last).eval(), coder, statistics, device
    )


if hasattr(os, "register_at_fork"):
    # A child would wait for ever for a thread that it does not have.
    os.register_at_fork(
        before=_lock.acquire, after_in_child=_lock.release, after_in_parent=_lock.release
    )
