import dataclasses
import subprocess
import sys
import threading

import pytest

from tec_zarr.errors import WeightsError
from tec_zarr.models import prior_weights, registry
from tec_zarr.runtime import loading


def test_many_threads_load_a_model_once(monkeypatch):
    parsed = []

    def parse(data: bytes):
        parsed.append(len(data))
        return original(data)

    original = prior_weights.parse
    monkeypatch.setattr(prior_weights, "parse", parse)
    monkeypatch.setattr(loading, "_priors", {})
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(loading.load_prior(registry.DEFAULT, "cpu")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parsed) == 1
    assert len(set(map(id, found))) == 1


def test_weights_that_are_not_those_of_the_chunk():
    with pytest.raises(WeightsError, match="install the release"):
        loading.load_prior_for(registry.DEFAULT, b"\x00" * 8, "cpu")
    with pytest.raises(WeightsError, match="unknown model 'tec-xx'"):
        loading.load_prior_for("tec-xx", b"\x00" * 8, "cpu")


def test_a_changed_weights_file_is_refused(tmp_path):
    entry = registry.find(registry.DEFAULT)
    data = bytearray(entry.path.read_bytes())
    data[-1] ^= 1
    changed = tmp_path / "weights.safetensors"
    changed.write_bytes(data)
    with pytest.raises(WeightsError, match="install tec_zarr again"):
        dataclasses.replace(entry, path=changed).read()


def test_shipped_weights_are_small():
    assert sum(f.stat().st_size for f in registry.FOLDER.iterdir()) < 24 * 2**20


@pytest.mark.slow
def test_torch_keeps_its_global_settings():
    program = """
import torch, numpy as np, threading
def in_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]
def state():
    return (torch.get_num_threads(), in_a_new_thread(), torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype(),
            torch.backends.mkldnn.enabled)
before = state()
from tec_zarr import TerraCodec
codec = TerraCodec()
codec.decode(codec.encode(np.ones((1, 12, 16, 16), np.uint16)))
assert state() == before, (before, state())
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_forked_process_starts_its_own_service():
    program = """
import os, numpy as np
from tec_zarr.runtime.service import SERVICE
assert SERVICE.submit(lambda items: items, 0, 1, 1).result(10) == 1
child = os.fork()
if child == 0:
    ok = SERVICE.submit(lambda items: items, 0, 2, 1).result(10) == 2
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program], check=True, timeout=60
    )
