import dataclasses
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream.header import (
    DTYPES,
    MAX_BANDS,
    MAX_SAMPLES,
    MAX_SIDE,
    MAX_STEP,
    MAX_TIME,
    TARGETS,
    Base,
    Bound,
    Header,
    Target,
)
from tec_zarr.bitstream.wire import Reader, varint, zigzag
from tec_zarr.errors import DamagedChunkError

HEADER = Header(
    model="tec-tt-s2",
    weights=bytes(range(8)),
    dtype="<u2",
    quality=50.0,
    scale=1.0,
    offset_dn=-1000,
    nodata=b"\0\0",
    shape=(4, 12, 256, 300),
    bands=None,
)


def bounds(bands, is_float):
    steps = (
        st.floats(1e-3, MAX_STEP)
        if is_float
        else st.integers(0, 2**19 - 1).map(lambda n: 2.0 * n + 1)
    )
    bases = [Base.LEARNED, Base.ZERO, Base.EXACT] if is_float else [Base.LEARNED, Base.ZERO]
    one = st.builds(Bound, st.sampled_from(bases), steps) | st.just(Bound(Base.NONE, 0.0))
    return st.lists(one, min_size=bands, max_size=bands).map(tuple) | one.map(
        lambda bound: (bound,) * bands
    )


