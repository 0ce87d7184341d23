"""Arrays without their clouds: what stays, what must not leak, and what the prior does."""

import dataclasses

import numpy as np
import pytest
import torch

from tec_zarr.clouds import latents, regression
from tec_zarr.clouds.arrays import inpaint_array
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import InvalidInputError
from tec_zarr.models import registry
from tec_zarr.runtime import loading
from tec_zarr.synthetic import observations as synthetic
from tec_zarr.testing.models import tiny_model

pytestmark = pytest.mark.usefixtures("one_thread")
DAYS = np.array([0.0, 20, 45, 60])


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """Four dates of a clear landscape, 80 x 96 pixels: no multiples of a block."""
    array = synthetic.series(4, (80, 96), cloud_cover=0).values.copy()
    array[1, :, :10, :10] = 0
    return array


@pytest.fixture(scope="module")
def cloudy(series) -> np.ndarray:
    mask = np.zeros((4, *series.shape[2:]), bool)
    mask[1, :30, 5:60] = mask[2, 40:70, 20:80] = mask[3, 50:, 60:] = True
    return mask


@pytest.fixture(scope="module")
def done(series, cloudy):
    return inpaint_array(series, cloudy, DAYS, Settings())


def test_clear_pixels_and_nodata_stay_bit_for_bit(series, cloudy, done):
    clear = np.broadcast_to(~cloudy[:, None], series.shape)
    np.testing.assert_array_equal(done.array[clear], series[clear])
    np.testing.assert_array_equal(done.array == 0, series == 0)
    assert done.array.dtype == series.dtype
    assert (done.origin[1, :10, :10] == regression.NODATA).all()
    assert (done.origin[~cloudy & (series != 0).all(1)] == regression.CLEAR).all()
    assert (done.error[cloudy & (series != 0).all(1)] > 0).all()


def test_comes_close_to_what_was_hidden(series, cloudy, done):
    hidden = np.broadcast_to(cloudy[:, None], series.shape) & (series != 0)
    error = np.sqrt(np.mean((done.array[hidden].astype(float) - series[hidden]) ** 2))
    nearest = np.where(cloudy[:, None], series[[1, 0, 1, 2]], series)
    plain = np.sqrt(np.mean((nearest[hidden].astype(float) - series[hidden]) ** 2))
    assert error < 0.7 * plain
    assert (
        0.5 * error < np.sqrt(np.mean(done.error[cloudy & (series != 0).all(1)] ** 2)) < 2 * error
    )


def test_what_is_under_a_cloud_does_not_leak(series, cloudy, done):
    white = np.where(cloudy[:, None] & (series != 0), np.uint16(12_000), series)
    again = inpaint_array(white, cloudy, DAYS, Settings())
    np.testing.assert_array_equal(again.array, done.array)
    np.testing.assert_array_equal(again.error, done.error)


def test_causal_takes_nothing_from_later_dates(series, cloudy):
    later = series.copy()
    later[3] = series[0, :, ::-1]
    first, second = (
        inpaint_array(a, cloudy, DAYS, Settings(), mode="causal") for a in (series, later)
    )
    np.testing.assert_array_equal(first.array[:3], second.array[:3])
    assert (first.date[2][cloudy[2]] < 2).all()
    hidden = cloudy.copy()
    hidden[2] = True
    first, second = (
        inpaint_array(a, hidden, DAYS, Settings(), mode="causal") for a in (series, later)
    )
    np.testing.assert_array_equal(first.array[:3], second.array[:3])


def test_floats_come_back_as_they_were_and_in_their_units(series, cloudy, done):
    reflectance = np.where(series == 0, np.nan, series * np.float32(1e-4)).astype(np.float32)
    found = inpaint_array(reflectance, cloudy, DAYS, Settings(nodata=None))
    clear = np.broadcast_to(~cloudy[:, None], series.shape)
    np.testing.assert_array_equal(found.array[clear], reflectance[clear])
    np.testing.assert_array_equal(np.isnan(found.array), np.isnan(reflectance))
    np.testing.assert_allclose(np.nan_to_num(found.array), done.array * 1e-4, atol=3e-4)
    np.testing.assert_allclose(found.error, done.error * 1e-4, rtol=0.02)


def test_feathering_stays_inside_of_the_mask(series, cloudy, done):
    soft = inpaint_array(series, cloudy, DAYS, Settings(), feather=5)
    differ = (soft.array != done.array).any(1)
    assert differ.any()
    assert not (differ & ~cloudy).any()
    assert not differ[2, 50:60, 40:60].any()


def test_one_date_is_continued_and_says_so(series, cloudy):
    found = inpaint_array(series[2:3], cloudy[2:3], DAYS[:1], Settings())
    assert (found.origin[cloudy[2:3]] == regression.CONTINUED).all()
    assert (found.array[0, :, 40:70, 20:80] != 0).all()


def test_no_cloud_gives_the_array_back(series):
    found = inpaint_array(series, np.zeros((4, *series.shape[2:]), bool), DAYS, Settings())
    np.testing.assert_array_equal(found.array, series)


