import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.prior.live import live_channels
from tec_zarr.prior.rounding import BITS_PER_SQUARED_STEP, bits, cheaper, quantize


def test_plain_rounding_has_a_dead_zone():
    values = np.array([-1.6, -0.64, -0.66, 0.0, 0.64, 0.66, 1.64, 1.66])
    np.testing.assert_array_equal(quantize(values, 0.15), [-1, 0, -1, 0, 0, 1, 1, 2])


def test_bits_are_those_of_a_distribution():
    symbols = np.arange(-400.0, 401)
    for mean, scale in ((0.0, 0.1), (0.3, 1.0), (-7.2, 20.0)):
        found = bits(symbols, np.full(801, mean), np.full(801, scale))
        assert abs(np.exp2(-found).sum() - 1) < 1e-3


@given(st.floats(-50, 50), st.floats(-5, 5), st.floats(0.06, 30))
@settings(deadline=None, max_examples=200)
def test_what_is_chosen_costs_no_more_than_the_nearest(value, mean, scale):
    coefficient, means, scales = np.array([[value]]), np.array([[mean]]), np.array([[scale]])

    def cost(symbol):
        return bits(symbol, means, scales) + BITS_PER_SQUARED_STEP * (coefficient - symbol) ** 2

    chosen = cheaper(coefficient, means, scales)
    assert cost(chosen) <= cost(quantize(coefficient, 0.1)) + 1e-9
    assert abs(chosen) <= abs(np.rint(coefficient))


def test_a_channel_of_one_small_symbol_is_not_worth_it():
    coefficients = np.zeros((2, 256, 256), np.float32)
    coefficients[0, 5, 7] = 0.7
    coefficients[1, 5] = np.random.default_rng(0).normal(0, 3, 256)
    unit = np.full((2, 256), 0.05)
    unit[1, 5] = 3
    live = live_channels(coefficients, unit, 1)
    assert live.sum() == 1
    assert live[1, 5]
    assert live_channels(coefficients, unit, 0).sum() == 2
