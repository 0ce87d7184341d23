"""Chunks of every released format version decode for ever, to the same numbers."""

import pathlib

import numpy as np
import pytest

from tec_zarr import TerraCodec
from tec_zarr.codec.metrics import measured

GOLDEN = pathlib.Path(__file__).with_name("golden")
CASES = {
    "v3-uint16-nodata": (1.0, 0),
    "v3-uint16-native-grid": (1.0, 0),
    "v3-uint16-key-dates-and-groups": (1.0, 0),
    "v3-uint16-no-network": (1.0, 0),
    "v3-uint16-finest": (1.0, 0),
    "v3-uint16-bound": (1.0, 0),
    "v3-uint16-lossless": (0.0, 0),
    "v3-int16-near-lossless": (0.0, -9999),
    "v3-float32-bounds-by-band": (1e-4, 0),
    "v3-float64-lossless": (0.0, 0),
    "v3-big-endian-single-date": (1.0, 0),
    "v3-uint16-written-in-parts": (1.0, 0),
}
"""By how much another machine may decode other numbers, and nodata. What has no learned layer is
the same on all of them."""


@pytest.mark.parametrize("name", CASES)
def test_golden_file(name):
    unit, nodata = CASES[name]
    expected = np.load(GOLDEN / f"{name}.npy")
    decoded = TerraCodec().decode((GOLDEN / f"{name}.tecz").read_bytes())
    assert decoded.dtype.str == expected.dtype.str
    valid = measured(expected, nodata)
    np.testing.assert_array_equal(measured(decoded, nodata), valid)
    assert (~valid).any()
    difference = np.abs(decoded[valid].astype(np.float64) - expected[valid]).max()
    assert difference <= 1.0001 * unit


def test_bounded_bands_of_a_golden_file_are_the_same_everywhere():
    """B04 and B08 of a mapping of bounds, whose other bands are left to the learned layer."""
    expected = np.load(GOLDEN / "v3-float32-bounds-by-band.npy")
    decoded = TerraCodec().decode((GOLDEN / "v3-float32-bounds-by-band.tecz").read_bytes())
    np.testing.assert_array_equal(decoded[:, [2, 3]], expected[:, [2, 3]])


def test_no_golden_file_is_forgotten():
    assert {path.stem for path in GOLDEN.glob("*.tecz")} == set(CASES)
