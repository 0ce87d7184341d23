"""The curriculum of each published family: transforms with a cheap prior, the prior on their latents, then synthesis."""

from __future__ import annotations

from tec_zarr.training.stages.image import ImageStage
from tec_zarr.training.stages.temporal import PriorStage, RefineStage
from tec_zarr.training.stages.transforms import TransformStage

CURRICULA = {
    "tec-fp": (TransformStage, ImageStage),
    "tec-elic": (TransformStage, ImageStage),
    "tec-tt": (TransformStage, PriorStage, RefineStage),
    "flextec": (TransformStage, PriorStage, RefineStage),
}
"""Stages by family."""
