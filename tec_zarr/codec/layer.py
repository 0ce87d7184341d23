"""The learned layer of a chunk: what turns filled frames into coded ones and back.

There are two: that of the shipped codec (`spectral`) and that of published models (`jobs`). A
layer is chosen once for a chunk, by its settings or its header.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np

from tec_zarr.bitstream.frame import Coded
from tec_zarr.codec.quality import COARSEST_STEP, FINEST_STEP


@dataclasses.dataclass(frozen=True, eq=False)
class LayerResult:
    """Coded frames, and what a decoder will reconstruct from them: DN without offset, float32
    (band, y, x) each.

    `reconstructed` is empty where nobody asked for it.
    """

    coded: list[Coded]
    reconstructed: list[np.ndarray]
    steps: tuple[float, ...] = ()

    @property
    def step(self) -> float:
        """The quantization step in DN of a typical date."""
        return float(np.exp(np.mean(np.log(self.steps))))

    @property
    def is_coarsest(self) -> bool:
        """Whether no date can be coded coarser."""
        return min(self.steps) == COARSEST_STEP

    @property
    def is_finest(self) -> bool:
        """Whether no date can be coded finer."""
        return max(self.steps) == FINEST_STEP


class Layer(Protocol):
    """Codes the filled frames of one array, at any quality."""

    def encode(self, quality: float, reconstruct: bool) -> LayerResult:
        """Code at a quality, 1 to 100; also what comes of it, where `reconstruct` asks for that."""
