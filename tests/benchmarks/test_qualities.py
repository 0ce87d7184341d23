"""The picture of one date at three qualities."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))
import qualities

from tec_zarr.synthetic import series

pytestmark = pytest.mark.slow


def test_a_picture_is_drawn(tmp_path):
    cube = series(2, 48, seed=1)
    path = tmp_path / "picture.jpg"
    qualities.draw(cube.values, [str(band) for band in cube["band"].values], path)
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    assert path.stat().st_size > 10_000