@st.composite
def headers(draw):
    dtype = draw(st.sampled_from(DTYPES))
    is_float = "f" in dtype
    time, band = draw(st.integers(1, MAX_TIME)), draw(st.integers(1, MAX_BANDS))
    y = draw(st.integers(1, min(MAX_SIDE, MAX_SAMPLES // (time * band))))
    x = draw(st.integers(1, min(MAX_SIDE, MAX_SAMPLES // (time * band * y))))
    indices = st.lists(st.integers(0, 255), min_size=band, max_size=band, unique=True).map(tuple)
    return Header(
        model=draw(st.text(st.characters(max_codepoint=127), max_size=255)),
        weights=draw(st.binary(min_size=8, max_size=8)),
        dtype=dtype,
        quality=draw(st.floats(1, 100, width=32)),
        scale=draw(st.floats(0, exclude_min=True, allow_infinity=False)) if is_float else 1.0,
        offset_dn=draw(st.integers(-(2**34) + 1, 2**34 - 1)),
        nodata=draw(st.binary(min_size=int(dtype[2]), max_size=int(dtype[2])) | st.just(b"")),
        shape=(time, band, y, x),
        bands=draw(st.none() | indices),
        bounds=draw(st.none() | bounds(band, is_float)),
        target=draw(
            st.none()
            | st.builds(Target, st.sampled_from(TARGETS), st.floats(1e-9, 1e9), st.booleans())
        ),
    )


@given(headers(), st.binary(max_size=3))
@settings(deadline=None, max_examples=150)
def test_round_trip_takes_its_own_bytes_only(header, after):
    reader = Reader(header.pack() + after)
    assert Header.parse(reader) == header
    assert reader.left == len(after)


@given(headers())
@settings(deadline=None, max_examples=20)
def test_every_truncation_is_refused(header):
    packed = header.pack()
    for end in range(len(packed)):
        with pytest.raises(DamagedChunkError):
            Header.parse(Reader(packed[:end]))


def test_the_fields_have_their_places():
    scaled = dataclasses.replace(
        HEADER, dtype=">f4", scale=1e-4, nodata=b"", bands=(3, 1), shape=(1, 2, 3, 128)
    )
    assert scaled.pack() == (
        bytes(range(8))
        + b"\x09tec-tt-s2"
        + b"\x06"
        + struct.pack(">f", 50)
        + struct.pack(">d", 1e-4)
        + b"\xcf\x0f" + b"\x00" + b"\x01\x02\x03\x80\x01" + b"\x02\x03\x01" + b"\x00"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": (0, 12, 8, 8)}, "time size must be 1 to 4096, got 0"),
        ({"shape": (4097, 12, 8, 8)}, "time size must be 1 to 4096, got 4097"),
        ({"shape": (1, 0, 8, 8)}, "band size must be 1 to 64, got 0"),
        ({"shape": (1, 65, 8, 8)}, "band size must be 1 to 64, got 65"),
        ({"shape": (1, 12, 0, 8)}, "y size must be 1 to 16384, got 0"),
        ({"shape": (1, 12, 16385, 8)}, "y size must be 1 to 16384, got 16385"),
        ({"shape": (1, 12, 8, 2**35 - 1)}, "x size must be 1 to 16384, got 34359738367"),
        ({"shape": (4096, 64, 16384, 16384)}, "at most 1073741824 samples, got 70368744177664"),
        ({"shape": (1, 12, 16384, 16384)}, "at most 1073741824 samples"),
        ({"quality": 0.5}, "quality must be 1 to 100, got 0.5"),
        ({"quality": 100.5}, "quality must be 1 to 100, got 100.5"),
        ({"quality": float("nan")}, "quality must be 1 to 100, got nan"),
        ({"nodata": b"\1\2\3\4"}, "nodata of 4 bytes in a chunk of <u2"),
        ({"dtype": "<f4", "nodata": b"", "scale": 0.0}, "scale must be positive, got 0.0"),
        ({"dtype": "<f4", "nodata": b"", "scale": -1.0}, "scale must be positive, got -1.0"),
        ({"dtype": "<f8", "nodata": b"", "scale": float("inf")}, "scale must be positive, got inf"),
        ({"dtype": "<f8", "nodata": b"", "scale": float("nan")}, "scale must be positive, got nan"),
        ({"bands": (0, 1)}, "12 bands in the shape, but band indices"),
        ({"shape": (1, 2, 8, 8), "bands": (5, 5)}, "2 bands in the shape, but band indices"),
    ],
)
def test_impossible_fields_are_refused(fields, message):
    with pytest.raises(DamagedChunkError, match=message):
        Header.parse(Reader(dataclasses.replace(HEADER, **fields).pack()))


BOUND = struct.pack(">Bd", 1, 9.0)


def test_bounds_and_target_have_their_places():
    bounds, target = (
        (Bound(Base.LEARNED, 9.0), Bound(Base.ZERO, 1.0)),
        Target("bppb", 0.5, met=False),
    )
    header = dataclasses.replace(HEADER, shape=(1, 2, 3, 8), bands=(0, 1))
    start = len(header.pack()) - 1
    two = struct.pack(">Bd", 2, 1.0)
    assert dataclasses.replace(header, bounds=bounds).pack()[start:] == b"\x04" + BOUND + two
    assert dataclasses.replace(header, bounds=bounds[:1] * 2).pack()[start:] == b"\x02" + BOUND
    assert dataclasses.replace(header, target=target).pack()[start:] == b"\x08" + struct.pack(
        ">Bd", 0x82, 0.5
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (b"\x06" + 3 * BOUND, "unknown parts"),
        (b"\x02" + struct.pack(">Bd", 4, 9.0), "base 4"),
        (b"\x02" + struct.pack(">Bd", 0, 9.0), "base 0"),
        (b"\x02" + struct.pack(">Bd", 1, 8.0), "step 8.0"),
        (b"\x02" + struct.pack(">Bd", 1, -9.0), "step -9.0"),
        (b"\x02" + struct.pack(">Bd", 3, 1.0), "base 3"),
        (b"\x02" + struct.pack(">Bd", 1, float("nan")), "step nan"),
        (b"\x02" + struct.pack(">Bd", 1, 2.0**20 + 1), "step 1048577"),
        (b"\x08" + struct.pack(">Bd", 4, 9.0), "impossible target: code 4"),
        (b"\x08" + struct.pack(">Bd", 0, 0.0), "impossible target: code 0, value 0"),
    ],
)
def test_impossible_bounds_and_targets_are_refused(parts, message):
    with pytest.raises(DamagedChunkError, match=message):
        Header.parse(Reader(HEADER.pack()[:-1] + parts))


@pytest.mark.parametrize(("at", "byte"), [(9, 0x80), (18, len(DTYPES)), (18, 255)])
def test_impossible_names_and_dtypes_are_refused(at, byte):
    packed = bytearray(HEADER.pack())
    packed[at] = byte
    with pytest.raises(DamagedChunkError, match="impossible model name"):
        Header.parse(Reader(packed))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_tells_size_and_kind(dtype):
    header = dataclasses.replace(HEADER, dtype=dtype)
    assert header.itemsize == {"2": 2, "4": 4, "8": 8}[dtype[-1]]
    assert header.is_float == (dtype[1:] in ("f4", "f8"))


@given(st.integers(0, 2**35 - 1), st.integers(-(2**34) + 1, 2**34 - 1))
@settings(deadline=None, max_examples=100)
def test_varint_and_zigzag_round_trip(unsigned, signed):
    reader = Reader(varint(unsigned) + zigzag(signed))
    assert (reader.varint(), reader.zigzag(), reader.left) == (unsigned, signed, 0)
    assert len(varint(unsigned)) == max(1, -(-unsigned.bit_length() // 7))


@pytest.mark.parametrize(
    ("value", "packed"),
    [(0, "00"), (-1, "01"), (1, "02"), (-64, "7f"), (64, "8001"), (-1000, "cf0f")],
)
def test_zigzag_bytes(value, packed):
    assert zigzag(value).hex() == packed


def test_varint_too_long_is_refused():
    with pytest.raises(DamagedChunkError, match="varint of more than 5 bytes"):
        Reader(b"\x80" * 6).varint()


def test_reading_past_the_end_is_refused():
    reader = Reader(b"abc")
    assert reader.take(2) == b"ab"
    with pytest.raises(DamagedChunkError, match="truncated: 2 bytes wanted at byte 2, 1 are left"):
        reader.unpack("H")
    assert reader.take(1) == b"c"
