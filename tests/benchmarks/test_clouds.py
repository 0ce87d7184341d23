"""The inpainting benchmark: its baselines and measures, runs on a corpus file and on AllClear's
layout."""

import json
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip(
    "rioxarray", reason="the benchmarks need the extra `bench`: rioxarray is missing"
)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

import clouds
import gapfillers
import inpainting
import xarray as xr

from tec_zarr.synthetic import observations as synthetic

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
DAYS = np.array([0.0, 10, 40, 60])


@pytest.fixture
def series() -> tuple[np.ndarray, np.ndarray]:
    """Four flat dates of 0, 100, 700 and 200 DN; the third is hidden, and the second in its left
    half."""
    dn = np.full((4, 2, 8, 8), np.array([0, 100, 700, 200])[:, None, None, None], np.float32)
    usable = np.ones((4, 8, 8), bool)
    usable[2] = usable[1, :, :4] = False
    return dn, usable


def test_baselines_are_what_they_are_called(series):
    expected = {
        "least cloudy": (200, 200),
        "mosaic": (100, 100),
        "nearest date": (200, 200),
        "linear in time": (400 / 3, 160),
    }
    for name, (left, right) in expected.items():
        found = gapfillers.BASELINES[name](*series, 2, DAYS)
        np.testing.assert_allclose(found[:, :, :4], left, rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(found[:, :, 4:], right, rtol=1e-5, err_msg=name)
    assert np.isnan(gapfillers.harmonic(*series, 2, DAYS)).all()


def test_the_harmonic_baseline_finds_a_yearly_course():
    days = np.arange(0, 720, 45.0)
    course = (
        1000
        + 300 * np.cos(2 * np.pi * days / gapfillers.YEAR)
        - 200 * np.sin(2 * np.pi * days / gapfillers.YEAR)
    )
    dn = np.broadcast_to(course[:, None, None, None], (16, 1, 3, 3)).astype(np.float32)
    usable = np.ones((16, 3, 3), bool)
    usable[5] = usable[6, 0] = False
    hidden = np.where(usable[:, None], dn, 0)
    np.testing.assert_allclose(gapfillers.harmonic(hidden, usable, 5, days), dn[5], rtol=1e-3)


def test_scores():
    truth = np.random.default_rng(0).uniform(500, 3000, (3, 32, 32)).astype(np.float32)
    pixels = np.zeros((32, 32), bool)
    pixels[5:20, 5:30] = True
    same = inpainting.scores(truth, truth, pixels)
    assert (same["mae"], same["sam"], same["sam_rows"], same["ssim"]) == pytest.approx((0, 0, 0, 1))
    off = inpainting.scores(truth, truth + 100, pixels)
    assert (off["mae"], off["rmse"], off["psnr"]) == pytest.approx((0.01, 0.01, 40))
    brighter = inpainting.scores(truth, 1.1 * truth, pixels)
    assert brighter["sam"] == pytest.approx(0, abs=1e-3)
    outside = np.where(pixels, truth, 9000)
    assert inpainting.scores(truth, outside, pixels)["rmse"] == 0


@pytest.mark.parametrize("cover", [0.1, 0.8])
def test_pasted_clouds_cover_what_is_asked(cover):
    field = np.random.default_rng(0).normal(size=(40, 50))
    assert clouds.paste(field, cover, (64, 48), 1).mean() == pytest.approx(cover, abs=0.01)


def test_clouds_are_found_by_brightness():
    scene = synthetic.dataset(4, 96, cloud_cover=0)
    dn = scene["B"].values.astype(np.float32)
    dn[2, :, 20:50, 30:70] = 5000
    found = clouds.detect(dn, tuple(scene["band"].values))
    assert found[2, 20:50, 30:70].all()
    assert found[[0, 1, 3]].mean() < 0.05


def test_a_run_on_a_corpus_file(val_folder, tmp_path):
    out = tmp_path / "out.json"
    options = ["--names", "l1c_ts_slovenia_eolearn", "--crop", "48", "--targets", "1"]
    inpainting.main(["--data", str(val_folder), "--out", str(out), *options])
    found = json.loads(out.read_text())
    assert {(r["cover"], r["gap"]) for r in found["records"]} >= {(c, 1) for c in inpainting.COVERS}
    for record in found["records"]:
        assert not record["real_clouds"]
        ours, plain = (
            record["scores"][name]["masked"] for name in (inpainting.OURS, "nearest date")
        )
        assert record["cover"] == 1 or ours["rmse"] < plain["rmse"]
        assert record["scores"][inpainting.OURS]["valid"]["rmse"] <= ours["rmse"]


def test_a_run_on_the_layout_of_allclear(tmp_path):
    """13 bands, masks beside them, paths of another machine in the JSON."""
    dn = synthetic.series(4, 64, cloud_cover=0).values
    entries = []
    for t, values in enumerate(dn):
        relative = f"roi1/2022_{t + 1}/s2_toa/roi1_s2_toa_2022_{t + 1}_5_median.tif"
        mask = np.zeros((5, 64, 64), np.float32)
        mask[[1, 4], 10:30, 5 + 10 * t : 15 + 10 * t] = t < 3
        for name, bands in (
            (relative, np.insert(values, 10, 7, 0)),
            (relative.replace("s2_toa", "cld_shdw"), mask),
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            xr.DataArray(bands, dims=("band", "y", "x")).rio.to_raster(tmp_path / name)
        entries.append((f"2022-0{t + 1}-05 10:00:00", f"/elsewhere/data/{relative}"))
    listing = tmp_path / "test_tx3.json"
    listing.write_text(
        json.dumps({"0": {"roi": ["roi1", [0, 0]], "s2_toa": entries[:3], "target": entries[3:]}})
    )
    out = tmp_path / "out.json"
    inpainting.main(
        ["--allclear", str(listing), "--root", str(tmp_path), "--out", str(out), "--crop", "48"]
    )
    (record,) = json.loads(out.read_text())["records"]
    assert record["pixels"] == 48 * 48
    assert record["scores"][inpainting.OURS]["valid"] == record["scores"][inpainting.OURS]["masked"]
    assert record["scores"]["nearest date"]["valid"]["psnr"] > 10
