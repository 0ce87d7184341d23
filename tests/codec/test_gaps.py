import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tec_zarr.codec.gaps import fill

BAD = (np.nan, np.inf, -np.inf, 3e38)


@st.composite
def planes(draw):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=17))
    plane = draw(hnp.arrays(np.float32, shape, elements=st.floats(-1e5, 1e5, width=32)))
    valid = draw(hnp.arrays(bool, shape))
    return np.where(valid, plane, np.float32(draw(st.sampled_from(BAD)))), valid


@given(planes())
@settings(deadline=None, max_examples=150)
def test_gaps_are_filled_from_the_range_of_the_valid_samples_which_stay(case):
    plane, valid = case
    before, mask = plane.tobytes(), valid.tobytes()
    filled = fill(plane, valid, 123.0)
    assert (plane.tobytes(), valid.tobytes()) == (before, mask)
    assert (filled.shape, filled.dtype) == (plane.shape, np.float32)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[valid], plane[valid])
    low, high = (plane[valid].min(), plane[valid].max()) if valid.any() else (123.0, 123.0)
    rounding = 1e-5 * max(abs(low), abs(high))
    assert low - rounding <= filled.min() <= filled.max() <= high + rounding


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (5, 8), (64, 33)])
def test_without_a_valid_sample_all_become_the_default(shape):
    filled = fill(np.full(shape, np.nan, np.float32), np.zeros(shape, bool), 42.5)
    assert filled.dtype == np.float32
    assert (filled == 42.5).all()


@pytest.mark.parametrize("shape", [(1, 9), (7, 1), (13, 9), (31, 64)])
def test_one_valid_sample_spreads_everywhere(shape):
    plane, valid = np.full(shape, np.nan, np.float32), np.zeros(shape, bool)
    plane[-1, 0], valid[-1, 0] = 17.0, True
    np.testing.assert_allclose(fill(plane, valid, 0.0), 17.0, rtol=1e-6)


def test_gaps_continue_what_is_around_them():
    """A hole in a ramp is filled with about the ramp, much closer than its mean would be."""
    ramp = np.add.outer(np.arange(64.0), 2 * np.arange(64.0)).astype(np.float32)
    valid = np.ones(ramp.shape, bool)
    valid[20:30, 24:40] = False
    filled = fill(np.where(valid, ramp, np.nan).astype(np.float32), valid, 0.0)
    error = np.abs(filled - ramp)[~valid]
    assert error.max() < 16
    assert error.mean() < np.abs(ramp[~valid] - ramp[valid].mean()).mean() / 3


def test_a_plane_without_gaps_is_not_copied():
    plane = np.ones((4, 4), np.float32)
    assert fill(plane, np.ones((4, 4), bool), 0.0) is plane
    assert not np.shares_memory(fill(plane, np.eye(4, dtype=bool), 0.0), plane)
