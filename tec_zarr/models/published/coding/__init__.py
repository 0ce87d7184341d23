"""Latents to rANS streams and back: what of a model must come out the same on every machine.

It runs in float64. It must not know where weights come from, nor what a chunk is.
"""

from __future__ import annotations

from tec_zarr.models.published.coding.image import ImageCoder
from tec_zarr.models.published.coding.temporal import TemporalCoder
from tec_zarr.models.published.tec_tt import TecTT
from tec_zarr.models.published.transform_codec import TransformCodec


def exact(model: TransformCodec) -> ImageCoder | TemporalCoder:
    """What codes the latents of `model`: its prior and gains, computed in float64."""
    return (TemporalCoder if isinstance(model, TecTT) else ImageCoder)(model)
