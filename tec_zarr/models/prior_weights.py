"""Weights of the shipped prior: network to file and back.

Large matrices are kept in 8 bits with one scale a row, everything else in float16; both are
exact in float64, so that every machine computes with the same numbers.
"""

from __future__ import annotations

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from tec_zarr.errors import WeightsError
from tec_zarr.prior.network import Prior

LARGE = 16_384
"""Elements from which on a matrix is kept in 8 bits."""

SCALES = ".scales"
"""Ending of the name of a matrix's scales."""


def dump(state: dict[str, Tensor]) -> bytes:
    """The bytes of a weights file of a network's state."""
    tensors = {}
    for name, parameter in state.items():
        value = parameter.detach().cpu().float()
        if not torch.isfinite(value).all():
            raise ValueError(f"{name} holds weights that are not finite")
        if value.dim() == 2 and value.numel() >= LARGE:
            scales = (
                (value.abs().amax(1) / 127)
                .half()
                .clamp(min=torch.finfo(torch.half).smallest_normal)
            )
            tensors[name] = (
                torch.round(value / scales.float()[:, None]).clamp(-127, 127).to(torch.int8)
            )
            tensors[name + SCALES] = scales
        else:
            tensors[name] = value.half().contiguous()
    return save_tensors(tensors, metadata={"kind": "prior"})


def parse(data: bytes) -> Prior:
    """The network, in float64 and evaluation mode, of the bytes of a weights file.

    Raises WeightsError where tensors are missing, superfluous or of other shapes.
    """
    tensors = load_tensors(data)
    state = {}
    for name, stored in tensors.items():
        if name.endswith(SCALES):
            continue
        state[name] = stored.double()
        if name + SCALES in tensors:
            state[name] *= tensors[name + SCALES].double()[:, None]
    with torch.device("meta"):
        network = Prior()
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if found != wanted:
        differ = sorted(set(found.items()) ^ set(wanted.items()))
        raise WeightsError(f"weights that do not fit the network: {differ[:4]}")
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)
