"""Training of the prior over dates: its crops, what it counts, and what comes of it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tec_zarr.models import prior_weights, registry
from tec_zarr.models.bands import L2A
from tec_zarr.prior.channels import GROUPS
from tec_zarr.prior.coding import DateCoder
from tec_zarr.prior.network import Prior
from tec_zarr.prior.rounding import cheaper
from tec_zarr.synthetic import series
from tec_zarr.training.corpus import Location
from tec_zarr.training.dates import batches, make_dates
from tec_zarr.training.loop import Budget, learning_rate
from tec_zarr.training.series_crops import SeriesCrops, repeat_coarse
from tec_zarr.training.stages.dates import STEP_KNOTS, DatesStage, draw_steps
from tec_zarr.training.teacher import Teacher, choose_cheaper
from tec_zarr.transform.repetition import find_repeats

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
CPU = torch.device("cpu")


def place(times: int = 3, seed: int = 2) -> Location:
    dn = series(times, (128, 112), seed=seed, cloud_cover=0).values.astype(np.int16)
    return Location(str(seed), dn, np.ones((times, 128, 112), bool), interpolated=True)


@pytest.fixture(scope="module")
def dn() -> np.ndarray:
    return series(3, (64, 64), seed=1, cloud_cover=0).values.astype(np.float32)


@pytest.mark.parametrize(("dates", "bands"), [(1, 12), (3, 4), (8, 1), (4, 10)])
def test_crops_have_the_shape_asked_for_and_come_from_the_seed(dates, bands):
    made = []
    for _ in range(2):
        crops = SeriesCrops([place()], seed=4)
        made.append([crops.series(96, dates, bands) for _ in range(4)])
    for one, other in zip(*made, strict=True):
        assert one.shape == (dates, bands, 96, 96)
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


def test_repeated_bands_stay_repeated():
    dn = torch.from_numpy(series(1, (96, 96), seed=3).values.astype(np.float32))
    repeats = find_repeats(repeat_coarse(dn)[0].numpy())[:, 0, 0]
    assert repeats[[L2A.index(band) for band in ("B05", "B8A", "B01", "B09")]].all()
    assert not repeats[[L2A.index(band) for band in ("B02", "B08")]].any()
    crops = SeriesCrops([place()], seed=5)
    found = [find_repeats(crops.series(96, 1)[0])[:, 0, 0].any() for _ in range(40)]
    assert 0.2 < np.mean(found) < 0.8


def test_steps_span_the_whole_range():
    steps = draw_steps(1000, np.random.default_rng(0))
    ends = [step for _, step in STEP_KNOTS]
    assert ends[-1] <= steps.min() < 1.1 * ends[-1]
    assert 0.9 * ends[0] < steps.max() <= ends[0]
    assert 0.75 < np.mean((steps < ends[1]) & (steps > ends[2])) < 0.85


@pytest.mark.parametrize("weighs", [False, True])
@pytest.mark.parametrize("last_groups", [GROUPS, 4])
def test_what_is_counted_is_what_coding_takes(dn, last_groups, weighs):
    """Bits of the teacher against streams of the coder, with the shipped weights and the same
    symbols."""
    network = prior_weights.parse(registry.find(registry.DEFAULT).read())
    dates = make_dates(dn, 200.0, dead_zone=None if weighs else 0.15, last_groups=last_groups)
    coder = DateCoder(network, CPU)
    single = network.float()
    for batch in batches(dates):
        teacher = Teacher(batch, weighs)
        single.walk(batch.given, batch.regression, teacher)
        sent = teacher.bits[: sum(2 if group < 6 else 1 for group in range(last_groups))]
        counted = torch.stack(teacher.bits if batch.sent.all() else sent).sum(0)
        network.double()
        date = dates[batch.numbers[0]]
        coded = coder.encode([date.inputs], [date.coefficients], effort=int(weighs))
        network.float()
        assert 8 * len(coded[0].stream.data) == pytest.approx(counted.item(), rel=0.02, abs=200)


def test_what_is_not_sent_is_learned_as_the_mean(dn):
    dates = make_dates(dn, 200.0, dead_zone=0.15, last_groups=4)
    (batch,) = [batch for batch in batches(dates) if not batch.sent.all()]
    teacher = Teacher(batch, weighs=False)
    Prior().walk(batch.given, batch.regression, teacher)
    differ = (teacher.shown != batch.symbols).any(1)[0]
    slices = batch.given.selection.slices()
    assert not differ[: slices[4].start].any()
    assert differ[slices[4].start :].any()


def test_symbols_are_weighed_as_the_codec_weighs_them():
    rng = np.random.default_rng(0)
    coefficients = rng.normal(0, 1.5, (3, 50, 7)).astype(np.float32)
    means = rng.normal(0, 1, coefficients.shape).astype(np.float32)
    scales = np.exp(rng.normal(0, 0.7, coefficients.shape)).astype(np.float32)
    here = choose_cheaper(*map(torch.from_numpy, (coefficients, means, scales)))
    there = cheaper(coefficients, means, scales)
    assert (here.numpy() != there).mean() < 1e-3
    assert (there != np.rint(coefficients)).any()


def test_the_loss_falls_and_what_was_trained_codes(dn):
    torch.manual_seed(0)
    stage = DatesStage(Prior())
    dates = make_dates(dn, 300.0, dead_zone=0.15)
    optimizer = torch.optim.Adam(stage.parameters(), 1e-3)
    losses = []
    for _ in range(12):
        loss, _ = stage.evaluate(dates, weighs=False)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.93 * losses[0]
    network = prior_weights.parse(prior_weights.dump(stage.network.state_dict()))
    coder = DateCoder(network, CPU)
    for date in dates:
        (coded,) = coder.encode([date.inputs], [date.coefficients], effort=1)
        (decoded,) = coder.decode([date.inputs], [coded.stream])
        np.testing.assert_array_equal(decoded.values, coded.values)
        assert torch.equal(decoded.seen.bands, coded.seen.bands)


def test_the_rate_falls_by_whatever_part_of_the_budget_is_used_more():
    budget = Budget(100, minutes=1.0)
    assert budget.used(50, 6.0) == 0.5
    assert budget.used(10, 30.0) == 0.5
    assert budget.used(10, 90.0) == 1.0
    assert learning_rate(1000, 1.0) == pytest.approx(0.02)
    assert learning_rate(1000, 0.0) == pytest.approx(1.0)


def test_the_command_resumes_and_leaves_weights_that_load(tmp_path):
    cube = series(3, 96, seed=0, offset_dn=-1000)
    cube.to_dataset(name="B").to_zarr(tmp_path / "cubes" / "0.zarr", consolidated=False)
    out = tmp_path / "run"
    for steps in (1, 2):
        options = [
            "--data",
            tmp_path / "cubes",
            "--out",
            out,
            "--steps",
            steps,
            "--start",
            registry.find("tec-tt").path,
        ]
        command = [sys.executable, "-m", "tec_zarr.training", *map(str, options)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (out / "dates.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[0]["loss"] != lines[1]["loss"]
    assert set(lines[1]["held_out"]) == {"1000.0", "250.0", "60.0"}
    assert isinstance(prior_weights.parse((out / "tec-tt.safetensors").read_bytes()), Prior)
