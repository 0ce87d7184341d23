import numpy as np
import pytest

from tec_zarr.transform.repetition import find_repeats


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("size", [(4, 4), (7, 12), (16, 5)])
def test_the_phase_of_repeated_bands_is_found(size, dtype):
    samples = np.random.default_rng(0).integers(0, 9000, (3, 12, 12)).astype(dtype)
    pixels = samples.repeat(2, axis=1).repeat(2, axis=2)
    for y in (0, 1):
        for x in (0, 1):
            dn = pixels[:, y : y + size[0], x : x + size[1]].copy()
            # A cell of the last band has one pixel that differs.
            dn[2, 2, 2] += 1
            repeats = find_repeats(dn)
            expected = np.zeros((2, 2), bool)
            expected[y, x] = True
            np.testing.assert_array_equal(repeats, [expected, expected, np.zeros((2, 2), bool)])


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (20, 2)])
def test_tiny_bands_do_not_count(size):
    assert not find_repeats(np.ones((2, *size), np.uint16)).any()


def test_constant_bands_do_not_count():
    assert not find_repeats(np.full((2, 16, 16), 7, np.uint16)).any()
