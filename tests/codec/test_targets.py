import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Target
from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.reaching import SMALL_CHUNK
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.targets import MAX_TRIALS, Goal, cheapest, make_goal, search
from tec_zarr.errors import TargetError, TargetWarning
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic import series


def reached(name: str, array: np.ndarray, chunk: bytes) -> float:
    decoded = decode_chunk(chunk)
    return {
        "psnr": lambda: metrics.psnr(array, decoded, array != 0),
        "rmse": lambda: metrics.rmse(array, decoded, array != 0),
        "bppb": lambda: metrics.bppb(len(chunk), array.size),
        "ratio": lambda: array.nbytes / len(chunk),
    }[name]()


def near(name: str, found: float, asked: float) -> bool:
    if name == "psnr":
        return abs(found - asked) <= 0.05
    return abs(found / asked - 1) <= (0.006 if name == "rmse" else 0.02)


def enough(name: str, found: float, asked: float) -> bool:
    """Near, or better than asked for: fewer errors, or fewer bits."""
    better = found > asked if name in ("psnr", "ratio") else found < asked
    return better or near(name, found, asked)


TARGETS = [
    ("psnr", 34),
    ("psnr", 41.5),
    ("rmse", 190),
    ("rmse", 90.5),
    ("bppb", 0.03),
    ("bppb", 0.15),
    ("ratio", 80),
]


@pytest.mark.parametrize(("name", "value"), TARGETS)
def test_targets_are_met_on_real_imagery(site, name, value):
    crop = np.ascontiguousarray(site[:, :, 64:192, 64:192])
    chunk = encode_chunk(crop, Settings(**{name: value}))
    assert near(name, reached(name, crop, chunk), value)
    assert container.parse(chunk).header.target == Target(name, value)


def test_reflectance_is_measured_in_its_own_units(site):
    crop = (site[:2, :, :96, :96] * 1e-4).astype(np.float32)
    decoded = decode_chunk(encode_chunk(crop, Settings(rmse=0.0150)))
    assert metrics.rmse(crop, decoded, crop != 0) == pytest.approx(0.0150, rel=0.02)
    decoded = decode_chunk(encode_chunk(crop, Settings(psnr=37)))
    assert metrics.psnr(crop, decoded, crop != 0, 1e-4) == pytest.approx(37, abs=0.05)


@settings(max_examples=12, deadline=None)
@given(
    target=st.sampled_from(TARGETS),
    corner=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    size=st.tuples(st.integers(8, 56), st.integers(8, 56)),
    dates=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
    bands=st.permutations(L2A).flatmap(
        lambda names: st.integers(1, 12).map(lambda n: tuple(names[:n]))
    )
    | st.just(L2A),
)
def test_any_crop_meets_its_target_or_says_that_it_does_not(
    site, target, corner, size, dates, bands
):
    """`benchmarks/targets.py` does so at length."""
    name, value = target
    crop = site[dates][:, [L2A.index(band) for band in bands], corner[0] :, corner[1] :][
        ..., : size[0], : size[1]
    ]
    crop = np.ascontiguousarray(crop)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        chunk = encode_chunk(crop, Settings(**{name: value}, bands=bands, best_effort=True))
    contents = container.parse(chunk)
    target = contents.header.target
    found = reached(name, crop, chunk)
    assert target.met == enough(name, found, value)
    # A size that a small chunk, or one without symbols, cannot reach is no fault: it only says so.
    frames = [Frame.parse(section.data) for section in contents.sections]
    has_symbols = any(frame.coded.stream for frame in frames if frame.coded)
    is_excused = name in ("bppb", "ratio") and (crop.size < SMALL_CHUNK or not has_symbols)
    assert [w.category for w in warned] == [TargetWarning] * (not target.met and not is_excused)


@pytest.mark.parametrize(
    ("name", "value"), [("psnr", 100), ("rmse", 1e-3), ("bppb", 1e-3), ("ratio", 1e5)]
)
def test_what_cannot_be_met_raises_or_is_noted(name, value):
    array = series(1, 64, seed=1).values
    with pytest.raises(
        TargetError, match=rf"{name}={value:g} cannot be met.*the nearest is .*best_effort=True"
    ):
        encode_chunk(array, Settings(**{name: value}))
    with pytest.warns(TargetWarning, match=f"{name}={value:g} cannot be met"):
        chunk = encode_chunk(array, Settings(**{name: value}, best_effort=True))
    header = container.parse(chunk).header
    assert header.target == Target(name, value, met=False)
    assert header.quality == (100 if name in ("psnr", "rmse") else 1)
    assert decode_chunk(chunk).shape == array.shape


