"""Small models against what PyPI's terracodec computed of them; `cached` holds its outputs (see
CONTRIBUTING.md)."""

import pathlib

import numpy as np
import pytest
import torch

from tec_zarr.clouds import latents
from tec_zarr.errors import WeightsError
from tec_zarr.models.published import checkpoint
from tec_zarr.models.published.checkpoints.convert import convert
from tec_zarr.models.published.coding import exact
from tec_zarr.runtime import loading
from tests.oracle import weights
from tests.oracle.comparison import COMPARISONS, compare
from tests.oracle.states import HEADS, published_state

CACHED = pathlib.Path(__file__).with_name("cached")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=COMPARISONS)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def state(family):
    return published_state(family)


def test_every_stage_is_the_oracle_s(family, state):
    with np.load(CACHED / f"{family}.npz") as outputs:
        compare(convert(state, HEADS), dict(outputs), weights.small_images())


def test_every_stage_is_the_oracle_s_for_the_bands_of_l1c():
    images = weights.small_images(2, 64, 64, components=13)
    with np.load(CACHED / "tec-tt-l1c.npz") as outputs:
        compare(convert(published_state("tec-tt", bands=13), HEADS), dict(outputs), images)


def test_masked_latents_are_predicted_as_the_oracle_paints_them():
    loaded = loading.ready(convert(published_state("tec-tt"), HEADS), torch.device("cpu"))
    with np.load(CACHED / "tec-tt.npz") as outputs:
        series = torch.from_numpy(outputs["y"]).double().round()
        painted = [
            torch.from_numpy(outputs[f"inpainted_{t}"])[0].double() for t in range(len(series))
        ]
    for t, frame in enumerate(painted):
        means, _ = latents.predict(
            loaded, torch.cat([series[:t], frame[None]]), torch.empty(0, dtype=torch.float64)
        )
        hidden = (frame != series[t]).any(0)
        assert hidden.any()
        clear = hidden & ((means[t] - means[t].round()).abs() < 0.499)
        assert torch.equal(means[t].round()[clear], frame[clear])


def test_a_converted_model_survives_its_file(family, state):
    model = convert(state, HEADS)
    again = checkpoint.parse(checkpoint.dump(model, precision=torch.float32))
    assert again.config == model.config
    assert again.config.family == family
    for (name, a), (other, b) in zip(
        model.state_dict().items(), again.state_dict().items(), strict=True
    ):
        assert name == other
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


@pytest.mark.parametrize("relative", [1e-15, 1e-14])
@torch.inference_mode()
def test_a_machine_that_rounds_otherwise_decodes_the_same(family, state, relative):
    """Latents off their means are no integers, and contexts of others: still the same symbols
    everywhere."""
    model = convert(state, HEADS)
    coder, other = exact(model), exact(model)
    noise = torch.Generator().manual_seed(3)
    for parameter in other.prior.parameters():
        parameter.mul_(
            1 + relative * torch.randn(parameter.shape, generator=noise, dtype=torch.float64)
        )
    none = torch.empty(1, 0, dtype=torch.float64)
    y = model.analyze(torch.from_numpy(weights.small_images()), none.float()).double()[None]
    (frames,) = coder.compress(y, none, [[16] * y.shape[1]])
    decoders = coder.decoder(none, *y.shape[-2:]), other.decoder(none, *y.shape[-2:])
    for t, frame in enumerate(frames):
        (here, _), (there, _) = (decoder.decompress([frame]) for decoder in decoders)
        torch.testing.assert_close(here, there, rtol=0, atol=1e-8)
        assert (here[0] - y[0, t]).abs().max() <= 0.5 + 1e-9


def test_a_partial_file_is_told(family, state):
    read = [
        k
        for k in state
        if k.endswith(("leave.weight", "conv3.weight", "g_s.6.bias", "proj.bias", "h_s.4.bias"))
    ]
    for name in read[:3]:
        with pytest.raises(
            WeightsError, match=f"missing: {name.removeprefix('model.')}|missing: {name}"
        ):
            convert({k: v for k, v in state.items() if k != name}, HEADS)


def test_what_is_not_of_the_file_is_told(state):
    with pytest.raises(WeightsError, match=r"not known: something\.weight"):
        convert({**state, "something.weight": torch.zeros(2)}, HEADS)


def test_a_wrong_shape_is_told(state):
    name = next(k for k, v in state.items() if v.ndim == 4 and ("synthesis" in k or "g_s" in k))
    shape = state[name].shape
    with pytest.raises(WeightsError, match="shape of"):
        convert({**state, name: torch.zeros(*shape[:-1], shape[-1] + 2)}, HEADS)


def test_another_state_dict_is_refused():
    with pytest.raises(WeightsError, match="not a published TerraCodec state dict"):
        convert({"conv1.weight": torch.zeros(3)})
