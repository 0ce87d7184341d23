"""Models to safetensors files and back. Parameters are kept in float16, which is exact in every wider type."""

from __future__ import annotations

import json
import pathlib

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from tec_zarr.models.config import ModelConfig
from tec_zarr.models.tec_tt import TecTT


def dump(model: TecTT) -> bytes:
    """The bytes of a weights file: parameters in float16, buffers in float32, the configuration as JSON in the metadata."""
    parameters = dict(model.named_parameters())
    tensors = {
        k: v.detach().cpu().to(torch.float16 if k in parameters else torch.float32).contiguous()
        for k, v in model.state_dict().items()
    }
    if overflown := [k for k, v in tensors.items() if not torch.isfinite(v).all()]:
        raise ValueError(f"not finite in float16: {overflown}")
    return save_tensors(tensors, metadata={"config": json.dumps(model.config.to_dict())})


def parse(data: bytes) -> TecTT:
    """The model, in float32 and evaluation mode, that `dump` wrote."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    model = TecTT(ModelConfig.from_dict(json.loads(header["__metadata__"]["config"])))
    model.load_state_dict({k: v.float() for k, v in load_tensors(data).items()})
    return model.eval().requires_grad_(False)


def save(model: TecTT, path: pathlib.Path) -> None:
    path.write_bytes(dump(model))
