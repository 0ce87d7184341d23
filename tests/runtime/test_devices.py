"""Several GPUs take turns, and one that is lost is done without. Made-up ones: these tests need
none."""

import numpy as np
import pytest
import torch

from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DeviceLostError, InvalidInputError
from tec_zarr.runtime import devices, service
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.devices import Devices, choose_device, is_lost
from tec_zarr.runtime.service import Service
from tec_zarr.synthetic import series


class Broken(Service):
    """A device that takes `good` batches and then fails."""

    def __init__(self, good, message="CUDA error: unspecified launch failure"):
        super().__init__(device=torch.device("cuda", 0))
        self.good = good
        self.message = message

    def submit(self, run, key, item, cost):
        def breaks(items):
            self.good -= len(items)
            if self.good < 0:
                raise RuntimeError(self.message)
            return run(items)

        return super().submit(breaks, key, item, cost)


@pytest.fixture
def lost_midway(monkeypatch):
    """A process whose first device fails after two dates."""
    here = Devices()
    monkeypatch.setattr(devices, "DEVICES", here)
    broken = Broken(2)
    usual = service.service_of

    def service_of(device, by_core=False):
        return usual(device, by_core=by_core) if here._lost else broken

    monkeypatch.setattr("tec_zarr.runtime.series.service_of", service_of)
    return here


def test_a_lost_device_is_done_without(lost_midway):
    array = series(4, 48, seed=2).values
    with pytest.warns(RuntimeWarning, match="cuda:0 was lost .*goes on without it"):
        data = encode_chunk(array, Settings(quality=40))
    assert lost_midway._lost == {torch.device("cuda", 0)}
    assert data == encode_chunk(array, Settings(quality=40))
    decoded = decode_chunk(data)
    assert np.sqrt(((decoded.astype(float) - array) ** 2).mean()) < 200


def test_what_is_held_on_a_lost_device_is_forgotten():
    CACHE.put(b"state", "on the device", 5)
    with pytest.warns(RuntimeWarning, match="was lost"):
        Devices().lose(torch.device("cuda", 0), RuntimeError("CUDA error"))
    assert CACHE.get(b"state") is None
    assert CACHE.size == 0


def test_a_device_that_was_asked_for_is_not_replaced(lost_midway):
    array = series(4, 48, seed=2).values
    with pytest.raises(DeviceLostError, match=r"cuda:0: CUDA error.*give device='cpu'"):
        encode_chunk(array, Settings(quality=40), "cpu")


def test_errors_of_a_chunk_are_not_those_of_a_device():
    gpu = torch.device("cuda", 1)
    assert is_lost(RuntimeError("CUDA error: device-side assert triggered"), gpu)
    assert is_lost(torch.OutOfMemoryError("CUDA out of memory"), gpu)
    assert not is_lost(ValueError("bad chunk"), gpu)
    assert not is_lost(torch.OutOfMemoryError("out of memory"), torch.device("cpu"))


def test_gpus_take_turns_until_they_are_lost(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    here = Devices()
    assert {here.next() for _ in range(6)} == {torch.device("cuda", i) for i in range(3)}
    for index in (0, 2):
        with pytest.warns(RuntimeWarning, match=f"cuda:{index} was lost"):
            here.lose(torch.device("cuda", index), RuntimeError("CUDA error"))
    assert {here.next() for _ in range(6)} == {torch.device("cuda", 1)}
    with pytest.warns(RuntimeWarning, match="cuda:1 was lost"):
        here.lose(torch.device("cuda", 1), RuntimeError("CUDA error"))
    assert here.next() == torch.device("cpu")


def test_devices_have_a_service_each():
    one = service.service_of(torch.device("cuda", 0))
    assert service.service_of(torch.device("cuda", 0)) is one
    assert service.service_of(torch.device("cuda", 1)) is not one
    assert service.service_of(torch.device("cpu")) is service.SERVICE
    assert service.service_of(torch.device("cpu"), by_core=True) is service.CORE_SERVICE


def test_devices_by_name():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(InvalidInputError, match="got 'toaster'"):
        choose_device("toaster")
