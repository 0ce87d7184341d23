"""Models to safetensors files and back. Shipped parameters are kept in float16, which is exact
in every wider type."""

from __future__ import annotations

import json
import pathlib

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from tec_zarr.models import registry
from tec_zarr.models.mapped_file import MappedFile
from tec_zarr.models.published.config import ModelConfig
from tec_zarr.models.published.families import build
from tec_zarr.models.published.tec_tt import TecTT
from tec_zarr.models.published.transform_codec import TransformCodec


def dump(model: TransformCodec, precision: torch.dtype = torch.float16) -> bytes:
    """The bytes of a weights file: parameters in `precision`, buffers as they are, the
    configuration as JSON in the metadata."""
    parameters = dict(model.named_parameters())
    tensors = {
        k: v.detach().cpu().to(precision if k in parameters else v.dtype).contiguous()
        for k, v in model.state_dict().items()
    }
    if overflown := [k for k, v in tensors.items() if not torch.isfinite(v).all()]:
        raise ValueError(f"not finite in {precision}: {overflown}")
    return save_tensors(tensors, metadata={"config": json.dumps(model.config.to_dict())})


def parse(data: bytes) -> TransformCodec:
    """The model, in float32 and evaluation mode, that `dump` wrote.

    Raises ValueError where tensors are missing, superfluous or of other shapes.
    """
    config = registry.metadata_of(data)["config"]
    with torch.device("meta"):
        model = build(ModelConfig.from_dict(json.loads(config)))
    tensors = load_tensors(data)
    wanted = model.state_dict()
    _check(tensors, wanted)
    model.load_state_dict({k: v.to(wanted[k].dtype) for k, v in tensors.items()}, assign=True)
    return model.eval().requires_grad_(False)


def map_file(path: pathlib.Path) -> TransformCodec:
    """The model of a file that `dump` wrote in float32; its weights stay there until they are used.

    Of a temporal prior, what is needed once a frame does not stay in memory. Raises ValueError
    as `parse` does.
    """
    file = MappedFile(path)
    with torch.device("meta"):
        model = build(ModelConfig.from_dict(json.loads(file.metadata["config"])))
    _check(file.tensors, model.state_dict())
    model.load_state_dict(file.tensors, assign=True)
    if isinstance(model, TecTT):
        model.prior.after_layer = file.release
    return model.eval().requires_grad_(False)


def _check(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Raise ValueError with what differs in names and shapes."""
    shapes = [{k: tuple(v.shape) for k, v in tensors.items()} for tensors in (found, wanted)]
    if shapes[0] != shapes[1]:
        got, want = (sorted(a.items() - b.items()) for a, b in (shapes, shapes[::-1]))
        raise ValueError(
            f"weights do not fit their configuration; the file has {got}, the model {want}"
        )
