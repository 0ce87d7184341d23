"""Published checkpoints into the cache folder: downloaded or from a file, checked, converted,
named by their hash."""

from __future__ import annotations

import hashlib
import os
import pathlib
import pickle

import torch

from tec_zarr.errors import WeightsError
from tec_zarr.models import registry
from tec_zarr.models.bands import LEVELS
from tec_zarr.models.published import checkpoint
from tec_zarr.models.published.checkpoints.catalog import Published, catalog
from tec_zarr.models.published.checkpoints.convert import convert


def fetch(name: str, file: str | os.PathLike | None = None) -> registry.Entry:
    """Put the published checkpoint `name` into the cache folder, from its Hugging Face repository
    or from a local `file`.

    A checkpoint is read without unpickling code, and its tensors must be those of its family.

    Raises WeightsError where there is no such checkpoint, where it cannot be downloaded, or
    where the file is another one.
    """
    if name not in catalog():
        raise WeightsError(f"there is no published checkpoint {name!r}, only {sorted(catalog())}")
    source = catalog()[name]
    path = pathlib.Path(file) if file is not None else _download(name, source)
    model = convert(_state(path))
    found = f"{model.config.family} of {len(model.config.transforms.bands)} bands"
    wanted = f"{source.family} of {len(LEVELS[source.level].bands)} bands"
    if found != wanted:
        raise WeightsError(f"{path} holds a {found}, where {name} is a {wanted}")
    data = checkpoint.dump(model, precision=torch.float32)
    sha256 = hashlib.sha256(data).hexdigest()
    registry.cache(name, sha256, data)
    return registry.find(name, sha256)


def fetch_missing(name: str, sha256: str | None) -> None:
    """Fetch the weights of a published checkpoint unless they are here.

    Raises WeightsError as `fetch` does, and where the checkpoint does not have the hash asked
    for, if any.
    """
    if name not in catalog() or registry.find(name, sha256 or "").path is not None:
        return
    found = fetch(name)
    if sha256 not in (None, found.sha256):
        raise WeightsError(
            f"the checkpoint {name} that was downloaded is {found.sha256}, but {sha256} was asked "
            "for"
        )


def _state(path: pathlib.Path) -> dict[str, torch.Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read as a state dict: {error}") from error
    if not (isinstance(state, dict) and all(isinstance(v, torch.Tensor) for v in state.values())):
        raise WeightsError(f"{path} is not a state dict: names and tensors, nothing else")
    return state


def _download(name: str, source: Published) -> pathlib.Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise WeightsError(
            f'downloading {name} needs huggingface_hub: pip install "tec_zarr[hub]"'
        ) from error
    try:
        return pathlib.Path(hf_hub_download(source.repository, source.file))
    except Exception as error:  # whatever the client raises, the remedy is the same
        raise WeightsError(
            f"{source.file} of {source.repository} could not be downloaded ({error}). "
            f"{registry.elsewhere(name)}"
        ) from error
