"""The rate-distortion benchmark: what it reads from curves, and a run on a small place."""

import json
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the benchmarks need the extra `bench`: scipy is missing")
pytest.importorskip(
    "imagecodecs", reason="the benchmarks need the extra `bench`: imagecodecs is missing"
)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

import cases
import classical
import contenders
import curves
import measures
import rd

CURVE = [(0.01, 30.0), (0.02, 33.0), (0.1, 38.0), (0.4, 44.0)]


def halved(curve: curves.Curve) -> curves.Curve:
    return [(bits / 2, decibels) for bits, decibels in curve]


def test_bits_lie_on_the_logarithm_between_points():
    assert curves.bits_at(CURVE, 33.0) == pytest.approx(0.02)
    assert curves.bits_at(CURVE, 41.0) == pytest.approx(0.2)
    assert curves.bits_at(CURVE, 29.9) is None
    assert curves.bits_at(CURVE, 44.1) is None


def test_points_that_others_beat_do_not_count():
    assert curves.best_points([*CURVE, (0.03, 32.0)]) == CURVE


def test_the_best_is_found_at_each_psnr():
    worse_first = [(0.02, 30.0), (0.15, 44.0)]
    assert curves.best_at([CURVE, worse_first], 31.0) == curves.bits_at(CURVE, 31.0)
    assert curves.best_at([CURVE, worse_first], 43.9) == curves.bits_at(worse_first, 43.9)
    assert curves.ratio(halved(CURVE), [CURVE, worse_first], 31.0) == pytest.approx(0.5)


def test_places_are_summed_up_by_samples():
    pairs = [(halved(CURVE), [CURVE], 100), (CURVE, [CURVE], 300)]
    assert curves.summed_ratio(pairs, 35.0) == pytest.approx(350 / 400)
    assert curves.summed_ratio(pairs, 50.0) is None


@pytest.mark.parametrize("size", [(40, 30), (5, 7)])
def test_ssim_of_identical_cubes_is_one(size):
    cube = np.random.default_rng(0).uniform(0, 12_000, (2, 3, *size)).astype(np.float32)
    valid = np.ones(cube.shape, bool)
    assert measures.ssim(cube, cube, valid) == pytest.approx(1)
    assert measures.ssim(cube, cube[..., ::-1], valid) < 0.5


def test_the_file_of_peers_has_every_case():
    known = classical.read()
    for case in cases.chosen(list(cases.SETS)):
        assert set(known[case.peers_of]) >= {peer.name for peer in contenders.PEERS}
        best = [known[case.peers_of][name] for name in case.best_of]
        for decibels in curves.LEVELS_DB[1:]:
            assert curves.best_at(best, decibels) > 0


def test_names_of_cases_are_distinct():
    names = [case.name for case in cases.chosen(list(cases.SETS))]
    assert len(names) == len(set(names))


def test_a_place_is_coded_and_compared(val_folder, tmp_path):
    outputs = {"--out": "rd.json", "--markdown": "rd.md", "--plot": "rd.png"}
    arguments = [
        "--data",
        str(val_folder.parent),
        "--names",
        cases.SLOVENIA,
        "--qualities",
        "20",
        "40",
    ]
    for option, name in outputs.items():
        arguments += [option, str(tmp_path / name)]
    rd.main([*arguments, "--settings", "context=none"])
    found = json.loads((tmp_path / "rd.json").read_text())
    assert (tmp_path / "rd.png").stat().st_size > 10_000
    assert "| group Slovenia |" in (tmp_path / "rd.md").read_text()
    assert [record["quality"] for record in found["records"]] == [20, 40]
    for record in found["records"]:
        assert record["samples"] == 4 * 12 * 101 * 100
        assert record["bits"] == pytest.approx(8 * record["size"] / record["samples"])
    assert found["records"][0]["psnr"] < found["records"][1]["psnr"]
    assert 0 < found["best"][cases.SLOVENIA]["41"] < 2
