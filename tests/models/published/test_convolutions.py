import pytest
import torch

from tec_zarr.models.published.config import ConvConfig
from tec_zarr.models.published.convolutions import ConvAnalysis, ConvSynthesis, reach

CONFIGS = {
    "attention": ConvConfig(("B02", "B03"), (6, 6, 6), 4, units=3, relu=True),
    "elic": ConvConfig(("B02", "B03"), (6, 6, 6), 4, units=3),
    "gdn": ConvConfig(("B02", "B03"), (6, 6, 6), 4, units=0),
}
CELLS = 26
NONE = torch.empty(1, 0)


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def config(request):
    torch.manual_seed(0)
    return request.param


@torch.inference_mode()
def influence(network, x, cell, cells_out):
    """Cells, counted from the changed one at the left end, in which anything of the result
    changes."""
    other = x.clone()
    other[..., :cell] += 1
    changed = (network.double()(x, NONE) != network(other, NONE)).any(0).any(0).any(0)
    return changed.unflatten(0, (-1, cells_out)).any(1).nonzero().flatten().tolist()


def test_pixels_reach_no_further_than_is_said(config):
    x = torch.randn(1, 2, 16, 16 * CELLS, dtype=torch.float64)
    found = influence(ConvAnalysis(config), x, 16, 1)
    assert found[0] == 0
    assert 1 <= found[-1] <= reach(config) < CELLS - 1


def test_latents_reach_no_further_than_is_said(config):
    y = torch.randn(1, 4, 1, CELLS, dtype=torch.float64)
    found = influence(ConvSynthesis(config), y, 1, 16)
    assert found[0] == 0
    assert 1 <= found[-1] <= reach(config) < CELLS - 1


def test_sizes_mirror_each_other(config):
    x = torch.randn(2, 2, 32, 48)
    none = torch.empty(2, 0)
    y = ConvAnalysis(config)(x, none)
    assert y.shape == (2, 4, 2, 3)
    assert ConvSynthesis(config)(y, none).shape == x.shape
