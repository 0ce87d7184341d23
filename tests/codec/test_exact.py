"""Samples that say nothing by themselves come back bit for bit, and count in no target."""

import numpy as np
import pytest

from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.exact import used_dates, without_content
from tec_zarr.codec.settings import Settings
from tec_zarr.synthetic import series


@pytest.fixture(scope="module")
def crop():
    return series(2, 40, seed=3).values


def psnr(original, decoded):
    error = decoded.astype(np.float64) - original
    return 20 * np.log10(1e4 / np.sqrt((error**2).mean()))


@pytest.mark.parametrize("fill", [0, 1, 65535])
def test_padding_at_the_edges_counts_in_no_target(crop, fill):
    """As Zarr pads chunks at the end of an array, whatever is nodata."""
    padded = np.full((3, 12, 64, 48), fill, np.uint16)
    padded[:2, :, :40, :40] = crop
    chunk = encode_chunk(padded, Settings(psnr=42, nodata=None))
    decoded = decode_chunk(chunk)
    assert psnr(crop, decoded[:2, :, :40, :40]) == pytest.approx(42, abs=0.1)
    inside = np.zeros(padded.shape, bool)
    inside[:2, :, :40, :40] = True
    assert (decoded[~inside] == fill).all()


def test_padding_of_floats(crop):
    padded = np.full((2, 12, 64, 64), np.nan, np.float32)
    padded[:, :, :40, :40] = crop * 1e-4
    decoded = decode_chunk(encode_chunk(padded, Settings(psnr=42, nodata=None)))
    assert psnr(crop, decoded[:, :, :40, :40] * 1e4) == pytest.approx(42, abs=0.1)


@pytest.mark.parametrize("value", [0, 1, 777, 65535])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 12, 20, 30), (2, 4, 1, 50)])
@pytest.mark.parametrize(
    "settings", [{}, {"psnr": 60}, {"rmse": 1}, {"ratio": 1}, {"max_error": 40}], ids=str
)
def test_flat_chunks_are_exact_and_meet_every_target(value, shape, settings):
    array = np.full(shape, value, np.uint16)
    decoded = decode_chunk(encode_chunk(array, Settings(nodata=None, **settings)))
    np.testing.assert_array_equal(decoded, array)


def test_a_flat_band_is_exact_and_the_others_as_without_it(crop):
    array = crop.copy()
    array[:, 5] = 4321
    array[1, 7] = 17
    chunk = encode_chunk(array, Settings(quality=40))
    decoded = decode_chunk(chunk)
    np.testing.assert_array_equal(decoded[:, 5], array[:, 5])
    np.testing.assert_array_equal(decoded[1, 7], array[1, 7])
    assert psnr(array, decoded) > 35


def test_one_pixel_is_exact(crop):
    array = np.ascontiguousarray(crop[:, :, :1, :1])
    decoded = decode_chunk(encode_chunk(array, Settings(quality=10)))
    np.testing.assert_array_equal(decoded, array)


@pytest.mark.parametrize(
    ("dtype", "scale", "value"),
    [
        ("u2", 1, 65535),
        ("u2", 1, 64600),
        ("i2", 1, -9999),
        ("i2", 1, -32768),
        ("f4", 1e-4, -9999.0),
        ("f4", 1e-4, 1e20),
        ("f4", 1e-4, 65535.0),
        ("f8", 1e-4, -3.4e38),
        ("f4", 1.0, -9999.0),
    ],
)
def test_impossible_values_come_back_and_spoil_no_neighbor(crop, dtype, scale, value):
    plain = (crop.astype(np.float64) * scale).astype(dtype)
    array = plain.copy()
    array[:, :, 10:13, 5:20] = value
    array[0, 3, 30, 30] = value
    strange = array == np.array(value, dtype)
    settings = Settings(quality=60, nodata=None, scale=scale)
    decoded = decode_chunk(encode_chunk(array, settings))
    np.testing.assert_array_equal(decoded[strange], array[strange])
    without = decode_chunk(encode_chunk(plain, settings))
    beside = ~strange
    found = np.abs(decoded[beside] - plain[beside].astype(np.float64)).max()
    expected = np.abs(without[beside] - plain[beside].astype(np.float64)).max()
    assert found <= 1.6 * expected


def test_measurements_of_another_kind_are_not_taken_for_impossible():
    """Where most of a band lies beyond, it holds something else than reflectance."""
    generator = np.random.default_rng(1)
    smooth = generator.normal(0, 300, (1, 1, 8, 8)).repeat(8, 2).repeat(8, 3)
    array = (62_000 + smooth).astype(np.uint16)
    chunk = encode_chunk(array, Settings(quality=40, nodata=None))
    assert len(chunk) < array.nbytes / 20


def test_what_pads_and_what_is_flat_is_found():
    array = np.arange(2 * 2 * 6 * 6, dtype=np.uint16).reshape(2, 2, 6, 6)
    assert not without_content(array, None).any()
    array[0, 1] = 3
    array[..., 4:, :] = 9
    array[..., 5:] = 9
    found = without_content(array, None)
    assert found[1, :, 4:].all()
    assert found[1, :, :, 5:].all()
    assert not found[1, :, :4, :5].any()
    assert found[0, 1].all()


def test_dates_at_the_end():
    array = np.zeros((5, 1, 2, 2), np.float32)
    array[1] = [[1, 2], [3, 4]]
    assert used_dates(array) == 2
    assert used_dates(array[2:]) == 1
    array[2:] = np.nan
    assert used_dates(array) == 2
