import dataclasses
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.errors import DamagedChunkError
from tec_zarr.transform import side_coding, side_models
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.basis import ONE

steps = st.sampled_from([0.5, 10.0, 300.0, 3000.0])


def sides(seed, bands, size, dates, step, live_share):
    """Side information of a few dates, the step of the last one another."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(0, 1, (bands, bands))
    out = []
    for date in range(dates):
        noise = rng.normal(0, 10 ** rng.uniform(0, 4), (bands, *size))
        dn = (1000 + np.einsum("ij,jyx->iyx", mix, noise)).astype(np.float32)
        own = step * 1.5 if date == 2 else step
        side, coefficients = Spectrum.of(dn).at(own, out[-1] if out else None)
        live = np.abs(coefficients).max((2, 3)) > 0.65
        live &= rng.random(live.shape) < live_share
        out.append(side.with_live(live))
    return out


def assert_same(one, other):
    for field in dataclasses.fields(one):
        if field.name != "zones":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 2, 4, 12, 13, 64]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    steps,
    st.sampled_from([0, 0.5, 1]),
)
@settings(max_examples=60, deadline=None)
def test_round_trip(seed, bands, size, step, live_share):
    before = None
    for side in sides(seed, bands, size, 3, step, live_share):
        parsed = side_coding.parse(side_coding.pack(side, before), bands, before)
        assert_same(parsed, side)
        before = side


@given(st.integers(0, 2**32), st.sampled_from(["cut", "flip", "random", "longer"]), steps)
@settings(max_examples=100, deadline=None)
def test_damage_raises_or_stays_within_limits(seed, damage, step):
    rng = np.random.default_rng(seed)
    first, second = sides(1, 12, (20, 20), 2, step, 1)
    before = first if rng.random() < 0.5 else None
    data = bytearray(side_coding.pack(second, before) if before else side_coding.pack(first, None))
    if damage == "cut":
        data = data[: rng.integers(len(data))]
    elif damage == "flip":
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif damage == "random":
        data = bytearray(rng.bytes(rng.integers(300)))
    else:
        data += rng.bytes(3)
    began = time.perf_counter()
    try:
        side = side_coding.parse(bytes(data), 12, before)
    except DamagedChunkError:
        return
    assert time.perf_counter() - began < 2
    assert np.abs(side.bases).max() <= 1.001 * ONE
    assert np.isfinite(side.means).all()
    assert side.live.shape == (12, 256)


def test_a_flat_date_takes_a_few_bytes():
    dn = np.full((12, 64, 64), 1000, np.float32)
    side, _ = Spectrum.of(dn).at(300.0, None)
    side = side.with_live(np.zeros((12, 256), bool))
    assert len(side_coding.pack(side, None)) <= 12
    assert len(side_coding.pack(side, side)) <= 4


@pytest.mark.parametrize("step", [1e-3, 0.5, 1.0, 1.19, 2.0, 3.9999, 4.0, 300.0, 1e6])
def test_quarter_octaves_are_whole_parts_of_the_logarithm(step):
    assert side_models.quarter_octaves(step) == math.floor(4 * math.log2(step) + 1e-9)
