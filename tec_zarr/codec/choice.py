"""Which learned layer a chunk has: the shipped codec's, or that of a published model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tec_zarr.bitstream.header import Header
from tec_zarr.codec.layer import CodedDate, Layer, Seen
from tec_zarr.codec.samples import Gathered
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.spectral import SpectralLayer, reconstruct_spectral
from tec_zarr.codec.task import Task
from tec_zarr.models import registry


def make_layer(gathered: Gathered, task: Task, settings: Settings, device: str) -> Layer:
    """The layer that codes what was gathered of dates."""
    dates = task.shape[0]
    times = [task.times[index] for index in gathered.coded]
    if settings.is_published:
        from tec_zarr.codec.published_layer import PublishedLayer

        tokens = settings.tokens_of(dates)
        return PublishedLayer(gathered, settings, [tokens[time] for time in times], device)
    groups = settings.groups_of(dates)
    return SpectralLayer(
        settings,
        gathered.filled,
        [groups[time] for time in times],
        task.keys(settings, len(times)),
        task.state.seen,
        device,
    )


def reconstruct(
    header: Header, run: Sequence[CodedDate], seen: Seen, device: str
) -> tuple[list[np.ndarray | None], Seen]:
    """DN without offset, float32 (band, y, x), of each date of a run that is wanted; and what a
    date after them sees.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    if not run:
        return [], seen
    if header.model and registry.find(header.model, header.weights.hex()).published:
        from tec_zarr.codec.published_layer import reconstruct_published

        return reconstruct_published(header, run, device), Seen()
    return reconstruct_spectral(header, run, seen, device)
