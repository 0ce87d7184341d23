import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tec_zarr.codec.validity import decode_validity, encode_validity
from tec_zarr.errors import DamagedChunkError

DTYPES = ["<u2", "<i2", "<f4", "<f8", ">u2", ">i2", ">f4", ">f8"]


def bits(samples):
    return np.ascontiguousarray(samples).view(
        f"{np.dtype(samples.dtype).byteorder}u{samples.dtype.itemsize}"
    )


def noise(dtype, shape, seed=0):
    """Random bit patterns: of floats this makes NaN payloads, infinities and subnormal numbers
    too."""
    size = np.dtype(dtype).itemsize
    raw = np.random.default_rng(seed).integers(0, 256, (*shape, size), np.uint8)
    return raw.view(dtype)[..., 0]


def restored(frame, invalid, section):
    """What a decoder makes of other values under the mask, checked against the rest of the frame
    too."""
    out = np.full(frame.shape, 7, frame.dtype)
    mask = decode_validity(section, out)
    np.testing.assert_array_equal(mask, invalid)
    assert mask.dtype == bool
    np.testing.assert_array_equal(bits(out)[invalid], bits(frame)[invalid])
    assert (out[~invalid] == 7).all()
    return out


@st.composite
def cases(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=6))
    raw = hnp.arrays(
        np.uint8, (*shape, dtype.itemsize), elements=st.sampled_from([0, 1, 127, 128, 240, 255])
    )
    frame = draw(raw).view(dtype)[..., 0]
    invalid = draw(hnp.arrays(bool, shape))
    return frame, np.broadcast_to(invalid[:1], shape) if draw(st.booleans()) else invalid


@given(cases())
@settings(deadline=None, max_examples=150)
def test_round_trip_bit_for_bit(case):
    frame, invalid = case
    before = frame.tobytes()
    restored(frame, invalid, encode_validity(frame, invalid))
    assert frame.tobytes() == before


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0.05, 0.9, 1.0])
def test_more_distinct_values_than_labels(dtype, share):
    frame = noise(dtype, (3, 40, 31))
    invalid = np.random.default_rng(1).random(frame.shape) <= share
    assert len(np.unique(bits(frame)[invalid])) > 150
    restored(frame, invalid, encode_validity(frame, invalid))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distinct", [1, 2, 253, 254, 255, 256, 400])
def test_around_the_greatest_count_of_labels(dtype, distinct):
    frame = (np.arange(1000).reshape(1, 40, 25) % distinct).astype(dtype)
    section = encode_validity(frame, np.ones(frame.shape, bool))
    assert section[1] == min(distinct, 254)
    restored(frame, np.ones(frame.shape, bool), section)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
