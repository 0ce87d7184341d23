"""Which chunks a sample holds."""

import numpy as np

from tec_zarr.stores import sampling


def test_beginnings_of_the_order_are_spread_over_all():
    for count in (1, 2, 7, 50, 1000):
        order = sampling.spread_out(count)
        assert sorted(order) == list(range(count))
        for most in range(1, count + 1, max(1, count // 20)):
            gaps = np.diff([-1, *sorted(order[:most]), count])
            assert gaps.max() <= 3 * count / most + 2