@pytest.mark.parametrize(("name", "value"), [("psnr", 5), ("bppb", 15), ("ratio", 2)])
def test_more_than_was_asked_for_is_enough(name, value):
    array = series(1, 32, seed=1).values
    chunk = encode_chunk(array, Settings(**{name: value}))
    assert enough(name, reached(name, array, chunk), value)
    assert container.parse(chunk).header.target == Target(name, value)


@pytest.mark.parametrize("name", ["psnr", "rmse", "bppb", "ratio"])
@pytest.mark.parametrize("shape", [(1, 12, 1, 1), (2, 4, 3, 2), (2, 12, 64, 64)])
def test_flat_and_tiny_chunks_meet_every_target(name, shape):
    array = np.full(shape, 1234, np.uint16)
    value = {"psnr": 40, "rmse": 50, "bppb": 0.1, "ratio": 50}[name]
    chunk = encode_chunk(array, Settings(**{name: value}))
    assert container.parse(chunk).header.target == Target(
        name, value, enough(name, reached(name, array, chunk), value)
    )
    assert np.abs(decode_chunk(chunk).astype(int) - array).max() <= 50


def test_a_small_chunk_that_cannot_be_small_enough_says_so_and_does_not_fail(site):
    """What 256 x 256 pixels reach, their chunk at the edge of an array need not."""
    crop = np.ascontiguousarray(site[:1, :, :19, :12])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chunk = encode_chunk(crop, Settings(bands=L2A, bppb=0.03))
    assert container.parse(chunk).header.target == Target("bppb", 0.03, met=False)
    assert len(chunk) < 80


def test_nothing_valid_asks_for_nothing():
    array = np.zeros((2, 12, 16, 16), np.uint16)
    np.testing.assert_array_equal(decode_chunk(encode_chunk(array, Settings(psnr=40))), array)


def test_a_target_and_a_bound_together(site):
    crop = np.ascontiguousarray(site[:2, :, :96, :96])
    chunk = encode_chunk(crop, Settings(bands=L2A, bppb=0.3, max_error={"B02": 50}))
    decoded = decode_chunk(chunk)
    assert metrics.bppb(len(chunk), crop.size) == pytest.approx(0.3, rel=0.02)
    assert np.abs(crop[:, 1].astype(int) - decoded[:, 1]).max() <= 50


@given(
    value=st.floats(20, 60),
    slope=st.floats(0.02, 0.5),
    bend=st.floats(-0.9, 0.9),
    start=st.floats(-100, 200),
    at=st.floats(10, 40),
)
@settings(deadline=None, max_examples=200)
def test_search_finds_what_there_is(value, slope, bend, start, at):
    tried = []

    def measure(quality):
        tried.append(quality)
        u = (quality - 1) / 99
        return at + 99 * slope * (u + bend * u * (1 - u))

    quality, met = search(measure, Goal(value, 0.1, 0.125, start, at_least=True))
    inside = measure(1) <= value <= measure(100)
    assert len(tried) <= MAX_TRIALS + 2
    short = value - measure(quality)
    assert met == (short <= 0.1) or short == pytest.approx(0.1, abs=1e-9)
    assert not inside or abs(measure(quality) - value) <= 0.1
    assert met or not inside
    assert all(1 <= q <= 100 for q in tried)


def test_search_takes_few_trials_where_the_slope_is_as_expected():
    tried = []
    goal = make_goal(Target("psnr", 37.0), 1.0, 2)

    def measure(quality):
        tried.append(quality)
        return 19 + 0.56 * quality - 0.0003 * quality**2

    assert search(measure, goal)[1]
    assert len(tried) <= 4


def test_search_survives_infinite_decibels():
    quality, met = search(
        lambda q: math.inf if q > 40 else 30 + q / 8, Goal(34.0, 0.1, 0.125, 90, at_least=True)
    )
    assert met
    assert quality == pytest.approx(32, abs=1)


@pytest.mark.parametrize("first", [1, 40, 64, 100])
@pytest.mark.parametrize("best", [1, 50, 100])
def test_cheapest_goes_downhill(first, best):
    tried = []

    def measure(quality):
        tried.append(quality)
        return (quality - best) ** 2

    found = cheapest(measure, first)
    assert abs(found - best) <= max(2.5, abs(first - best) - 15)
    assert len(set(tried)) == len(tried) <= 5
    assert all(1 <= quality <= 100 for quality in tried)


@pytest.mark.parametrize("psnr", [32, 38, 45, 60])
@pytest.mark.parametrize("side", [1, 3, 9, 20, 33])
def test_small_chunks_are_at_least_as_good_as_asked_for(site, side, psnr):
    crop = np.ascontiguousarray(site[:2, :, 100 : 100 + side, 70 : 70 + side])
    chunk = encode_chunk(crop, Settings(psnr=psnr))
    assert metrics.psnr(crop, decode_chunk(chunk), crop != 0) >= psnr - 0.05
