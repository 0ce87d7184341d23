import numpy as np

from tec_zarr.transform import spread


def test_the_network_takes_2048_different_channels():
    channels = spread.network_channels()
    assert channels.shape == (2048,)
    assert np.unique(channels).size == 2048
    assert channels.min() >= 0
    assert channels.max() < 12 * 256


def test_components_beyond_the_twelfth_take_its_spread():
    known = spread.known_spread()
    assert known.shape == (12, 256)
    np.testing.assert_array_equal(spread.spread_of(64)[:12], known)
    np.testing.assert_array_equal(spread.spread_of(64)[12:], np.repeat(known[11:], 52, axis=0))
    np.testing.assert_array_equal(spread.spread_of(3), known[:3])
