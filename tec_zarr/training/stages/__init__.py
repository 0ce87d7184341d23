"""The curriculum of each published family, a module a stage.

Transforms with a cheap prior, the prior on their latents, then synthesis; and the dates of the
shipped codec. They must not know how progress is kept or shown: that is the loop's.
"""

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
