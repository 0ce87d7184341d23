"""Chunks on a GPU and on the CPU, with a GPU that is made up: no test may need one."""

from concurrent.futures import Future

import numpy as np
import pytest
import torch

from tec_zarr.clouds.latents import Masked, refine
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.runtime import jobs, loading, network, series, service
from tec_zarr.synthetic import series as synthetic
from tec_zarr.testing.models import tiny_model
from tests.testing.pretended import CPU, GPU, PretendedGpu


class Here:
    """A service that runs jobs where they are asked for: another thread knows no made-up GPU."""

    def __init__(self):
        self.jobs = 0

    def submit(self, run, key, item, cost):
        done = Future()
        done.set_result(run([item])[0])
        self.jobs += 1
        return done


@pytest.fixture
def here(monkeypatch):
    made = Here()
    for module in (jobs, series, service):
        monkeypatch.setattr(module, "service_of", lambda device, by_core=False: made, raising=False)
    monkeypatch.setattr(loading, "_priors", {})
    monkeypatch.setattr(loading, "_loaded", {})
    return made


@pytest.mark.parametrize("bands", [1, 12, 13])
@pytest.mark.parametrize("target", [{"quality": 10}, {"quality": 80}, {"max_error": 30}])
def test_a_chunk_is_the_same_on_a_gpu(here, bands, target):
    array = synthetic(4, 48, seed=bands).values
    array = np.concatenate([array, array[:, ::-1] + 300], 1)[:, :bands]
    settings = Settings(key_interval=3, **target)
    expected = encode_chunk(array, settings, device="cpu")
    begun = here.jobs
    with PretendedGpu():
        assert encode_chunk(array, settings, device="cuda:0") == expected
        decoded = decode_chunk(expected, device="cuda:0")
    assert here.jobs > begun
    np.testing.assert_array_equal(decoded, decode_chunk(expected, device="cpu"))


@pytest.mark.parametrize("family", ["tec-fp", "tec-elic", "tec-tt", "flextec"])
def test_frames_of_published_models_are_the_same_on_a_gpu(family):
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(3, 12, 20, 24)).astype(np.float32)]

    def both_ways(device):
        loaded = loading.ready(tiny_model(family), device)
        condition = [tiny_model().condition(torch.tensor([50.0], dtype=torch.float64))[0]]
        tokens = [[4, 4, 4]]
        coded = network.encode(loaded, frames, condition, tokens)
        return coded, network.decode(loaded, coded, condition, 20, 24)

    coded, decoded = both_ways(CPU)
    with PretendedGpu():
        there, back = both_ways(GPU)
    assert there == coded
    np.testing.assert_array_equal(back, decoded)


def test_clouds_are_filled_alike_on_a_gpu():
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(4, 12, 32, 48)).astype(np.float32)
    share = np.zeros((4, 8, 12))
    share[1:3, 2:5, 3:9] = 1
    fits = [None, None, frames[2] + 0.1, None]
    condition = tiny_model().condition(torch.tensor([50.0], dtype=torch.float64))[0]
    masked = Masked(frames, fits, share, share == 0, condition, backward=True)
    expected = refine(loading.ready(tiny_model(), CPU), masked)
    with PretendedGpu():
        found = refine(loading.ready(tiny_model(), GPU), masked)
    assert expected[0][1].any()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tensors_on_two_devices_are_not_mixed():
    with PretendedGpu() as gpu:
        here = torch.zeros(3)
        there = torch.zeros(3, device=GPU)
        assert (here.device, there.device, there.cpu().device) == (CPU, GPU, CPU)
        assert (here.to(there).device, here.device) == (GPU, CPU)
        assert (there + 1)[torch.tensor([0])].device == GPU
        assert torch.nn.Linear(3, 3).to(GPU)(there).device == GPU
        for mixed in (
            lambda: here + there,
            lambda: torch.cat([here, there]),
            lambda: here[there.long()],
            lambda: there.index_select(0, torch.tensor([0])),
            lambda: torch.nn.Linear(3, 3)(there),
        ):
            with pytest.raises(RuntimeError, match="two devices"):
                mixed()
        with pytest.raises(TypeError, match="bring it to the CPU"):
            there.numpy()
        assert gpu.device_of(here) == CPU