def test_weights_that_predict_no_date_from_others_are_refused(series, cloudy):
    with pytest.raises(InvalidInputError, match="TEC-TT or FlexTEC"):
        inpaint_array(series, cloudy, DAYS, Settings(), model=registry.DEFAULT)


def test_some_of_the_bands_are_predicted_by_name(series, cloudy, done):
    rgb = inpaint_array(series[:, 3:0:-1], cloudy, DAYS, Settings(bands=("B04", "B03", "B02")))
    hidden = np.broadcast_to(cloudy[:, None], rgb.array.shape) & (rgb.array != 0)
    difference = rgb.array[hidden].astype(float) - done.array[:, 3:0:-1][hidden]
    assert 0 < np.sqrt(np.mean(difference**2)) < 150


@pytest.mark.parametrize("bands", [None, ("red", "green", "blue")])
def test_bands_that_the_weights_do_not_know_are_refused(series, cloudy, bands):
    with pytest.raises(InvalidInputError, match="predict some of the bands B01"):
        inpaint_array(series[:, :3], cloudy, DAYS, Settings(bands=bands))


@pytest.fixture(scope="module", params=["tec-tt", "flextec"])
def tiny(request) -> loading.Loaded:
    return loading.ready(tiny_model(request.param), torch.device("cpu"))


def _masked(tiny: loading.Loaded, share: np.ndarray) -> latents.Masked:
    x = np.random.default_rng(1).normal(size=(4, 12, 32, 48)).astype(np.float32)
    condition = tiny.model.condition(torch.tensor([50.0], dtype=torch.float64))[0]
    return latents.Masked(x, [None] * 4, share, np.zeros(share.shape, bool), condition, True)


def test_the_prior_changes_nothing_where_nothing_is_masked(tiny):
    share = np.zeros((4, 8, 12))
    share[2, :4, :4] = 1
    added, ratio = latents.refine(tiny, _masked(tiny, share))
    assert np.abs(added[2, :, :16, :16]).max() > 0
    assert not added[[0, 1, 3]].any()
    assert (ratio[share == 0] == 1).all()


def test_an_unknown_latent_becomes_the_means_of_the_prior(tiny, monkeypatch):
    """With a filling of which nothing is known, and in one direction: the paper's masked
    inference."""
    share = np.zeros((4, 8, 12))
    share[2] = 1
    series = dataclasses.replace(_masked(tiny, share), backward=False)
    monkeypatch.setattr(
        latents, "_variance", lambda *_: torch.full((4, len(tiny.exact.latent_spread), 1, 1), 1e12)
    )
    y = torch.cat([latents.analyzed(tiny, frame, series.condition) for frame in series.x])
    means, _ = latents.predict(tiny, y, series.condition)
    expected = [latents.synthesized(tiny, v[2:3], series.condition, (32, 48)) for v in (means, y)]
    added, _ = latents.refine(tiny, series)
    np.testing.assert_allclose(added[2], expected[0] - expected[1], atol=1e-4)


def test_each_direction_leaves_its_first_date_to_the_filling(tiny):
    """Of the chain's first date the prior knows nothing but its own tokens."""
    share = np.zeros((4, 8, 12))
    share[0] = 1
    added, ratio = latents.refine(tiny, dataclasses.replace(_masked(tiny, share), backward=False))
    assert not added.any()
    np.testing.assert_allclose(ratio, 1)


def test_the_prior_goes_as_far_as_it_is_right_on_clear_latents(tiny, monkeypatch):
    """A prior that says the truth is followed all the way, one that says the opposite not at
    all."""
    share = np.zeros((4, 8, 12))
    share[2, :4, :4] = 1
    plain = _masked(tiny, share)
    rng = np.random.default_rng(2)
    fits = [
        None,
        None,
        plain.x[2] + 0.3 * rng.normal(size=plain.x[2].shape).astype(np.float32),
        None,
    ]
    series = dataclasses.replace(plain, fits=fits, judged=share == 0)
    truth = torch.cat([latents.analyzed(tiny, frame, series.condition) for frame in series.x])
    fit = latents.analyzed(tiny, fits[2], series.condition)
    for sign, moves in ((1, True), (-1, False)):
        means = fit + sign * (truth - fit) + torch.from_numpy(share)[:, None]
        said = [(means, torch.full_like(truth, 1e-3))]
        monkeypatch.setattr(latents, "_said", lambda *_, said=said: said)
        added, ratio = latents.refine(tiny, series)
        assert (np.abs(added[2]).max() > 0) == moves
        assert (ratio[2, 0, 0] != 1) == moves


def test_a_prior_that_cannot_be_judged_changes_no_fit(tiny):
    share = np.zeros((4, 8, 12))
    share[2] = 1
    plain = _masked(tiny, share)
    added, ratio = latents.refine(
        tiny, dataclasses.replace(plain, fits=[None, None, plain.x[2], None])
    )
    assert not added.any()
    np.testing.assert_allclose(ratio, 1)
