import pytest
import torch

from tec_zarr.models.published.config import ModelConfig, TemporalConfig, TransformConfig
from tec_zarr.models.published.transforms import receptive_latents
from tec_zarr.runtime import tiling
from tec_zarr.testing.models import tiny_model

pytestmark = pytest.mark.usefixtures("one_thread")

PATCH, CORE = 2, 4
STRIDE = 2 * PATCH


def model_of(blocks):
    transforms = TransformConfig(
        ("B02", "B03", "B04"), patch=PATCH, width=8, blocks=blocks, latents=6
    )
    prior = TemporalConfig(width=8, heads=2, separate=1, joint=1, decoder=1)
    return tiny_model(seed=1, config=ModelConfig("tec-tt", transforms, prior, knots=3))


@pytest.fixture(autouse=True)
def small_core(monkeypatch):
    monkeypatch.setattr(tiling, "CORE", CORE)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def counted(network):
    """The network, and a list that fills with the sizes of what it is given."""
    seen = []

    def run(x):
        seen.append(tuple(x.shape[-2:]))
        return network(x)

    return run, seen


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(4, 5), (9, 17), (1, 13), (13, 4), (16, 16)])
def test_analysis_by_tiles_equals_analysis_in_one_go(blocks, size):
    model = model_of(blocks)
    x = noise(2, 3, size[0] * STRIDE, size[1] * STRIDE)
    condition = model.condition(torch.tensor([20.0, 70.0]))
    network, seen = counted(lambda part: model.analyze(part, condition))
    tiled = tiling.tiled(network, x, STRIDE, 1, receptive_latents(model.config.transforms))
    assert tiled.shape == (2, 6, *size)
    torch.testing.assert_close(tiled, model.analyze(x, condition), rtol=1e-5, atol=1e-5)
    assert len(seen) == -(-size[0] // CORE) * -(-size[1] // CORE)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(4, 5), (9, 17), (1, 13), (16, 16)])
def test_synthesis_by_tiles_equals_synthesis_in_one_go(blocks, size):
    model = model_of(blocks)
    y_hat, features = noise(2, 6, *size).round(), noise(2, 8, *size)
    condition = model.condition(torch.tensor([20.0, 70.0]))
    network, seen = counted(lambda part: model.synthesize(part[:, :6], part[:, 6:], condition))
    margin = receptive_latents(model.config.transforms) + 1
    tiled = tiling.tiled(network, torch.cat([y_hat, features], 1), 1, STRIDE, margin)
    assert tiled.shape == (2, 3, size[0] * STRIDE, size[1] * STRIDE)
    torch.testing.assert_close(
        tiled, model.synthesize(y_hat, features, condition), rtol=1e-5, atol=1e-5
    )
    assert len(seen) == -(-size[0] // CORE) * -(-size[1] // CORE)


def test_the_comparison_sees_a_margin_that_is_too_small():
    model = model_of(4)
    condition = model.condition(torch.tensor([50.0]))
    x = noise(1, 3, 12 * STRIDE, 12 * STRIDE)
    tiled = tiling.tiled(lambda part: model.analyze(part, condition), x, STRIDE, 1, 0)
    assert (tiled - model.analyze(x, condition)).abs().max() > 1e-4


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5])
def test_receptive_latents_reach_as_far_as_the_transforms_do(blocks):
    model = model_of(blocks)
    condition = model.condition(torch.tensor([50.0]))
    reach = receptive_latents(model.config.transforms)
    x = noise(1, 3, 24 * STRIDE, 24 * STRIDE)
    changed = x.clone()
    changed[..., 12 * STRIDE : 13 * STRIDE, 12 * STRIDE : 13 * STRIDE] += 10
    moved = (model.analyze(x, condition) != model.analyze(changed, condition)).any(1)[
        0
    ].nonzero() - 12
    assert 0 < moved.abs().max() <= reach


def test_a_tile_is_never_larger_than_the_core_and_its_margins():
    network, seen = counted(lambda part: part)
    x = noise(1, 1, 30, 23)
    assert torch.equal(tiling.tiled(network, x, 1, 1, 3), x)
    assert max(max(size) for size in seen) == CORE + 6


def test_small_frames_go_through_in_one_go():
    network, seen = counted(lambda part: part)
    x = noise(1, 1, CORE * STRIDE, CORE * STRIDE)
    assert tiling.tiled(network, x, STRIDE, STRIDE, 5) is x
    assert seen == [(CORE * STRIDE, CORE * STRIDE)]
