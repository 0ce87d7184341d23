import dataclasses

import numpy as np
import pytest
import torch

from tec_zarr.errors import DamagedChunkError, DesyncError
from tec_zarr.models import coding
from tec_zarr.models.coding import ExactPrior, Layout, SeriesDecoder, compress
from tec_zarr.models.patching import from_blocks, pad_to_blocks, to_blocks, to_windows
from tec_zarr.testing.models import tiny_model

LATENTS = 8
SIZES = [(1, 1), (5, 7), (4, 4), (9, 3)]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tiny models gain nothing from threads, and lose much where other work keeps the cores busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def exact():
    return ExactPrior(tiny_model())


def series(n, times, size, seed=0, spread=2.0):
    """Integer latents (n, times, 8, h, w), one in a hundred of them far out."""
    rng = np.random.default_rng(seed)
    values = np.rint(rng.normal(size=(n, times, LATENTS, *size)) * spread)
    values[rng.random(values.shape) < 0.01] *= 5000
    return torch.from_numpy(values)


def decode(exact, coded, qualities, size):
    """Latents (n, times, ...) and features of coded series."""
    decoder = SeriesDecoder(exact, qualities, *size)
    frames = [decoder.decompress(list(frames)) for frames in zip(*coded, strict=True)]
    return tuple(torch.stack(part, 1) for part in zip(*frames, strict=True))


