"""From a configuration to an untrained model."""

from __future__ import annotations

from tec_zarr.models.published.config import ModelConfig
from tec_zarr.models.published.tec_elic import TecELIC
from tec_zarr.models.published.tec_fp import TecFP
from tec_zarr.models.published.tec_tt import TecTT
from tec_zarr.models.published.transform_codec import TransformCodec

FAMILIES = {"tec-fp": TecFP, "tec-elic": TecELIC, "tec-tt": TecTT, "flextec": TecTT}


def build(config: ModelConfig) -> TransformCodec:
    """The model of a configuration, with weights as they start in training."""
    return FAMILIES[config.family](config)
