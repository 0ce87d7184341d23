"""The benchmark of bounds: that its peers keep to them, and what it makes of a decoded cube that
does not."""

import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the benchmarks need the extra `bench`: scipy is missing")
pytest.importorskip(
    "imagecodecs", reason="the benchmarks need the extra `bench`: imagecodecs is missing"
)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

import bounds
import locations
from peers import bounded

from tec_zarr.models.bands import L2A

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crop(site) -> locations.Location:
    return locations.Location("crop", np.ascontiguousarray(site[:2, :, :48, :40]), L2A, 0, 0)


@pytest.mark.parametrize("bound", [0, 1, 20])
def test_peers_keep_to_bounds(crop, bound):
    sizes = {}
    for name, what in (bounds.NEAR_LOSSLESS if bound else bounds.LOSSLESS).items():
        data = getattr(bounded, f"encode_{what}")(crop.filled, bound)
        decoded = getattr(bounded, f"decode_{what}")(data)
        found = bounds.errors(crop, decoded, bound)
        assert found["violations"] == 0, name
        assert found["greatest"] > 0 or not bound or what == "zfp", name
        sizes[name] = len(data)
    assert len(bounds.ours.encode(crop, max_error=bound)) < min(sizes.values())


def test_violations_are_counted(crop):
    decoded = crop.cube.copy()
    decoded[0, 1, :3, 0] += 7
    decoded[1, 2, 0, :5] -= 2
    assert bounds.errors(crop, decoded, 2) == {"greatest": 7, "violations": 3}
    assert bounds.errors(crop, decoded, {"B03": 1}) == {"greatest": 2, "violations": 5}
    assert bounds.errors(crop, decoded, {"B12": 0}) == {"greatest": 0, "violations": 0}
