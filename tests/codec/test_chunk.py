import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DamagedChunkError, InvalidInputError, TecError, UnsupportedVersionError
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic import series


def cube(*shape: int, seed: int = 0) -> np.ndarray:
    time, band, y, x = shape
    return series(time, (y, x), seed=seed).values[:, :band]


def round_trip(array: np.ndarray, **settings) -> np.ndarray:
    before = array.copy()
    decoded = decode_chunk(encode_chunk(array, Settings(**settings)))
    np.testing.assert_array_equal(array, before, err_msg="the input was changed")
    assert decoded.dtype == array.dtype
    assert decoded.shape == array.shape
    assert decoded.flags.c_contiguous
    return decoded


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i2", ">i2", "<f4", ">f4", "<f8", ">f8"])
def test_every_dtype_comes_back_as_itself(dtype):
    array = cube(2, 12, 40, 56)
    scale = 1e-4 if dtype[1] == "f" else 1
    decoded = round_trip((array * scale).astype(dtype), quality=70)
    reference = round_trip(array, quality=70)
    unsigned = np.maximum(decoded.astype(float) / scale, 1)
    np.testing.assert_allclose(unsigned, reference.astype(float), atol=1.001)


@pytest.mark.parametrize(
    "shape", [(1, 12, 1, 1), (1, 12, 17, 23), (3, 12, 64, 64), (2, 12, 65, 3), (5, 12, 16, 130)]
)
def test_any_size(shape):
    array = cube(*shape)
    decoded = round_trip(array, quality=80)
    assert metrics.rmse(array, decoded, array != 0) < 250


@pytest.mark.slow
def test_quality_is_monotone(site):
    crop = np.ascontiguousarray(site[:, :, :128, :128])
    sizes, errors = [], []
    for quality in (1, 15, 30, 45, 60, 75, 90, 100):
        chunk = encode_chunk(crop, Settings(quality=quality))
        sizes.append(len(chunk))
        errors.append(metrics.rmse(crop, decode_chunk(chunk), crop != 0))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


def test_bytes_are_deterministic():
    array = cube(2, 12, 48, 48)
    assert encode_chunk(array, Settings()) == encode_chunk(array.copy(), Settings())


def test_nan_and_infinities_come_back_bit_for_bit():
    array = (cube(2, 12, 40, 40) * 1e-4).astype(np.float32)
    array[0, :, 5:20, 5:9] = np.nan
    array[0, 3, 0, 0], array[1, 4, 1, 1], array[1, 5, 39, 39] = np.inf, -np.inf, 1e30
    special = ~(np.abs(array) < 100)
    decoded = round_trip(array, quality=60)
    np.testing.assert_array_equal(decoded.view(np.uint32)[special], array.view(np.uint32)[special])
    assert np.isfinite(decoded[~special]).all()
    assert np.abs(decoded[~special] - array[~special]).max() < 0.5


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("u2", 0), ("u2", 65535), ("i2", -9999), ("f4", -1.0), ("f4", float("nan"))],
)
def test_nodata_comes_back_and_never_appears_elsewhere(dtype, nodata):
    array = (
        cube(2, 12, 40, 40).astype(dtype)
        if dtype != "f4"
        else (cube(2, 12, 40, 40) * 1e-4).astype(dtype)
    )
    missing = np.zeros(array.shape, bool)
    missing[0, :, :13] = missing[1, 4, 20, :] = True
    array[missing] = nodata
    decoded = round_trip(array, nodata=nodata, quality=5)
    is_nodata = np.isnan(decoded) if np.isnan(nodata) else decoded == np.array(nodata, dtype)
    np.testing.assert_array_equal(is_nodata, missing)


def test_dark_pixels_do_not_become_nodata():
    array = np.ones((1, 12, 32, 32), np.uint16)
    assert (round_trip(array, quality=1) != 0).all()


def test_all_nodata_chunk_is_tiny_and_exact():
    array = np.zeros((4, 12, 256, 256), np.uint16)
    assert len(encode_chunk(array, Settings())) < 300
    np.testing.assert_array_equal(round_trip(array), array)
    nan = np.full((1, 12, 8, 8), np.nan)
    np.testing.assert_array_equal(round_trip(nan), nan)


def test_frames_without_data_between_others():
    array = cube(4, 12, 64, 64)
    array[0] = array[2] = 0
    decoded = round_trip(array, quality=70)
    assert not decoded[0].any()
    assert not decoded[2].any()
    assert metrics.rmse(array, decoded, array != 0) < 150


@pytest.mark.parametrize(
    ("dtype", "value"), [("i2", -1), ("u2", 65535), ("i2", 32767), ("i2", -32768), ("u2", 1)]
)
def test_extreme_values_stay_in_range(dtype, value):
    array = cube(1, 12, 32, 32).astype(dtype)
    array[0, :, 8:24, 8:24] = value
    decoded = round_trip(array, nodata=None, quality=100).astype(float)
    inside, span = decoded[0, :, 12:20, 12:20], max(2000, abs(value))
    assert np.abs(inside - value).max() < 0.35 * span


def test_offset_of_processing_baseline_04_00():
    array = cube(2, 12, 64, 64)
    plain = round_trip(array, quality=50).astype(int)
    shifted = round_trip((array + 1000).astype(np.uint16), quality=50, offset_dn=-1000).astype(int)
    assert np.abs(np.maximum(shifted - 1000, 1) - plain).max() <= 1


def test_float_dn_through_scale():
    array = cube(1, 12, 32, 32)
    as_float = round_trip(array.astype(np.float32), scale=1.0)
    assert np.abs(np.maximum(as_float, 1) - round_trip(array)).max() < 1.001