def teacher_forced(exact, y_hat, qualities):
    """Features (n, times, width, h, w) from one pass over latents that are all known."""
    n, times, _, height, width = y_hat.shape
    padded = pad_to_blocks(y_hat.flatten(0, 1))
    by_time = padded.unflatten(0, (n, times)).transpose(0, 1).flatten(0, 1)
    unit, weights = exact.condition(torch.tensor(qualities, dtype=torch.float64))
    windows, blocks = (part.unflatten(0, (times, -1)) for part in (to_windows(by_time, exact.window), to_blocks(by_time)))
    count = blocks.shape[1] // n
    each = [part.repeat_interleave(count, 0) for part in (unit, weights)]
    features = exact.prior.teacher_forced(windows, blocks, exact.prior.opening(weights, count), *each)
    planes = from_blocks(features.flatten(0, 1), *padded.shape[-2:]).unflatten(0, (times, n)).transpose(0, 1)
    return planes[..., :height, :width]


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_round_trip_is_exact_and_features_are_those_of_one_pass(exact, size, times):
    y = series(1, times, size, seed=times)
    before = y.clone()
    coded = compress(exact, y, [37.5])
    assert torch.equal(y, before)
    assert [len(frames) for frames in coded] == [times]
    y_hat, features = decode(exact, coded, [37.5], size)
    assert y_hat.dtype == features.dtype == torch.float64
    assert torch.equal(y_hat, y)
    torch.testing.assert_close(features, teacher_forced(exact, y, [37.5]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_batches_give_the_streams_of_single_series(exact, size):
    qualities = [1.0, 50.0, 100.0]
    y = series(3, 3, size)
    together = compress(exact, y, qualities)
    assert together == [compress(exact, y[i : i + 1], [q])[0] for i, q in enumerate(qualities)]
    assert torch.equal(decode(exact, together, qualities, size)[0], y)
    for i, quality in enumerate(qualities):
        assert torch.equal(decode(exact, together[i : i + 1], [quality], size)[0], y[i : i + 1])


def test_encoding_and_decoding_in_small_passes_change_nothing(exact, monkeypatch):
    y = series(2, 3, (9, 11))
    coded = compress(exact, y, [20.0, 80.0])
    monkeypatch.setattr(coding, "PASS", 2)
    assert compress(exact, y, [20.0, 80.0]) == coded
    assert torch.equal(decode(exact, coded, [20.0, 80.0], (9, 11))[0], y)


def test_more_blocks_than_a_group(exact):
    size = (3, 4 * coding.GROUP + 7)
    assert [g.stop - g.start for g in Layout(*size).groups()] == [256, 2]
    y = series(1, 2, size)
    y_hat, features = decode(exact, compress(exact, y, [50.0]), [50.0], size)
    assert torch.equal(y_hat, y)
    torch.testing.assert_close(features, teacher_forced(exact, y, [50.0]), rtol=0, atol=1e-12)


def test_extreme_latents_round_trip(exact):
    y = torch.tensor([-(2.0**24), 2.0**24, 0.0, 1.0]).repeat(2 * LATENTS * 4).reshape(1, 2, LATENTS, 4, 4).double()
    assert torch.equal(decode(exact, compress(exact, y, [50.0]), [50.0], (4, 4))[0], y)


def test_the_frame_before_has_influence(exact):
    """Another first frame gives the second one other rows."""
    y = series(1, 2, (8, 8))
    other = y.clone()
    other[:, 0] += 3
    a, b = (compress(exact, frames, [50.0])[0] for frames in (y, other))
    assert a[1].rows_crc != b[1].rows_crc


@pytest.mark.parametrize("relative", [1e-15, 1e-14])
def test_a_machine_that_rounds_otherwise_decodes_the_same(exact, relative):
    """Float64 kernels differ by some 1e-15: a prior whose weights do must give the same integers."""
    other = ExactPrior(tiny_model())
    noise = torch.Generator().manual_seed(3)
    for parameter in other.prior.parameters():
        parameter.mul_(1 + relative * torch.randn(parameter.shape, generator=noise, dtype=torch.float64))
    y = series(1, 3, (9, 7))
    coded = compress(exact, y, [60.0])
    y_hat, features = decode(other, coded, [60.0], (9, 7))
    assert torch.equal(y_hat, y)
    assert not torch.equal(features, teacher_forced(exact, y, [60.0]))


@pytest.mark.parametrize(
    "name", ["start", "first_frame", "mean_head.4.bias", "scale_head.4.bias", "token_positions", "joint_positions"]
)
def test_other_weights_are_told(exact, name):
    other = ExactPrior(tiny_model())
    changed = dict(other.prior.named_parameters())[name]
    changed += 0.5 * torch.randn(changed.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    coded = compress(exact, series(1, 2, (5, 7)), [50.0])
    with pytest.raises((DesyncError, DamagedChunkError)):
        decode(other, coded, [50.0], (5, 7))


def test_another_quality_is_told(exact):
    coded = compress(exact, series(1, 1, (5, 7)), [50.0])
    with pytest.raises((DesyncError, DamagedChunkError)):
        decode(exact, coded, [51.0], (5, 7))


def test_rows_that_differ_are_a_desync(exact):
    (frame,) = compress(exact, series(1, 1, (5, 7)), [50.0])[0]
    with pytest.raises(DesyncError, match="derived other table rows"):
        decode(exact, [[dataclasses.replace(frame, rows_crc=frame.rows_crc ^ 1)]], [50.0], (5, 7))


def test_a_damaged_stream_is_refused(exact):
    (frame,) = compress(exact, series(1, 1, (5, 7)), [50.0])[0]
    for stream in (b"", frame.stream[:-2], frame.stream + b"\0\0", bytes(len(frame.stream)), b"\xff" * len(frame.stream)):
        with pytest.raises((DamagedChunkError, DesyncError)):
            decode(exact, [[dataclasses.replace(frame, stream=stream)]], [50.0], (5, 7))


@pytest.mark.parametrize("size", [*SIZES, (8, 12), (3, 4 * 300 + 1)])
def test_the_order_of_a_frame_is_a_permutation_without_the_padding(size):
    layout = Layout(*size)
    y = torch.arange(1.0, 1 + 2 * size[0] * size[1]).reshape(1, 2, *size)
    blocks = to_blocks(pad_to_blocks(y)).numpy()
    ordered = layout.order(blocks)
    np.testing.assert_array_equal(np.sort(ordered), y.flatten())
    assert layout.coded().sum() == size[0] * size[1]
    steps = layout.steps(2)
    assert len(steps) == 16 * len(layout.groups())
    assert [step.start for step in steps] == [0, *(step.stop for step in steps[:-1])]
    assert steps[-1].stop == ordered.size


def test_the_order_is_token_by_token_then_blocks_then_channels():
    y = torch.stack([torch.arange(32).reshape(4, 8), 100 + torch.arange(32).reshape(4, 8)])[None]
    ordered = Layout(4, 8).order(to_blocks(y).numpy())
    assert ordered[:12].tolist() == [0, 100, 4, 104, 1, 101, 5, 105, 2, 102, 6, 106]


def test_tiny_models_are_the_same_for_a_seed_and_leave_the_random_state():
    state = torch.random.get_rng_state()
    a, b, c = tiny_model(0), tiny_model(0), tiny_model(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    for (name, first), second, third in zip(a.named_parameters(), b.parameters(), c.parameters(), strict=True):
        assert torch.equal(first, second)
        assert first.any()
        if "norm" not in name and "embed.1" not in name and "log_gain" not in name:
            assert not torch.equal(first, third), name
