"""The names and shapes of the published files: all of them are known, and all that belong to
weights are needed."""

import pathlib
import re

import pytest
import torch

from tec_zarr.errors import WeightsError
from tec_zarr.models.bands import LEVELS
from tec_zarr.models.published.checkpoints.convert import PLANS, convert
from tests.oracle.states import of_bands

pytestmark = pytest.mark.slow


REFERENCE = pathlib.Path(__file__).resolve().parents[3] / "shared" / "reference"
LISTS = {
    "tec-fp-192": ("tec-fp", ["tec_fp_keys_n128_m192"], 12),
    "tec-elic-192": ("tec-elic", ["tec_elic_keys_n128_m192"], 12),
    "tec-elic-320": ("tec-elic", ["tec_elic_keys_n192_m320"], 12),
    "tec-tt": ("tec-tt", ["tec_tt_keys"], 12),
    "tec-tt-l1c": ("tec-tt", ["tec_tt_keys"], 13),
    "flextec": ("flextec", ["tec_tt_keys", "flextec_extra_keys"], 12),
}
MILLIONS = {
    "tec-fp-192": 3.06,
    "tec-elic-192": 16.5,
    "tec-elic-320": 33.9,
    "tec-tt": 225.2,
    "tec-tt-l1c": 225.2,
    "flextec": 225.2,
}


def read(files):
    shapes = {}
    for file in files:
        for line in (REFERENCE / f"{file}.txt").read_text().splitlines():
            name, shape = line.split("\t")[:2]
            shapes[name] = tuple(int(n) for n in re.findall(r"\d+", shape))
    return shapes


@pytest.fixture(params=LISTS)
def listed(request):
    if not REFERENCE.is_dir():
        pytest.skip("needs the lists of published tensors, which are not part of the project")
    family, files, bands = LISTS[request.param]
    return request.param, family, of_bands(read(files), bands), bands


def state_of(shapes):
    """Zeros that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


def test_every_key_is_consumed(listed):
    label, family, shapes, bands = listed
    model = convert(state_of(shapes))
    assert model.config.family == family
    assert model.config.transforms.bands == LEVELS["s2l2a" if bands == 12 else "s2l1c"].bands
    read = [name for name in shapes if not re.search(PLANS[family].ignored, name)]
    assert sum(torch.Size(shapes[name]).numel() for name in read) / 1e6 == pytest.approx(
        MILLIONS[label], rel=0.02
    )


def test_no_key_can_be_missing(listed):
    _, family, shapes, _ = listed
    read = [name for name in shapes if not re.search(PLANS[family].ignored, name)]
    for name in read[:: max(1, len(read) // 12)]:
        state = state_of(shapes)
        del state[name]
        with pytest.raises(WeightsError, match="not a published TerraCodec state dict"):
            convert(state)