def test_nan_payloads_infinities_and_negative_zero(dtype):
    frame = np.zeros((2, 3, 4), dtype)
    patterns = frame.view(f"{dtype[0]}u{dtype[2]}")
    quiet = int(np.array(np.nan, dtype).view(patterns.dtype))
    patterns[0, 0] = [quiet, quiet | 1, quiet | 0x1234, quiet | 1 << (frame.itemsize * 8 - 1)]
    frame[1, 2] = [np.inf, -np.inf, -0.0, 0.0]
    invalid = np.zeros(frame.shape, bool)
    invalid[0, 0] = invalid[1, 2] = True
    section = encode_validity(frame, invalid)
    assert section[1] == 8
    out = restored(frame, invalid, section)
    assert np.isnan(out[0, 0]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_single_sample(dtype):
    restored(
        np.full((1, 1, 1), 9, dtype),
        np.ones((1, 1, 1), bool),
        encode_validity(np.full((1, 1, 1), 9, dtype), np.array([[[True]]])),
    )


def test_nothing_invalid_takes_no_bytes_and_changes_nothing():
    frame = noise("<u2", (2, 5, 5))
    assert encode_validity(frame, np.zeros(frame.shape, bool)) == b""
    restored(frame, np.zeros(frame.shape, bool), b"")


def test_a_frame_in_part_of_an_array_and_in_other_order():
    frame = noise("<i2", (5, 8, 6)).transpose(2, 1, 0)
    invalid = np.random.default_rng(2).random(frame.shape) < 0.5
    section = encode_validity(frame, invalid)
    restored(frame, invalid, section)
    whole = np.zeros((3, *frame.shape), frame.dtype)
    decode_validity(section, whole[1])
    np.testing.assert_array_equal(whole[1][invalid], frame[invalid])
    assert not whole[[0, 2]].any()


def test_bands_that_are_alike_cost_one_plane():
    frame = np.zeros((12, 64, 64), np.uint16)
    plane = np.random.default_rng(3).random((64, 64)) < 0.5
    shared = encode_validity(frame, np.broadcast_to(plane, frame.shape))
    assert shared[0] == 1
    assert len(shared) < 64 * 64 / 8 + 30
    restored(frame, np.broadcast_to(plane, frame.shape), shared)
    one_off = np.broadcast_to(plane, frame.shape).copy()
    one_off[7, 3, 3] ^= True
    section = encode_validity(frame, one_off)
    assert section[0] == 0
    restored(frame, one_off, section)


def test_alike_masks_of_different_values_are_not_shared():
    frame = np.stack([np.full((4, 4), 1, np.uint16), np.full((4, 4), 2, np.uint16)])
    section = encode_validity(frame, np.ones(frame.shape, bool))
    assert section[0] == 0
    restored(frame, np.ones(frame.shape, bool), section)


FRAME = np.arange(2 * 9 * 7, dtype=np.uint16).reshape(2, 9, 7) % 5
INVALID = FRAME < 3
SECTION = encode_validity(FRAME, INVALID)


def refused(section, frame=FRAME, match=""):
    with pytest.raises(DamagedChunkError, match=match):
        decode_validity(section, frame.copy())


def section_of(data, values=(0, 1, 2), shared=0, dtype="<u2"):
    return bytes([shared, len(values)]) + np.array(values, dtype).tobytes() + zlib.compress(data)


@pytest.mark.parametrize("end", range(1, len(SECTION)))
def test_every_truncation_is_refused(end):
    refused(SECTION[:end])


def test_bytes_after_the_end_are_refused():
    refused(SECTION + b"\0", match="cut, or longer")


def test_damage_within_the_compressed_part_is_refused():
    for at in range(8, len(SECTION)):
        altered = bytearray(SECTION)
        altered[at] ^= 0x55
        refused(bytes(altered))


@given(st.binary(min_size=1, max_size=80))
@settings(deadline=None, max_examples=100)
def test_noise_is_refused(noise):
    refused(noise)


def test_unknown_flags_are_refused():
    refused(b"\x02" + SECTION[1:], match="damaged validity section")


def test_labels_beyond_the_values_are_refused():
    assert decode_validity(section_of(bytes([3]) * FRAME.size), FRAME.copy()).all()
    refused(section_of(bytes([4]) * FRAME.size), match="impossible labels")


@pytest.mark.parametrize("extra", [-2, -1, 1, 2])
def test_verbatim_values_too_few_or_too_many_are_refused(extra):
    labels = b"\xff\xff" + bytes(FRAME.size - 2)
    assert decode_validity(section_of(labels + b"abcd"), FRAME.copy()).sum() == 2
    refused(section_of(labels + bytes(4 + extra)), match="impossible labels")


def test_a_section_of_another_shape_is_refused():
    refused(SECTION, np.zeros((2, 9, 6), np.uint16))
    refused(SECTION, np.zeros((2, 9, 8), np.uint16), match="bytes for 144 samples")
    one_value = encode_validity(np.zeros((1, 8, 8), np.uint16), np.ones((1, 8, 8), bool))
    refused(one_value, np.zeros((1, 8, 9), np.uint16), match="8 bytes for 72 samples")


def test_a_zlib_bomb_is_refused_without_being_inflated():
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        refused(bytes([0, 3]) + bytes(6) + bomb, match="longer than its frame allows")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
