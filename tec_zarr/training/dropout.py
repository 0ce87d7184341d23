"""Leave bands out of training series as users leave them out, so that subsets cost no bits for
what nobody stored."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tec_zarr.codec.standardize import predict_bands
from tec_zarr.models.bands import L2A
from tec_zarr.models.published.statistics import Statistics

SUBSETS = (
    ("B02", "B03", "B04", "B08"),
    tuple(b for b in L2A if b not in ("B01", "B09")),
    ("B02", "B03", "B04"),
)
"""What users keep most: RGB+NIR, the ten bands of 10 and 20 m, RGB."""


def draw_bands(rng: np.random.Generator) -> list[int]:
    """Indices of the bands of a series: often a subset that users keep, at times any other."""
    if rng.random() < 0.7:
        return sorted(L2A.index(b) for b in SUBSETS[rng.integers(len(SUBSETS))])
    return sorted(rng.choice(len(L2A), rng.integers(1, len(L2A)), replace=False).tolist())


def drop_bands(
    x: Tensor, statistics: Statistics, share: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Of series x (N, T, bands, H, W) a `share` with bands left out and predicted as the codec
    does, and what is missing, 1 in (N, bands)."""
    x, missing = x.clone(), torch.zeros(len(x), len(L2A))
    for series, absent in zip(x, missing, strict=True):
        if rng.random() < share:
            present = draw_bands(rng)
            gone = [i for i in range(len(L2A)) if i not in present]
            absent[gone] = 1
            for frame in series:
                frame[gone] = torch.from_numpy(
                    predict_bands(frame[present].numpy(), present, gone, statistics)
                )
    return x, missing
