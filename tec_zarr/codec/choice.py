"""Which learned layer a chunk has: the shipped codec's, or that of a published model."""

from __future__ import annotations

import numpy as np

from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.layer import Layer
from tec_zarr.codec.samples import Gathered
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.spectral import SpectralLayer, reconstruct_spectral
from tec_zarr.models import registry


def make_layer(gathered: Gathered, settings: Settings, device: str) -> Layer:
    """The layer that codes what was gathered of an array."""
    if settings.is_published:
        from tec_zarr.codec.published_layer import PublishedLayer

        return PublishedLayer(gathered, settings, device)
    return SpectralLayer(settings, gathered.filled, gathered.coded, len(gathered.array), device)


def reconstruct(header: Header, frames: list[Frame], device: str) -> list[np.ndarray]:
    """DN without offset, float32 (band, y, x), of each frame that was coded.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    coded: list[Coded] = [frame.coded for frame in frames if frame.coded is not None]
    if not coded:
        return []
    if header.model and registry.find(header.model, header.weights.hex()).published:
        from tec_zarr.codec.published_layer import reconstruct_published

        return reconstruct_published(header, coded, device)
    return reconstruct_spectral(header, coded, device)
