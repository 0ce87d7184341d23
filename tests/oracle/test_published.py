"""Models of the published sizes against PyPI's terracodec, which runs in an environment of its
own (see CONTRIBUTING.md)."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import torch

from tec_zarr.models.bands import LEVELS
from tec_zarr.models.published.checkpoints.convert import convert
from tests.oracle.comparison import COMPARISONS, compare

PYTHON = os.environ.get("TEC_ZARR_ORACLE")
HERE = pathlib.Path(__file__).parent

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        not PYTHON,
        reason="TEC_ZARR_ORACLE names no Python that has terracodec: see CONTRIBUTING.md",
    ),
]


SIZES = [
    *((family, "published") for family in COMPARISONS),
    ("tec-fp", "large"),
    ("tec-elic", "large"),
]


@pytest.mark.parametrize(("family", "size"), SIZES)
def test_every_stage_is_the_oracle_s_on_real_imagery(family, size, site, tmp_path):
    level = LEVELS["s2l2a"]
    mean, std = (np.array(part)[:, None, None] for part in (level.mean, level.std))
    x = ((site[:3] - mean) / std).astype(np.float32)
    np.save(tmp_path / "images.npy", x)
    command = [
        PYTHON,
        HERE / "terracodec_outputs.py",
        family,
        size,
        tmp_path / "images.npy",
        tmp_path / "out.npz",
    ]
    subprocess.run(command, check=True)
    model = convert(torch.load(tmp_path / "out.pt", weights_only=True))
    with np.load(tmp_path / "out.npz") as outputs:
        compare(model, dict(outputs), x)
