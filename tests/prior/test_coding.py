"""Dates to streams and back, side by side and one by one, with the shipped network."""

import numpy as np
import pytest

from tec_zarr.bitstream import container
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.prior.channels import GROUPS, group_of_frequency
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.static import expected_rms
from tec_zarr.runtime import loading, series
from tec_zarr.synthetic import series as synthetic
from tec_zarr.transform.analysis import Spectrum

STEP = 200.0


@pytest.fixture(scope="module")
def model():
    return loading.load_prior("tec-tt", "cpu")


def ready(seed: int, dates: int = 3, bands: int = 12, side: int = 64, step: float = STEP):
    """Side information and coefficients (C, 256, P) of dates."""
    out = []
    before = None
    for frame in synthetic(dates, side, seed=seed).values[:, :bands].astype(np.float32):
        spectrum = Spectrum.of(frame)
        side_information, coefficients = spectrum.at(step, before)
        flat = coefficients.reshape(*coefficients.shape[:2], -1)
        live = live_channels(flat, expected_rms(side_information), 1)
        before = side_information.with_live(live)
        out.append((before, flat, spectrum.frame.positions))
    return out


def encode_all(model, chunks, effort: int = 1, groups: int = GROUPS):
    """Code the dates of like chunks side by side; for each chunk its dates."""
    contexts = [series.Context() for _ in chunks]
    out = [[] for _ in chunks]
    for time in range(len(chunks[0])):
        dates = []
        for chunk, context in zip(chunks, contexts, strict=True):
            side, _, size = chunk[time]
            kept = side.with_live(side.live & (group_of_frequency() < groups))
            dates.append(context.inputs(kept, size, groups, time == 0))
        coefficients = [chunk[time][1] for chunk in chunks]
        coded = model.coder.encode(dates, coefficients, effort)
        for context, made, one in zip(contexts, out, coded, strict=True):
            context.add(one)
            made.append(one)
    return out


def decode_all(model, chunk, coded, groups: int = GROUPS):
    context = series.Context()
    out = []
    for time, ((side, _, size), one) in enumerate(zip(chunk, coded, strict=True)):
        kept = side.with_live(side.live & (group_of_frequency() < groups))
        date = context.inputs(kept, size, groups, time == 0)
        out.append(model.coder.decode([date], [one.stream])[0])
        context.add(out[-1])
    return out


@pytest.mark.slow
@pytest.mark.parametrize("bands", [1, 4, 12, 13, 20])
def test_what_is_decoded_is_what_was_coded(model, bands):
    rng = np.random.default_rng(0)
    chunk = ready(1, bands=min(bands, 12))
    if bands > 12:
        frames = synthetic(3, 64, seed=1).values.astype(np.float32)
        extra = frames[:, : bands - 12] + rng.normal(0, 300, (3, bands - 12, 64, 64)).astype(
            np.float32
        )
        before = None
        chunk = []
        for frame in np.concatenate([frames, extra], 1):
            spectrum = Spectrum.of(frame)
            side, coefficients = spectrum.at(STEP, before)
            flat = coefficients.reshape(*coefficients.shape[:2], -1)
            before = side.with_live(live_channels(flat, expected_rms(side), 1))
            chunk.append((before, flat, spectrum.frame.positions))
    (coded,) = encode_all(model, [chunk])
    for one, other in zip(coded, decode_all(model, chunk, coded), strict=True):
        np.testing.assert_array_equal(one.seen.bands.numpy(), other.seen.bands.numpy())
        np.testing.assert_allclose(one.values, other.values, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [(200, 200, 200), (20, 300, 5000), (12000, 60, 900, 4)])
def test_a_batch_gives_the_bytes_of_each_chunk_alone(model, steps):
    """Also where dates of other steps have groups of channels that a date does not have."""
    chunks = [ready(seed, step=step) for seed, step in enumerate(steps, 1)]
    together = encode_all(model, chunks)
    for chunk, batched in zip(chunks, together, strict=True):
        (alone,) = encode_all(model, [chunk])
        for one, other in zip(alone, batched, strict=True):
            assert one.stream == other.stream


def test_a_context_makes_later_dates_smaller(model):
    chunk = ready(1)
    same = [chunk[0]] * 3
    (coded,) = encode_all(model, [same])
    sizes = [len(one.stream.data) for one in coded]
    assert max(sizes[1:]) < 0.15 * sizes[0]


def test_every_group_that_is_sent_takes_error_away(model):
    chunk = ready(4, dates=2)
    errors = []
    for groups in (1, 3, 6, GROUPS):
        (coded,) = encode_all(model, [chunk], groups=groups)
        decoded = decode_all(model, chunk, coded, groups)
        np.testing.assert_allclose(decoded[1].values, coded[1].values, atol=1e-5)
        errors.append(float(((coded[1].values - chunk[1][1]) ** 2).sum()))
    assert errors == sorted(errors, reverse=True)


def test_what_is_not_sent_is_predicted_from_other_dates(model):
    """Of two equal dates the second, of which only the coarsest groups are sent, comes out finer
    than those alone."""
    chunk = [ready(4, dates=1)[0]] * 2
    full = chunk[0]
    context = series.Context()
    first = context.inputs(full[0], full[2], GROUPS, True)
    context.add(model.coder.encode([first], [full[1]], 1)[0])
    kept = full[0].with_live(full[0].live & (group_of_frequency() < 3))
    second = model.coder.encode([context.inputs(kept, full[2], 3, False)], [full[1]], 1)[0]
    alone = model.coder.encode([series.Context().inputs(kept, full[2], 3, True)], [full[1]], 1)[0]

    def error(coded) -> float:
        return float(((coded.values - full[1]) ** 2).sum())

    assert error(second) < 0.7 * error(alone)


def test_effort_pays():
    array = synthetic(2, 96, seed=6).values
    plain = len(encode_chunk(array, Settings(quality=35, effort=0)))
    weighed = len(encode_chunk(array, Settings(quality=35)))
    assert weighed < 0.97 * plain


@pytest.mark.parametrize("context", ["dates", "date", "none"])
def test_every_role_round_trips(context):
    array = synthetic(3, 64, seed=2).values
    decoded = decode_chunk(encode_chunk(array, Settings(quality=45, context=context)))
    error = decoded[array != 0].astype(float) - array[array != 0]
    assert np.sqrt((error**2).mean()) < 120


def test_key_dates_do_not_look_back():
    """From the key date on, a chunk is coded as if it began there."""
    array = synthetic(4, 64, seed=2).values
    settings = Settings(key_interval=2)
    whole = container.parse(encode_chunk(array, settings)).sections
    rest = container.parse(encode_chunk(np.ascontiguousarray(array[2:]), settings)).sections
    assert [section.data for section in whole[2:]] == [section.data for section in rest]
    assert [section.key for section in whole] == [True, False, True, False]
