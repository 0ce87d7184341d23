"""The rate-distortion benchmark: its measures, and a run of two codecs on a small crop."""

import json
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the benchmarks need the extra `bench`: scipy is missing")
pytest.importorskip("imagecodecs", reason="the benchmarks need the extra `bench`: imagecodecs is missing")

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

import curves
import measures
import rd

POINTS = [{"bppb": r, "psnr": p} for r, p in ((0.01, 30.0), (0.02, 33.0), (0.1, 38.0), (0.4, 44.0))]


def test_bd_rate_is_the_mean_difference_in_bits():
    halved = [{**p, "bppb": p["bppb"] / 2} for p in POINTS]
    assert curves.bd_rate(POINTS, POINTS) == pytest.approx(0)
    assert curves.bd_rate(halved, POINTS) == pytest.approx(-50)
    assert curves.bd_rate(POINTS[:2], POINTS[2:]) is None
    assert curves.bits_at(halved, 33.0) == pytest.approx(0.01)


@pytest.mark.parametrize("size", [(40, 30), (5, 7)])
def test_ssim_of_identical_cubes_is_one(size):
    cube = np.random.default_rng(0).uniform(0, 12_000, (2, 3, *size)).astype(np.float32)
    valid = np.ones(cube.shape, bool)
    assert measures.ssim(cube, cube, valid) == pytest.approx(1)
    assert measures.ssim(cube, cube[..., ::-1], valid) < 0.5


def test_two_codecs_run_on_a_crop(val_folder, tmp_path):
    out, plot = tmp_path / "rd.json", tmp_path / "rd.png"
    codecs = ["JPEG 2000, 12*", "KLT bands + *"]
    arguments = [
        "--data",
        val_folder,
        "--out",
        out,
        "--plot",
        plot,
        "--crop",
        48,
        "--jobs",
        1,
        "--names",
        "l2a_ts_ssl4eo_0080717",
    ]
    rd.main([*map(str, arguments), "--codecs", *codecs])
    found = json.loads(out.read_text())
    assert not found["failures"]
    assert plot.stat().st_size > 10_000
    assert {len(points) for points in found["curves"].values()} == {9}
    for record in found["records"]:
        assert record["shape"] == [4, 12, 48, 48]
        assert record["bppb"] == pytest.approx(8 * record["bytes"] / (4 * 12 * 48 * 48))
        assert set(record["rmse_dn"]) >= {"B02", "B11"}
        assert 0 < record["ssim"] <= 1
        assert 0 < record["sam_degrees"] < 20
        assert 0 < record["ndvi_mae"] < 0.5
    psnr = [p["psnr"] for p in found["curves"]["KLT bands + JPEG 2000"]]
    assert psnr == sorted(psnr)
