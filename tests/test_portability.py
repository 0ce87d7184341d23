"""Contract 1: a chunk decodes to the same integers whatever the kernels, the threads and the
batch."""

import numpy as np
import pytest
import torch

from tests.portability import KERNELS, chunks_of, compare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def comparisons(val_folder):
    arrays = chunks_of(val_folder, 3)[:4]
    one_size = [array for array in arrays if array.shape == arrays[0].shape]
    assert one_size
    few = {name: KERNELS[name] for name in ("sse4", "avx2", "one thread")}
    return compare(arrays, 35.0, few, batches=(1, 4))


def test_every_symbol_of_val_is_the_same(comparisons):
    assert {differ for differ, _ in comparisons.values()} == {0}


def test_dn_differ_by_one_at_most(comparisons):
    assert max(off for _, off in comparisons.values()) <= 1


def test_the_kernels_really_differ(tmp_path):
    """Products in float32 under two instruction sets differ somewhere, so the test can tell
    machines apart."""
    import os
    import subprocess
    import sys

    program = """
import sys, numpy as np, torch
torch.manual_seed(0)
product = torch.randn(64, 1728, dtype=torch.float64) @ torch.randn(1728, 96, dtype=torch.float64)
np.save(sys.argv[1], product.numpy())
"""
    found = []
    for name in ("default", "sse4"):
        path = tmp_path / f"{name}.npy"
        subprocess.run(
            [sys.executable, "-c", program, str(path)],
            check=True,
            env={**os.environ, **KERNELS[name]},
        )
        found.append(np.load(path))
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this machine has no instruction set but the plainest")
    assert (found[0] != found[1]).any()
    assert np.abs(found[0] - found[1]).max() < 1e-10
