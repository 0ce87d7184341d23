"""Samples beside nodata, NaN and infinities are as good as they would be without them, and those
come back bit for bit."""

import functools

import numpy as np
import pytest

from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings

SIDE = 128
MOST = 1.2
"""Times the error that the same samples have where nothing is masked."""

WIDTHS = (1, 4, 8)
"""Pixels from the border."""


def swath_edge(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return x + rng.uniform(0.1, 0.5) * y < rng.uniform(0.4, 0.8) * SIDE


def clouds(rng: np.random.Generator) -> np.ndarray:
    """Where noise about 20 pixels across is large: a third of all."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    noise = np.fft.ifft2(
        np.fft.fft2(rng.normal(size=(SIDE, SIDE))) * np.exp(-((frequency * 40) ** 2))
    ).real
    return noise > np.quantile(noise, 0.67)


def specks(rng: np.random.Generator) -> np.ndarray:
    return rng.random((SIDE, SIDE)) < 0.01


def distance(mask: np.ndarray, most: int) -> np.ndarray:
    """Steps of a king from a mask, 0 inside; `most` + 1 where it is further."""
    found = np.where(mask, 0, most + 1)
    for step in range(1, most + 1):
        padded = np.pad(found, 1, constant_values=most + 1)
        views = [padded[i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)]
        found = np.where(
            (found > step) & (functools.reduce(np.minimum, views) == step - 1), step, found
        )
    return found


@pytest.mark.parametrize("quality", [10, 33, 45])
@pytest.mark.parametrize("shape", [swath_edge, clouds, specks], ids=lambda f: f.__name__)
def test_no_ringing_at_mask_borders(site, shape, quality):
    crop = np.ascontiguousarray(site[:2, :, :SIDE, 64 : 64 + SIDE])
    rng = np.random.default_rng(7)
    masks = np.stack([shape(rng) for _ in crop])
    masked = np.where(masks[:, None], 0, crop)
    settings = Settings(quality=quality)
    plain, decoded = (decode_chunk(encode_chunk(array, settings)) for array in (crop, masked))
    np.testing.assert_array_equal(decoded == 0, masked == 0)
    squared, without = ((crop.astype(np.float64) - array) ** 2 for array in (decoded, plain))
    near = np.stack([distance(mask, max(WIDTHS)) for mask in masks])[:, None]
    for width in WIDTHS:
        beside = np.broadcast_to((near > 0) & (near <= width), crop.shape)
        assert beside.sum() > 1000
        assert np.sqrt(squared[beside].mean() / without[beside].mean()) <= MOST


@pytest.mark.parametrize("max_error", [None, 0.002])
def test_what_is_no_measurement_comes_back_bit_for_bit(site, max_error):
    """NaN of two kinds, infinities and values out of range; a band and a date with nothing, and
    bands short of a swath."""
    crop = (site[:3, :, :64, :64] * 1e-4).astype(np.float32)
    crop[0] = np.nan
    crop[1, 4] = np.nan
    crop[1, :7, :, 40:] = np.nan
    crop[2, 3, 10:14, 10:14] = np.inf
    crop[2, 3, 20, 20], crop[2, 3, 21, 21] = -np.inf, 3e38
    crop.view(np.uint32)[2, 5, 30, 30] = 0x7FC0BEEF
    bad = ~(np.abs(crop) < 10)
    decoded = decode_chunk(
        encode_chunk(crop, Settings(quality=60, max_error=max_error, nodata=None))
    )
    np.testing.assert_array_equal(decoded.view(np.uint32)[bad], crop.view(np.uint32)[bad])
    assert np.isfinite(decoded[~bad]).all()
    assert np.abs(decoded[~bad] - crop[~bad]).max() < (0.2 if max_error is None else 0.0020001)
