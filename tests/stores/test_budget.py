"""Budgets of a whole cube."""

import pytest

from tec_zarr import InvalidInputError, TargetError
from tests.stores.scenes import SMALL, opened

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("name", "value"), [("total_bytes", 9_000), ("bppb", 0.3), ("ratio", 60)])
def test_budgets_of_the_whole_cube(scene, tmp_path, name, value):
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, progress=False, **{name: value})
    info = opened(tmp_path / "a.zarr").tec.info()
    found = info["bytes"] if name == "total_bytes" else info[name]
    assert found == pytest.approx(value, rel=0.02)
    assert len({c["quality"] for c in info["chunks"]}) == 1


def test_budgets_that_cannot_be(scene, tmp_path):
    with pytest.raises(TargetError, match="the nearest is"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, chunks=SMALL, progress=False)
    with pytest.raises(InvalidInputError, match="one of total_bytes, bppb and ratio"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, ratio=3)
    with pytest.raises(InvalidInputError, match="leave out quality"):
        scene.tec.to_zarr(tmp_path / "a.zarr", total_bytes=100, quality=3)
    with pytest.raises(InvalidInputError, match="bppb must be a positive number"):
        scene.tec.to_zarr(tmp_path / "a.zarr", bppb=-1)
    assert not (tmp_path / "a.zarr").exists()
