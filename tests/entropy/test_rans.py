import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.entropy import rans, reference
from tec_zarr.entropy.tables import MIXTURE_ROWS, shipped
from tec_zarr.errors import DamagedChunkError

TABLES = shipped()
MOST = 2**29

PINNED_ROWS = [0, 16, 1040, 2047, 700, 700, 1500, 2032]
PINNED_SYMBOLS = [0, 3, -1, 400, 2**29, -(2**29), 0, 70000]
PINNED = "1bc523afffe4aeb3ffe5fffefff6ffb8fff57c1fff2b0000"

near = st.integers(-3, 3)
symbol = st.one_of(
    near, near, st.integers(-500, 500), st.integers(-MOST, MOST), st.sampled_from([-MOST, MOST])
)
pairs = st.lists(st.tuples(symbol, st.integers(0, TABLES.rows - 1)), max_size=60)


def split(chosen):
    symbols = np.array([s for s, _ in chosen], np.int32)
    rows = np.array([r for _, r in chosen], np.int32)
    return symbols, rows


def decode(stream, rows, cuts=()):
    decoder = rans.Decoder(stream, TABLES)
    parts = [decoder.decode_symbols(part) for part in np.split(rows, sorted(cuts))]
    decoder.finish()
    return np.concatenate(parts)


def sample(seed=0, count=200):
    """Symbols that fit their rows mostly, a few escapes among them."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, MIXTURE_ROWS, count).astype(np.int32)
    symbols = np.rint(
        rng.standard_normal(count) * np.geomspace(0.06, 128, 64)[rows // 32] * 1.5
    ).astype(np.int32)
    symbols[::50] = 12345
    return symbols, rows


@given(pairs)
@settings(deadline=None, max_examples=150)
def test_fast_and_reference_coders_agree_byte_for_byte_and_round_trip(chosen):
    symbols, rows = split(chosen)
    stream = rans.encode_symbols(symbols, rows, TABLES)
    assert stream == reference.encode_symbols(symbols, rows, TABLES)
    assert reference.decode_symbols(stream, rows, TABLES) == symbols.tolist()
    decoded = decode(stream, rows)
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, symbols)


@given(pairs, st.lists(st.integers(0, 60), max_size=5))
@settings(deadline=None, max_examples=50)
def test_decoding_in_several_calls_equals_one(chosen, cuts):
    symbols, rows = split(chosen)
    stream = rans.encode_symbols(symbols, rows, TABLES)
    np.testing.assert_array_equal(decode(stream, rows, [min(c, len(rows)) for c in cuts]), symbols)


def test_empty_input_is_the_initial_state_alone():
    stream = rans.encode_symbols(np.empty(0, np.int32), np.empty(0, np.int32), TABLES)
    assert stream.hex() == "000100000000"
    assert decode(stream, np.empty(0, np.int32)).size == 0


def test_the_stream_is_the_one_of_the_first_release():
    assert (
        rans.encode_symbols(np.array(PINNED_SYMBOLS), np.array(PINNED_ROWS), TABLES).hex() == PINNED
    )
    assert reference.decode_symbols(bytes.fromhex(PINNED), PINNED_ROWS, TABLES) == PINNED_SYMBOLS
    assert decode(bytes.fromhex(PINNED), np.array(PINNED_ROWS)).tolist() == PINNED_SYMBOLS


def test_inputs_of_other_integer_types_and_strides_are_coded_alike_and_not_changed():
    symbols, rows = sample()
    wide = np.repeat(symbols.astype(np.int64), 2)
    before = wide.copy()
    assert rans.encode_symbols(wide[::2], rows.astype(np.int64), TABLES) == rans.encode_symbols(
        symbols, rows, TABLES
    )
    np.testing.assert_array_equal(wide, before)


def test_truncated_streams_are_refused():
    symbols, rows = sample()
    stream = rans.encode_symbols(symbols, rows, TABLES)
    for end in range(len(stream)):
        with pytest.raises(DamagedChunkError):
            decode(stream[:end], rows)
        with pytest.raises(DamagedChunkError):
            reference.decode_symbols(stream[:end], rows, TABLES)


def test_words_too_many_are_refused():
    symbols, rows = sample()
    stream = rans.encode_symbols(symbols, rows, TABLES)
    with pytest.raises(DamagedChunkError, match="does not end where"):
        decode(stream + b"\0\0", rows)
    with pytest.raises(DamagedChunkError, match="even number of bytes"):
        decode(stream + b"\0", rows)


def test_symbols_left_over_are_refused():
    symbols, rows = sample()
    with pytest.raises(DamagedChunkError, match="does not end where"):
        decode(rans.encode_symbols(symbols, rows, TABLES), rows[:-1])


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(deadline=None, max_examples=150)
def test_an_altered_stream_is_refused_or_gives_other_symbols(at, mask):
    symbols, rows = sample(1)
    stream = bytearray(rans.encode_symbols(symbols, rows, TABLES))
    stream[at % len(stream)] ^= mask
    try:
        decoded = decode(bytes(stream), rows)
    except DamagedChunkError:
        return
    assert not np.array_equal(decoded, symbols)


@given(st.binary(min_size=6, max_size=60).filter(lambda b: len(b) % 2 == 0))
@settings(deadline=None, max_examples=150)
def test_noise_ends_like_the_reference_does(stream):
    rows = np.arange(0, TABLES.rows, 97, dtype=np.int32)
    try:
        expected = reference.decode_symbols(stream, rows, TABLES)
    except DamagedChunkError:
        with pytest.raises(DamagedChunkError):
            decode(stream, rows)
    else:
        np.testing.assert_array_equal(decode(stream, rows), np.array(expected).astype(np.int32))


@pytest.mark.parametrize("row", [-1, TABLES.rows, -(2**31), 2**31 - 1])
def test_rows_out_of_range_are_refused(row):
    with pytest.raises(ValueError, match="rows must be 0 to 2055"):
        rans.encode_symbols(np.array([0, 0], np.int32), np.array([5, row], np.int32), TABLES)


@pytest.mark.parametrize("value", [-MOST - 1, MOST + 1, -(2**31), 2**31 - 1])
def test_symbols_out_of_range_are_refused(value):
    with pytest.raises(ValueError, match="symbols must be"):
        rans.encode_symbols(np.array([0, value], np.int32), np.array([5, 5], np.int32), TABLES)


@pytest.mark.parametrize("value", [2**32, -(2**32), 2**40 + 1, 2**63 - 1])
def test_symbols_and_rows_beyond_32_bits_are_refused_too(value):
    with pytest.raises(ValueError, match="symbols must be"):
        rans.encode_symbols(np.array([value]), np.array([5]), TABLES)
    with pytest.raises(ValueError, match="rows must be"):
        rans.encode_symbols(np.array([0]), np.array([value]), TABLES)
