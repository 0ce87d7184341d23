import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tec_zarr.entropy import grid
from tec_zarr.entropy.distribution import FRACTIONS, MAX_SCALE, MIN_SCALE, SCALES
from tec_zarr.entropy.symbols import SymbolDecoder, SymbolEncoder
from tec_zarr.entropy.tables import MIXTURE_ROWS
from tec_zarr.errors import InvalidInputError

SCALE_STEPS = np.geomspace(MIN_SCALE, MAX_SCALE, SCALES)
HALF = FRACTIONS // 2
means_of = hnp.arrays(np.float64, 20, elements=st.floats(-1e4, 1e4))
scales_of = hnp.arrays(np.float64, 20, elements=st.floats(1e-3, 1e3))
offsets = st.integers(0, grid.OFFSETS - 1)


def parts(placement):
    """Means and scale indices that a placement stands for."""
    scale_index, fraction = np.divmod(placement.rows, FRACTIONS)
    return placement.centers + (fraction - HALF) / FRACTIONS, scale_index


@given(means_of, hnp.arrays(np.float64, 20, elements=st.floats(1e-3, MAX_SCALE)))
@settings(deadline=None, max_examples=100)
def test_values_go_to_the_nearest_row(means, scales):
    placement = grid.place(means, scales, 0)
    assert placement.centers.dtype == placement.rows.dtype == np.int32
    placed, scale_index = parts(placement)
    assert np.abs(placed - means).max() <= 0.5 / FRACTIONS + 1e-9
    distance = np.abs(np.log(np.clip(scales, MIN_SCALE, MAX_SCALE))[:, None] - np.log(SCALE_STEPS))
    chosen = distance[np.arange(20), scale_index]
    assert (chosen <= distance.min(axis=1) + 1e-9).all()


@given(st.integers(-3000, 3000), st.integers(0, SCALES - 1))
@settings(deadline=None, max_examples=50)
def test_grid_points_are_their_own_rows_with_the_widest_margin(n, scale_index):
    placement = grid.place(np.array([n / FRACTIONS]), SCALE_STEPS[[scale_index]], 0)
    placed, found = parts(placement)
    assert placed[0] == n / FRACTIONS
    assert found[0] == scale_index
    assert placement.margin == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-4, 0.1, 0.3])
@pytest.mark.parametrize("side", [-1, 1])
def test_margin_is_the_distance_of_the_closest_value_from_a_rounding_edge(distance, side):
    means = np.array([1.0, (7.5 + side * distance) / FRACTIONS, -3.0])
    assert grid.place(means, SCALE_STEPS[:3], 0).margin == pytest.approx(distance, abs=1e-12)
    ratio = (MAX_SCALE / MIN_SCALE) ** (1 / (SCALES - 1))
    scales = MIN_SCALE * ratio ** np.array([3, 7.5 + side * distance, 9])
    assert grid.place(np.zeros(3), scales, 0).margin == pytest.approx(distance, abs=1e-12)


def test_a_value_on_an_edge_moves_the_grid():
    offset, placement = grid.place_unambiguous(np.array([0.5 / FRACTIONS]), np.array([1.0]))
    assert offset > 0
    assert placement.margin >= grid.GUARD
    again = grid.place(np.array([0.5 / FRACTIONS]), np.array([1.0]), offset)
    assert (again.centers[0], again.rows[0], again.margin) == (
        placement.centers[0],
        placement.rows[0],
        placement.margin,
    )


def test_values_off_the_edges_take_the_grid_as_it_is():
    assert grid.place_unambiguous(np.array([0.1, 2.0]), SCALE_STEPS[[4, 9]])[0] == 0


def test_an_offset_for_every_edge_is_looked_for():
    """Values on the edges of the first 200 grids leave only a later one."""
    moves = np.arange(200) * grid.NUDGE
    offset, placement = grid.place_unambiguous((0.5 - moves) / FRACTIONS, np.ones(200))
    assert offset == 200
    assert placement.margin >= grid.GUARD


def test_no_grid_left_is_an_error():
    moves = np.arange(grid.OFFSETS) * grid.NUDGE
    with pytest.raises(InvalidInputError, match="choose smaller chunks"):
        grid.place_unambiguous((0.5 - moves) / FRACTIONS, np.ones(grid.OFFSETS))


