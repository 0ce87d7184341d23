import numpy as np
import pytest
import torch

from tec_zarr.models.published.coding import past, temporal
from tec_zarr.models.published.coding.temporal import TemporalCoder
from tec_zarr.models.published.coding.token_order import GROUP, Layout
from tec_zarr.models.published.patching import from_blocks, pad_to_blocks, to_blocks, to_windows
from tec_zarr.testing.models import tiny_model

pytestmark = pytest.mark.usefixtures("one_thread")

SIZES = [(1, 1), (5, 7), (4, 4), (9, 3)]
FAMILIES = ("tec-tt", "flextec")


@pytest.fixture(scope="module", params=FAMILIES)
def exact(request):
    return TemporalCoder(tiny_model(request.param))


@pytest.fixture(scope="module")
def flextec():
    return TemporalCoder(tiny_model("flextec"))


def at(*qualities):
    """Conditions of these qualities with all bands there."""
    return tiny_model().condition(torch.tensor(qualities, dtype=torch.float64))


def series(exact, n, times, size, seed=0):
    """Integer latents (n, times, latents, h, w)."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(
        np.rint(rng.normal(size=(n, times, len(exact.latent_spread), *size)) * 2)
    )


def all_tokens(y):
    return [[16] * y.shape[1]] * len(y)


def decode(exact, coded, condition, size):
    """Latents (n, times, ...) and features of coded series."""
    decoder = exact.decoder(condition, *size)
    frames = [decoder.decompress(list(frames)) for frames in zip(*coded, strict=True)]
    return tuple(torch.stack(part, 1) for part in zip(*frames, strict=True))


def teacher_forced(exact, y_hat, condition):
    """Features (n, times, width, h, w) from one pass over latents that are all known."""
    n, times, _, height, width = y_hat.shape
    padded = pad_to_blocks(y_hat.flatten(0, 1))
    by_time = padded.unflatten(0, (n, times)).transpose(0, 1).flatten(0, 1)
    windows = to_windows(by_time, exact.prior.config.window).unflatten(0, (times, -1))
    tokens = exact.prior.arrange(to_blocks(by_time)).unflatten(0, (times, -1))
    count = tokens.shape[1] // n
    each = [part.repeat_interleave(count, 0) for part in (exact.unit(condition), condition)]
    features = exact.prior.teacher_forced(windows, tokens, exact.prior.opening(condition), *each)
    planes = from_blocks(exact.prior.arrange(features.flatten(0, 1)), *padded.shape[-2:])
    return planes.unflatten(0, (times, n)).transpose(0, 1)[..., :height, :width]


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_features_of_cached_steps_are_those_of_one_pass(exact, size, times):
    y = series(exact, 1, times, size, seed=times)
    y_hat, features = decode(exact, exact.compress(y, at(37.5), all_tokens(y)), at(37.5), size)
    assert torch.equal(y_hat, y)
    torch.testing.assert_close(features, teacher_forced(exact, y, at(37.5)), rtol=0, atol=1e-12)


def test_encoding_and_decoding_in_small_passes_change_nothing(exact, monkeypatch):
    y = series(exact, 2, 3, (9, 11))
    coded = exact.compress(y, at(20.0, 80.0), all_tokens(y))
    monkeypatch.setattr(past, "PASS", 2 * exact.prior.config.width)
    assert exact.compress(y, at(20.0, 80.0), all_tokens(y)) == coded
    assert torch.equal(decode(exact, coded, at(20.0, 80.0), (9, 11))[0], y)


def test_a_prior_that_is_not_copied_computes_the_same(flextec, monkeypatch):
    monkeypatch.setattr(temporal, "MAX_COPIED", 0)
    model = tiny_model("flextec")
    shared = TemporalCoder(model)
    assert shared.prior is model.prior
    assert {p.dtype for p in shared.prior.parameters()} == {torch.float32}
    y, tokens = series(flextec, 1, 3, (9, 11)), [[16, 3, 16]]
    coded = flextec.compress(y, at(20.0), tokens)
    assert shared.compress(y, at(20.0), tokens) == coded
    (y_hat, features), (expected, close_to) = (
        decode(each, coded, at(20.0), (9, 11)) for each in (shared, flextec)
    )
    assert torch.equal(y_hat, expected)
    torch.testing.assert_close(features, close_to, rtol=0, atol=1e-12)


def test_more_blocks_than_a_group(exact):
    size = (3, 4 * GROUP + 7)
    assert [g.stop - g.start for g in exact.layout(*size).groups()] == [256, 2]
    y = series(exact, 1, 2, size)
    y_hat, features = decode(exact, exact.compress(y, at(50.0), all_tokens(y)), at(50.0), size)
    assert torch.equal(y_hat, y)
    torch.testing.assert_close(features, teacher_forced(exact, y, at(50.0)), rtol=0, atol=1e-12)


def test_the_frame_before_has_influence(exact):
    """Another first frame gives the second one other rows."""
    y = series(exact, 1, 2, (8, 8))
    other = y.clone()
    other[:, 0] += 3
    a, b = (exact.compress(frames, at(50.0), all_tokens(y))[0] for frames in (y, other))
    assert a[1].rows_crc != b[1].rows_crc


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tokens", [[1, 1, 1], [4, 16, 9], [16, 2, 16]])
def test_dropped_tokens_come_back_as_predicted_and_kept_ones_exactly(flextec, size, tokens):
    y = series(flextec, 1, 3, size)
    coded = flextec.compress(y, at(40.0), [tokens])
    assert [frame.kept or 16 for frame in coded[0]] == tokens
    y_hat, _ = decode(flextec, coded, at(40.0), size)
    slices = y.unflatten(2, (16, -1)), y_hat.unflatten(2, (16, -1))
    for t, kept in enumerate(tokens):
        assert torch.equal(slices[0][:, t, :kept], slices[1][:, t, :kept])
        assert kept == 16 or not torch.equal(slices[0][:, t, kept:], slices[1][:, t, kept:])
    again = flextec.compress(y_hat, at(40.0), [tokens])
    assert [frame.stream for frame in again[0]] == [frame.stream for frame in coded[0]]


def test_fewer_tokens_take_fewer_bytes(flextec):
    y = series(flextec, 1, 2, (8, 8))
    sizes = [
        sum(len(f.stream) for f in flextec.compress(y, at(40.0), [[k, k]])[0]) for k in range(1, 17)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 8


def test_batches_of_different_budgets_give_the_streams_of_single_series(flextec):
    y = series(flextec, 3, 2, (5, 9))
    tokens = [[3, 16], [16, 16], [1, 7]]
    together = flextec.compress(y, at(1.0, 50.0, 100.0), tokens)
    singles = [
        flextec.compress(y[i : i + 1], at(q), tokens[i : i + 1])[0]
        for i, q in enumerate((1.0, 50.0, 100.0))
    ]
    assert together == singles
    both, _ = decode(flextec, together, at(1.0, 50.0, 100.0), (5, 9))
    assert torch.equal(both[2:], decode(flextec, together[2:], at(100.0), (5, 9))[0])


def test_what_is_dropped_does_not_matter(flextec):
    y = series(flextec, 1, 2, (8, 8))
    other = y.clone()
    other[:, :, 8:] += 5
    tokens = [[8, 8]]
    assert flextec.compress(y, at(40.0), tokens) == flextec.compress(other, at(40.0), tokens)


@pytest.mark.parametrize("repacked", [False, True])
@pytest.mark.parametrize("size", [*SIZES, (8, 12), (3, 4 * 300 + 1)])
def test_a_layout_codes_everything_but_the_padding_once(size, repacked):
    layout = Layout(*size, 32, repacked)
    assert layout.coded.sum() == 32 * size[0] * size[1]
    seen = np.zeros_like(layout.coded, dtype=int)
    for group, token in layout.steps():
        seen[group, token] += 1
    assert (seen == 1).all()


def test_without_repacking_a_token_is_a_position_and_with_it_a_slice_of_channels():
    plain, repacked = (Layout(4, 2, 32, packed).coded[0] for packed in (False, True))
    inside = np.tile([True, True, False, False], 4)
    np.testing.assert_array_equal(plain, np.broadcast_to(inside[:, None], (16, 32)))
    np.testing.assert_array_equal(repacked, np.broadcast_to(np.repeat(inside, 2), (16, 32)))
