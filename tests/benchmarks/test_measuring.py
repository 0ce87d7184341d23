"""The benchmarks of time, nearest cubes, targets and speed, on crops."""

import pathlib
import sys
import time

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the benchmarks need the extra `bench`: scipy is missing")
pytest.importorskip(
    "imagecodecs", reason="the benchmarks need the extra `bench`: imagecodecs is missing"
)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

import locations
import native
import ours
import stages
import targets
import temporal

from tec_zarr.models.bands import L2A


@pytest.fixture(scope="module")
def crop(site) -> locations.Location:
    return locations.Location("crop", np.ascontiguousarray(site[:2, :, :48, :40]), L2A, 0, 0)


def test_nearest_cubes_repeat_coarse_bands(crop):
    cube = native.nearest(crop).cube
    assert np.array_equal(cube[:, L2A.index("B04")], crop.cube[:, L2A.index("B04")])
    coarse, coarsest = cube[:, L2A.index("B05")], cube[:, L2A.index("B01")]
    assert np.array_equal(coarse[:, ::2, ::2], coarse[:, 1::2, 1::2])
    assert np.array_equal(coarsest[:, 0:6, 0:6], np.broadcast_to(coarsest[:, :1, :1], (2, 6, 6)))
    assert np.array_equal(coarsest[:, 0, 0], crop.cube[:, L2A.index("B01"), 0, 0])


def test_points_of_chunks_add_up(crop):
    one = ours.Point(100, 1000, 50.0, 900, 1.0, 2.0)
    both = ours.together([one, one])
    assert both.bits == one.bits
    assert both.psnr == one.psnr
    assert both.seconds_decode == 4.0


def test_settings_are_read_from_texts():
    assert ours.parsed(["effort=0", "context=none"]) == {"effort": 0, "context": "none"}


def test_float_cubes_are_measured_in_dn(crop):
    point = ours.point(crop, is_float=True, quality=40, context="none")
    as_dn = ours.point(crop, quality=40, context="none")
    assert point.psnr == pytest.approx(as_dn.psnr, abs=0.2)


def test_dates_one_by_one_are_all_dates(crop, monkeypatch):
    monkeypatch.setattr(
        temporal.ours,
        "point",
        lambda location, **_: ours.Point(1, location.cube.size, 1.0, 1, 0.0, 0.0),
    )
    assert temporal.one_by_one(crop, 40).size == 2
    assert temporal.one_by_one(crop, 40).samples == crop.cube.size


def test_what_became_of_a_target_is_told(crop):
    assert targets.outcome_of(crop, "psnr", 40.0, 40.04, True) == "met"
    assert targets.outcome_of(crop, "psnr", 40.0, 40.06, True) == "better"
    assert targets.outcome_of(crop, "rmse", 100.0, 98.01, True) == "met"
    assert targets.outcome_of(crop, "rmse", 100.0, 97.0, True) == "better"
    assert targets.outcome_of(crop, "bppb", 0.1, 0.11, True) == "silent"


def test_stages_inside_others_count_once():
    clock = stages.Clock()
    inner = clock.timed("inner", lambda: time.sleep(0.05))

    def work() -> None:
        time.sleep(0.02)
        inner()

    began = time.perf_counter()
    clock.timed("outer", work)()
    took = time.perf_counter() - began
    assert clock.seconds["inner"] >= 0.05
    assert 0.02 <= clock.seconds["outer"] < took - 0.04


def test_the_codec_has_the_stages_that_are_timed(crop):
    with stages.clocked() as clock:
        ours.decode(ours.encode(crop, quality=30, context="none"))
    assert {"transform", "static scales", "entropy coding", "synthesis"} <= set(clock.seconds)
