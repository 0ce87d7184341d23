"""The learned layer of a chunk: what turns filled frames into coded ones and back.

There are two: that of the shipped codec (`spectral`) and that of published models (`jobs`). A
layer is chosen once for a chunk, by its settings or its header.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np

from tec_zarr.bitstream.frame import Coded
from tec_zarr.codec.quality import COARSEST_STEP, FINEST_STEP
from tec_zarr.transform.side import Side


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What the learned layer knows of a run, for the date that follows.

    dates
        Earlier dates as the network sees them, nearest first (`tec_zarr.prior.dates.Seen`).
    side
        Side information of the last one.
    """

    dates: tuple[Any, ...] = ()
    side: Side | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """Where a run stands: what the date that follows may be predicted from.

    coded
        How many dates of it are coded so far; 0 where the next one begins a run.
    planes
        Residual of the last one, where there are bounds.
    """

    coded: int = 0
    seen: Seen = Seen()
    planes: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes, about."""
        dates = sum(seen.bands.nbytes for seen in self.seen.dates)
        return dates + (0 if self.planes is None else self.planes.nbytes)


START = State()
"""Before the first date of a run."""


@dataclasses.dataclass(frozen=True, eq=False)
class LayerResult:
    """Coded frames, and what a decoder will reconstruct from them: DN without offset, float32
    (band, y, x) each.

    `reconstructed` is empty where nobody asked for it; `seen` is what a date after them sees.
    """

    coded: list[Coded]
    reconstructed: list[np.ndarray]
    steps: tuple[float, ...] = ()
    seen: Seen = Seen()

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


@dataclasses.dataclass(frozen=True)
class CodedDate:
    """A date to be decoded: whether it is a key date, and whether its pixels are wanted."""

    coded: Coded
    key: bool
    wanted: bool = True


class Layer(Protocol):
    """Codes the filled frames of one array, at any quality."""

    def encode(self, quality: float, reconstruct: bool) -> LayerResult:
        """Code at a quality, 1 to 100; also what comes of it, where `reconstruct` asks for that."""
