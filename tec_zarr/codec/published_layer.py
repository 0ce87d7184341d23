"""The learned layer of published models: frames are standardized, and one quality is all there
is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec import samples
from tec_zarr.codec.layer import CodedDate, LayerResult
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.standardize import reconstructed_dn, standardized
from tec_zarr.errors import DamagedChunkError
from tec_zarr.models.published.config import TOKENS
from tec_zarr.runtime import jobs, loading


class PublishedLayer:
    """Codes what was gathered of an array with a published model."""

    def __init__(
        self, gathered: samples.Gathered, settings: Settings, tokens: list[int], device: str
    ):
        self._header = gathered.header
        self._loaded = loading.load(settings.model, device, settings.weights)
        self._frames = standardized(gathered, self._loaded.statistics)
        self._tokens = tokens

    def encode(self, quality: float, reconstruct: bool) -> LayerResult:
        """Code at the one quality that there is, whatever is asked for."""
        coded = jobs.compress(self._loaded, self._frames, self._header, self._tokens)
        reconstructed = _reconstruct(self._loaded, self._header, coded) if reconstruct else []
        return LayerResult(coded, reconstructed)


def reconstruct_published(
    header: Header, run: Sequence[CodedDate], device: str
) -> list[np.ndarray | None]:
    """DN without offset, float32 (band, y, x), of each date of a run.

    Raises DamagedChunkError, DesyncError or WeightsError.
    """
    loaded = loading.load_for(header.model, header.weights, device)
    wrong_count = header.bands is None and header.shape[1] != loaded.bands
    if wrong_count or (header.bands is not None and max(header.bands) >= loaded.bands):
        raise DamagedChunkError(
            f"{header.shape[1]} bands, indices {header.bands}, where {loaded.bands} are known"
        )
    coded = [date.coded for date in run]
    if any(frame.side for frame in coded) or any(date.key for date in run[1:]):
        raise DamagedChunkError(
            f"side information or key dates, which {header.model} does not know"
        )
    kept = [frame.kept for frame in coded if frame.kept is not None]
    if kept and not (loaded.exact.tokens and min(kept) >= 1 and max(kept) < TOKENS):
        raise DamagedChunkError(f"frames that keep {kept} tokens, which {header.model} cannot")
    return list(_reconstruct(loaded, header, coded))


def _reconstruct(loaded: loading.Loaded, header: Header, coded: list[Coded]) -> list[np.ndarray]:
    frames = [Frame(b"", part) for part in coded]
    x_hat = jobs.reconstruct(loaded, frames, header)
    return [reconstructed_dn(frame, header, loaded.statistics) for frame in x_hat]