def test_order_of_bands(site):
    crop = np.ascontiguousarray(site[:2, :, :128, :128])
    backwards = encode_chunk(
        np.ascontiguousarray(crop[:, ::-1]), Settings(quality=60, bands=tuple(reversed(L2A)))
    )
    forwards = encode_chunk(crop, Settings(quality=60))
    error = metrics.rmse(crop, decode_chunk(backwards)[:, ::-1], crop != 0)
    assert error == pytest.approx(metrics.rmse(crop, decode_chunk(forwards), crop != 0), rel=0.02)
    assert len(backwards) == pytest.approx(len(forwards), rel=0.02)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((12, 8, 8), np.uint16), "3-D"),
        (np.ones((1, 4, 8, 8), np.uint16), "4 bands"),
        (np.ones((1, 12, 8, 8), np.uint8), "uint8"),
        (np.ones((1, 12, 8, 8), np.float16), "float16"),
        (np.ones((1, 12, 8, 8), bool), "bool"),
        (np.ones((0, 12, 8, 8), np.uint16), "time 0"),
    ],
)
def test_what_cannot_be_coded_says_why(array, said):
    with pytest.raises(InvalidInputError, match=said):
        encode_chunk(array, Settings(bands=L2A))


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("u2", -1), ("u2", 70000), ("i2", 0.5), ("u2", float("nan")), ("i2", np.inf)],
)
def test_nodata_that_the_dtype_cannot_hold(dtype, nodata):
    with pytest.raises(InvalidInputError, match="nodata"):
        encode_chunk(np.ones((1, 12, 8, 8), dtype), Settings(nodata=nodata))


def small_chunk() -> tuple[bytes, np.ndarray]:
    array = cube(2, 12, 17, 23)
    array[0, :, :3] = 0
    chunk = encode_chunk(array, Settings(quality=1))
    return chunk, decode_chunk(chunk)


def test_every_truncation_is_an_error():
    chunk, _ = small_chunk()
    for length in range(len(chunk)):
        with pytest.raises(DamagedChunkError):
            decode_chunk(chunk[:length])
    with pytest.raises(DamagedChunkError):
        decode_chunk(chunk + b"\0")


def test_every_single_byte_flip_is_an_error():
    chunk, _ = small_chunk()
    for at in range(len(chunk)):
        for flip in range(1, 256):
            damaged = bytearray(chunk)
            damaged[at] ^= flip
            with pytest.raises((DamagedChunkError, UnsupportedVersionError)):
                decode_chunk(bytes(damaged))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_an_error(data):
    with pytest.raises(TecError):
        decode_chunk(data)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.just(12), st.integers(1, 40), st.integers(1, 40)),
    quality=st.floats(1, 100),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
)
def test_any_numbers_round_trip(shape, quality, seed, share):
    rng = np.random.default_rng(seed)
    array = rng.integers(1, 65536, shape).astype(np.uint16)
    array[rng.random(shape) < share] = 0
    decoded = round_trip(array, quality=quality)
    np.testing.assert_array_equal(decoded == 0, array == 0)


@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("gaps", [False, True])
def test_bands_that_repeat_come_back_exactly_repeated(site, phase, gaps):
    """Five bands of a date at any phase, another date that does not repeat, with nodata in the
    midst of both."""
    crop = np.ascontiguousarray(site[:2, :, :90, :70])
    top, start = phase
    rows = np.clip((np.arange(90) + top) // 2 * 2 - top, 0, None)
    columns = np.clip((np.arange(70) + start) // 2 * 2 - start, 0, None)
    crop[0, 4:9] = crop[0, 4:9][:, rows][:, :, columns]
    if gaps:
        crop[:, :, 20:31, 11:40] = 0
        crop[0, 5, 60, 5] = 0
    decoded = decode_chunk(encode_chunk(crop, Settings(quality=50)))
    np.testing.assert_array_equal(decoded == 0, crop == 0)
    again = decoded[0, 4:9][:, rows][:, :, columns]
    known = (crop[0, 4:9] != 0) & (crop[0, 4:9][:, rows][:, :, columns] != 0)
    np.testing.assert_array_equal(decoded[0, 4:9][known], again[known])


def test_repeated_bands_take_fewer_bits_on_their_own_grid(site):
    crop = np.ascontiguousarray(site[:1, 4:8, :128, :128])
    repeated = crop[:, :, ::2, ::2].repeat(2, 2).repeat(2, 3)
    moved = repeated.copy()
    moved[..., 64, 64] += 3  # one pixel that does not repeat its cell
    assert len(encode_chunk(repeated, Settings(quality=55))) < 0.75 * len(
        encode_chunk(moved, Settings(quality=55))
    )


@pytest.mark.parametrize("quality", [1, 35, 90, 100])
@pytest.mark.parametrize("value", [100, 20_000, 65_535])
def test_flat_chunks_of_any_level_come_back(value, quality):
    """Means of bands are large numbers of small parts of a step there."""
    array = np.full((2, 5, 16, 40), value, np.uint16)
    array[1, 3] = 7
    assert np.abs(
        round_trip(array, quality=quality).astype(int) - array
    ).max() <= 1 + 16384 / 128 * (quality < 90)


def test_large_numbers_at_the_finest_step():
    array = (series(2, 33, seed=3).values.astype(np.float32) + 3e6) * np.float32(0.01)
    decoded = round_trip(array, quality=100, scale=0.01, nodata=None)
    assert np.abs(decoded - array).max() < 0.1