@given(means_of, scales_of, st.booleans(), st.data())
@settings(deadline=None, max_examples=150)
def test_a_disturbance_within_the_guard_changes_no_integer(means, scales, on_edges, data):
    if on_edges:  # the hardest case: values that stand on edges of the unmoved grid
        means = (np.rint(means * FRACTIONS) + 0.5) / FRACTIONS
    offset, placement = grid.place_unambiguous(means, scales)
    push = st.floats(-0.9 * grid.GUARD, 0.9 * grid.GUARD)
    a, b = (data.draw(hnp.arrays(np.float64, 20, elements=push)) for _ in range(2))
    step = np.log(MAX_SCALE / MIN_SCALE) / (SCALES - 1)
    other = grid.place(means + a / FRACTIONS, scales * np.exp(b * step), offset)
    np.testing.assert_array_equal(other.centers, placement.centers)
    np.testing.assert_array_equal(other.rows, placement.rows)
    assert grid.rows_crc(other.centers, other.rows) == grid.rows_crc(
        placement.centers, placement.rows
    )


@pytest.mark.parametrize("which", ["means", "scales", "both"])
@pytest.mark.parametrize("at", [0, 2])
def test_nan_is_an_error(which, at):
    means, scales = np.zeros(3), np.ones(3)
    if which != "scales":
        means[at] = np.nan
    if which != "means":
        scales[at] = np.nan
    with pytest.raises(FloatingPointError, match="not finite"):
        grid.place(means, scales, 0)
    with pytest.raises(FloatingPointError):
        grid.place_unambiguous(means, scales)


@given(
    hnp.arrays(np.float64, 8, elements=st.floats(allow_nan=False, allow_infinity=False)),
    hnp.arrays(np.float64, 8, elements=st.floats(0, allow_nan=False, allow_infinity=False)),
    offsets,
)
@settings(deadline=None, max_examples=100)
def test_extreme_means_and_scales_stay_within_the_tables_and_the_coder(means, scales, offset):
    placement = grid.place(means, scales, offset)
    rows, shifts = grid.cut(placement.rows)
    assert 0 <= rows.min() <= rows.max() < MIXTURE_ROWS
    assert 0 <= shifts.min() <= shifts.max() <= grid.MAX_SHIFT + 1
    assert np.abs(placement.centers.astype(np.int64)).max() <= 2**24 + 1
    symbols = np.clip(np.rint(means), -(2**24), 2**24).astype(np.int64)
    encoder = SymbolEncoder(offset=offset)
    encoder.step(means, scales, symbols)
    stream, _ = encoder.finish()
    decoder = SymbolDecoder(stream)
    np.testing.assert_array_equal(decoder.step(means, scales), symbols)
    decoder.finish()


def test_scales_beyond_the_tables_cost_what_their_entropy_says():
    rng = np.random.default_rng(0)
    scales = np.exp(rng.uniform(np.log(300), np.log(1e7), 20_000))
    values = np.rint(scales * rng.standard_normal(20_000))
    encoder = SymbolEncoder()
    encoder.step(np.zeros(20_000), scales, values)
    stream, _ = encoder.finish()
    entropy = np.log2(scales * np.sqrt(2 * np.pi * np.e)).sum() / 8
    assert len(stream.data) < 1.01 * entropy


@given(st.integers(-300, 300))
@settings(deadline=None, max_examples=60)
def test_rows_of_octaves_are_those_of_their_scales(eighths):
    placed = grid.place(np.zeros(1), np.array([2 ** (eighths / 8)]), 0)
    assert grid.rows_of_octaves(np.array([eighths]))[0] == placed.rows[0]


def test_the_ends_of_the_scales_are_reached_at_every_offset():
    for offset in (0, 1, 128, 255):
        _, scale_index = parts(
            grid.place(np.zeros(4), np.array([0.0, MIN_SCALE, MAX_SCALE, 1e300]), offset)
        )
        last = scale_index[3]
        assert scale_index.tolist()[:3] == [0, 0, SCALES - 1]
        assert grid.cut(np.array([last * FRACTIONS]))[1][0] in (grid.MAX_SHIFT, grid.MAX_SHIFT + 1)


def test_nothing_to_place():
    offset, placement = grid.place_unambiguous(np.empty(0), np.empty(0))
    assert (offset, placement.centers.size, placement.rows.size) == (0, 0, 0)


def test_rows_crc_continues_and_tells_centers_from_rows():
    a, b = np.array([1, 2], np.int32), np.array([3, 4], np.int32)
    assert grid.rows_crc(a, b) == grid.rows_crc(a.astype(">i8"), b)
    crcs = {
        grid.rows_crc(a, b),
        grid.rows_crc(b, a),
        grid.rows_crc(a, b[::-1]),
        grid.rows_crc(a, b, grid.rows_crc(a, b)),
    }
    assert len(crcs) == 4
    assert grid.rows_crc(a, b, grid.rows_crc(b, a)) == grid.rows_crc(
        np.concatenate([b, a]), np.concatenate([a, b])
    )
