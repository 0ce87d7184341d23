import numpy as np
import pytest

from tec_zarr.transform.frame import Frame
from tec_zarr.transform.repetition import find_repeats


def repeated(size, phase, seed=0):
    """Two bands of random samples, each 2 x 2 times, cut so that a cell begins at `phase`."""
    samples = np.random.default_rng(seed).normal(0, 1000, (2, 22, 22)).astype(np.float32)
    pixels = samples.repeat(2, axis=1).repeat(2, axis=2)
    return pixels[:, phase[0] : phase[0] + size[0], phase[1] : phase[1] + size[1]]


@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("y", [4, 5, 15, 16, 17, 31, 40])
@pytest.mark.parametrize("x", [4, 7, 16, 32, 33])
def test_repeated_bands_go_on_to_be_in_what_is_padded(y, x, phase):
    dn = repeated((y, x), phase)
    frame = Frame.of((y, x), find_repeats(dn))
    padded = frame.pad(dn)
    assert frame.origin == phase
    assert padded.shape[1:] == frame.padded
    for row, column in ((0, 1), (1, 0), (1, 1)):
        np.testing.assert_array_equal(padded[:, ::2, ::2], padded[:, row::2, column::2])
    np.testing.assert_array_equal(frame.crop(padded), dn)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (16, 16), (17, 33)])
def test_any_size_is_padded_within_its_range_and_cropped_back(size):
    dn = np.random.default_rng(1).normal(0, 1000, (3, *size)).astype(np.float32)
    frame = Frame(size)
    padded = frame.pad(dn)
    assert padded.min() >= dn.min() - 1
    assert padded.max() <= dn.max() + 1
    np.testing.assert_array_equal(frame.crop(padded), dn)


def test_whole_blocks_are_left_alone():
    dn = np.zeros((2, 32, 16), np.float32)
    assert Frame((32, 16)).pad(dn) is dn


def test_a_flat_band_stays_flat():
    padded = Frame((5, 9)).pad(np.full((1, 5, 9), 1234, np.float32))
    np.testing.assert_array_equal(padded, 1234)
