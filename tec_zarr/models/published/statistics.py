"""A published model's bands in numbers."""

from __future__ import annotations

import dataclasses
from typing import Self

import numpy as np

from tec_zarr.models.published.transform_codec import TransformCodec


@dataclasses.dataclass(frozen=True, eq=False)
class Statistics:
    """All float32: `mean` and `std` in DN, (bands,), and of standardized bands `center` (bands,)
    and `covariance` (bands, bands)."""

    mean: np.ndarray
    std: np.ndarray
    center: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, model: TransformCodec) -> Self:
        mean, std = model.standard
        tensors = (mean, std, model.center, model.covariance)
        return cls(*(np.asarray(tensor.cpu()) for tensor in tensors))
