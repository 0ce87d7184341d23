import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.entropy import adaptive, adaptive_coder
from tec_zarr.errors import DamagedChunkError

PINNED = (
    "747a9c4d6e07c510840071dd2ce40fac643a3f57d95b568d7ff01fd0"
    "600000000024c0024c00b7c01b9005be1aebc5ffdb40000000"
)

most = adaptive.MOST - 1
integer = st.one_of(st.integers(-3, 3), st.integers(-30, 30), st.integers(-most, most))
integers = st.lists(integer, max_size=50)


def encode(values, rows, flags):
    coder = adaptive_coder.Encoder()
    coder.bits(np.array(flags, np.int64), adaptive.contexts(2), np.arange(len(flags)) % 2)
    coder.signed(np.array(values, np.int64), adaptive.contexts(3, adaptive.CONTEXTS), rows)
    coder.unsigned(
        np.abs(np.array(values, np.int64)), adaptive.contexts(3, adaptive.CONTEXTS), rows
    )
    coder.even(np.abs(np.array(values, np.int64)), np.full(len(values), 20))
    return coder.finish()


def decode(stream, rows, flags):
    coder = adaptive_coder.Decoder(stream)
    bits = coder.bits(
        np.zeros(len(flags), np.int64), adaptive.contexts(2), np.arange(len(flags)) % 2
    )
    signed = coder.signed(
        np.zeros(rows.size, np.int64), adaptive.contexts(3, adaptive.CONTEXTS), rows
    )
    unsigned = coder.unsigned(
        np.zeros(rows.size, np.int64), adaptive.contexts(3, adaptive.CONTEXTS), rows
    )
    even = coder.even(np.zeros(rows.size, np.int64), np.full(rows.size, 20))
    coder.finish()
    return bits, signed, unsigned, even


@given(integers, st.lists(st.integers(0, 1), max_size=200))
@settings(max_examples=200, deadline=None)
def test_round_trip(values, flags):
    rows = np.arange(len(values)) % 3
    bits, signed, unsigned, even = decode(encode(values, rows, flags), rows, flags)
    np.testing.assert_array_equal(bits, flags)
    np.testing.assert_array_equal(signed, values)
    np.testing.assert_array_equal(unsigned, np.abs(values))
    np.testing.assert_array_equal(even, np.abs(values))


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_bytes_decode_or_raise(stream):
    try:
        _, signed, _, _ = decode(stream, np.zeros(40, np.int64), [0] * 40)
    except DamagedChunkError:
        return
    assert np.abs(signed).max() <= adaptive.MOST


def test_a_stream_cut_short_or_continued_raises():
    values = np.random.default_rng(3).integers(-1000, 1000, 50)
    rows = np.zeros(50, np.int64)
    stream = encode(values, rows, [])
    with pytest.raises(DamagedChunkError):
        decode(stream[:-6], rows, [])
    with pytest.raises(DamagedChunkError):
        decode(stream + 5 * b"\1", rows, [])


def test_a_biased_source_costs_its_entropy():
    rng = np.random.default_rng(5)
    for share in (0.5, 0.1, 0.01):
        bits = (rng.random(20000) < share).astype(np.int64)
        coder = adaptive_coder.Encoder()
        coder.bits(bits.copy(), adaptive.contexts(1), np.zeros(bits.size, np.int64))
        entropy = -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
        assert 8 * len(coder.finish()) < 20000 * entropy * 1.06 + 400


def test_nothing_and_certainty_cost_next_to_nothing():
    assert adaptive_coder.Encoder().finish() == b""
    coder = adaptive_coder.Encoder()
    coder.bits(
        np.zeros(1000, np.int64), adaptive.contexts(1, zero=0.99, seen=20), np.zeros(1000, np.int64)
    )
    assert len(coder.finish()) <= 1


def test_many_carries_come_back():
    # A one under a context that is sure of zeros pushes low towards a carry.
    rng = np.random.default_rng(7)
    for _ in range(50):
        bits = (rng.random(300) < rng.choice([0.02, 0.98])).astype(np.int64)
        model = adaptive.contexts(1, zero=0.999, seen=24)
        coder = adaptive_coder.Encoder()
        coder.bits(bits.copy(), model.copy(), np.zeros(300, np.int64))
        decoder = adaptive_coder.Decoder(coder.finish())
        decoded = decoder.bits(np.zeros(300, np.int64), model.copy(), np.zeros(300, np.int64))
        decoder.finish()
        np.testing.assert_array_equal(decoded, bits)


def test_the_stream_is_pinned():
    values = [0, 1, -1, 5, -12, 40, 3000, -most, 0, 0]
    stream = encode(values, np.zeros(10, np.int64), [0, 1, 1, 0, 0])
    assert stream.hex() == PINNED


@pytest.mark.parametrize("value", [2 * adaptive.MOST, -2 * adaptive.MOST, 1 << 40])
def test_integers_that_are_too_large_are_refused_by_the_encoder(value):
    coder = adaptive_coder.Encoder()
    model = adaptive.contexts(1, adaptive.CONTEXTS)
    with pytest.raises(ValueError, match="must stay below"):
        coder.signed(np.array([value], np.int64), model, np.zeros(1, np.int64))
