"""Real imagery for the tests that need it, and one thread for those that are faster so."""

import pathlib

import numpy as np
import pytest
import torch

from tec_zarr.models.bands import L2A
from tec_zarr.training.corpus import read_corpus_file

VAL = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / "val"


@pytest.fixture(scope="session")
def val_folder() -> pathlib.Path:
    """The validation split of the corpus of real Sentinel-2 imagery."""
    if not VAL.is_dir():
        pytest.skip(
            f"needs the Sentinel-2 sample corpus in {VAL.parent}, which is not part of the project"
        )
    return VAL


@pytest.fixture(scope="session")
def site(val_folder) -> np.ndarray:
    """Four dates of SSL4EO-S12 site 0080717: uint16 DN (4, 12, 256, 256)."""
    data, meta = read_corpus_file(val_folder / "l2a_ts_ssl4eo_0080717.zip")
    assert meta["bands"] == list(L2A)
    return np.ascontiguousarray(data[..., :256, :256])


@pytest.fixture(scope="module")
def one_thread():
    """Tiny models gain nothing from threads, and lose much where other work keeps the cores
    busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
