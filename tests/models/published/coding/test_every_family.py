import dataclasses

import numpy as np
import pytest
import torch

from tec_zarr.errors import DamagedChunkError, DesyncError
from tec_zarr.models.published.coding import exact as exact_of
from tec_zarr.models.published.config import PRIORS
from tec_zarr.testing.models import tiny_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SIZES = [(1, 1), (5, 7), (4, 4), (9, 3)]


SILENT = ("masked", "h_a", "condition_in", "attention.k.bias")
"""Parameters that no decoder needs: the mask of tokens, all kept here; the way from y to z; what
softmax takes out."""


@pytest.fixture(scope="module", params=PRIORS)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def exact(family):
    return exact_of(tiny_model(family))


def at(*qualities):
    """Conditions of these qualities with all bands there."""
    return tiny_model().condition(torch.tensor(qualities, dtype=torch.float64))


def series(exact, n, times, size, seed=0, spread=2.0):
    """Integer latents (n, times, latents, h, w), one in a hundred of them far out."""
    rng = np.random.default_rng(seed)
    values = np.rint(rng.normal(size=(n, times, len(exact.latent_spread), *size)) * spread)
    values[rng.random(values.shape) < 0.01] *= 5000
    return torch.from_numpy(values)


def compress(exact, y, condition):
    return exact.compress(y, condition, [[16] * y.shape[1]] * len(y))


def decode(exact, coded, condition, size):
    """Latents (n, times, ...) and features of coded series."""
    decoder = exact.decoder(condition, *size)
    frames = [decoder.decompress(list(frames)) for frames in zip(*coded, strict=True)]
    return tuple(torch.stack(part, 1) for part in zip(*frames, strict=True))


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_round_trip_is_exact(exact, size, times):
    y = series(exact, 1, times, size, seed=times)
    before = y.clone()
    coded = compress(exact, y, at(37.5))
    assert torch.equal(y, before)
    assert [len(frames) for frames in coded] == [times]
    y_hat, features = decode(exact, coded, at(37.5), size)
    assert y_hat.dtype == features.dtype == torch.float64
    assert torch.equal(y_hat, y)
    assert features.shape[-2:] == size


@pytest.mark.parametrize("size", SIZES)
def test_batches_give_the_streams_of_single_series(exact, size):
    qualities = [1.0, 50.0, 100.0]
    y = series(exact, 3, 3, size)
    together = compress(exact, y, at(*qualities))
    assert together == [compress(exact, y[i : i + 1], at(q))[0] for i, q in enumerate(qualities)]
    assert torch.equal(decode(exact, together, at(*qualities), size)[0], y)
    for i, quality in enumerate(qualities):
        assert torch.equal(decode(exact, together[i : i + 1], at(quality), size)[0], y[i : i + 1])


def test_extreme_latents_round_trip(exact):
    count = len(exact.latent_spread)
    y = (
        torch.tensor([-(2.0**24), 2.0**24, 0.0, 1.0])
        .repeat(2 * count * 4)
        .reshape(1, 2, count, 4, 4)
        .double()
    )
    assert torch.equal(decode(exact, compress(exact, y, at(50.0)), at(50.0), (4, 4))[0], y)


@pytest.mark.parametrize("relative", [1e-15, 1e-14])
def test_a_machine_that_rounds_otherwise_decodes_the_same(exact, family, relative):
    """Float64 kernels differ by some 1e-15: a prior whose weights do must give the same
    integers."""
    other = exact_of(tiny_model(family))
    noise = torch.Generator().manual_seed(3)
    for parameter in other.prior.parameters():
        parameter.mul_(
            1 + relative * torch.randn(parameter.shape, generator=noise, dtype=torch.float64)
        )
    y = series(exact, 1, 3, (9, 7))
    assert torch.equal(decode(other, compress(exact, y, at(60.0)), at(60.0), (9, 7))[0], y)


def test_any_other_weight_is_told(exact, family):
    coded = compress(exact, series(exact, 1, 3, (9, 8)), at(50.0))
    for name, parameter in exact.prior.named_parameters():
        if name.startswith(SILENT) or name.endswith(SILENT):
            continue
        other = exact_of(tiny_model(family))
        changed = dict(other.prior.named_parameters())[name]
        changed += 0.5 * torch.randn(
            changed.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64
        )
        assert changed.shape == parameter.shape
        with pytest.raises((DesyncError, DamagedChunkError)):
            decode(other, coded, at(50.0), (9, 8))


def test_another_quality_is_told(exact):
    coded = compress(exact, series(exact, 1, 1, (5, 7)), at(50.0))
    with pytest.raises((DesyncError, DamagedChunkError)):
        decode(exact, coded, at(51.0), (5, 7))


def test_missing_bands_are_a_condition_of_their_own(exact):
    other = at(50.0)
    other[:, -1] = 1
    coded = compress(exact, series(exact, 1, 1, (5, 7)), other)
    with pytest.raises((DesyncError, DamagedChunkError)):
        decode(exact, coded, at(50.0), (5, 7))


def test_rows_that_differ_are_a_desync(exact):
    (frame,) = compress(exact, series(exact, 1, 1, (5, 7)), at(50.0))[0]
    with pytest.raises(DesyncError, match="derived other table rows"):
        decode(exact, [[dataclasses.replace(frame, rows_crc=frame.rows_crc ^ 1)]], at(50.0), (5, 7))


def test_a_damaged_stream_is_refused(exact):
    (frame,) = compress(exact, series(exact, 1, 1, (5, 7)), at(50.0))[0]
    for stream in (
        b"",
        frame.stream[:-2],
        frame.stream + b"\0\0",
        bytes(len(frame.stream)),
        b"\xff" * len(frame.stream),
    ):
        with pytest.raises((DamagedChunkError, DesyncError)):
            decode(exact, [[dataclasses.replace(frame, stream=stream)]], at(50.0), (5, 7))


def test_tiny_models_are_the_same_for_a_seed_and_leave_the_random_state(family):
    state = torch.random.get_rng_state()
    a, b, c = tiny_model(family, 0), tiny_model(family, 0), tiny_model(family, 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    for (name, first), second, third in zip(
        a.named_parameters(), b.parameters(), c.parameters(), strict=True
    ):
        assert torch.equal(first, second)
        assert first.any()
        if "norm" not in name and "embed" not in name and "log_gain" not in name:
            assert not torch.equal(first, third), name
