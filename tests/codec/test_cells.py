"""Planes that repeat 2 x 2 cost a quarter and come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.codec.cells import decode_cells, encode_cells, find_kinds
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DamagedChunkError
from tec_zarr.synthetic import series


def repeated(planes: np.ndarray, kind: int) -> np.ndarray:
    """Planes (planes, y, x) of a grid half as fine, resampled to nearest at the phase of `kind`."""
    height, width = planes.shape[1:]
    rows = (np.arange(height) + ((kind - 1) >> 1)) // 2
    columns = (np.arange(width) + ((kind - 1) & 1)) // 2
    return planes[:, rows][:, :, columns]


@st.composite
def cases(draw):
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    planes = rng.integers(-500, 500, shape)
    for i in range(len(planes)):
        kind = draw(st.integers(0, 4))
        if kind:
            planes[i : i + 1] = repeated(planes[i : i + 1], kind)
    coded = rng.random(shape) >= draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    past = draw(st.sampled_from([None, 1, 5000]))
    past = None if past is None else rng.integers(-past, past, shape, endpoint=True)
    return planes, coded, past


@given(cases())
@settings(deadline=None, max_examples=150)
def test_planes_come_back(case):
    planes, coded, past = case
    kinds = find_kinds(planes, coded)
    data, seen = encode_cells(planes, coded, past, kinds)
    np.testing.assert_array_equal(seen[coded], planes[coded])
    decoded, found = decode_cells(data, coded, past)
    np.testing.assert_array_equal(decoded, seen)
    np.testing.assert_array_equal(found, kinds)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_kinds_are_found_where_only_samples_that_are_not_coded_differ(kind):
    planes = repeated(np.random.default_rng(0).integers(0, 9000, (3, 21, 24)), kind)
    coded = np.ones(planes.shape, bool)
    planes[0, 7, 7] += 1
    planes[1, 7, 7] += 1
    coded[1, 7, 7] = False
    np.testing.assert_array_equal(find_kinds(planes, coded), [0, kind, kind])


@pytest.mark.parametrize("dtype", ["<u2", "<f4", ">f8"])
@pytest.mark.parametrize("kind", [1, 4])
def test_a_band_that_repeats_costs_a_quarter(dtype, kind):
    array = series(1, 128, seed=3).values[:, :1]
    array = array + np.random.default_rng(0).integers(0, 300, array.shape)
    if "f" in dtype:
        array = array * np.float64(1.0001e-4)
    array = array.astype(dtype)
    coarse = np.ascontiguousarray(repeated(array[0], kind)[None])
    chunk = encode_chunk(coarse, Settings(max_error=0, nodata=None))
    whole = encode_chunk(array, Settings(max_error=0, nodata=None))
    assert len(chunk) < 0.28 * len(whole)
    assert decode_chunk(chunk).tobytes() == coarse.tobytes()


def test_truncation_and_unknown_kinds_are_errors():
    planes = np.random.default_rng(0).integers(0, 9000, (3, 16, 16))
    planes[1:] = repeated(planes[1:], 2)
    coded = np.ones(planes.shape, bool)
    data, _ = encode_cells(planes, coded, None, find_kinds(planes, coded))
    damaged = [data[:end] for end in range(len(data))]
    damaged += [b"\2" + data[1:], data[:1] + b"\5" + data[2:], data + b"\0"]
    for each in damaged:
        with pytest.raises(DamagedChunkError):
            decode_cells(each, coded, None)
