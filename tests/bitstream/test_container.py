import dataclasses
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream import container
from tec_zarr.bitstream.container import Contents, Section
from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import DTYPES, Header
from tec_zarr.bitstream.wire import varint
from tec_zarr.errors import DamagedChunkError, TecError, UnsupportedVersionError
from tec_zarr.models import registry

HEADER = Header(
    model=registry.DEFAULT,
    weights=bytes(range(8)),
    dtype="<u2",
    quality=50.0,
    scale=1.0,
    offset_dn=-1000,
    nodata=b"\0\0",
    shape=(3, 12, 64, 48),
    bands=None,
)
SECTIONS = [b"first section", b"", b"\x00third" * 5]


def chunk_of(*sections: bytes, header: Header = HEADER) -> Contents:
    """A chunk of one section a date, the first of them a key."""
    return Contents(header, tuple(Section(t, t == 0, data) for t, data in enumerate(sections)))


CHUNK = container.pack(chunk_of(*SECTIONS))
FRONT = len(CHUNK) - sum(map(len, SECTIONS))


def seal(body: bytes, payload: bytes = b"", version: int = 3) -> bytes:
    """A container of a header's body whose CRC is right, whatever the body says."""
    front = b"TECZ" + bytes([version]) + varint(len(body)) + body
    return front + struct.pack(">I", zlib.crc32(front)) + payload


def directory(*sections: bytes) -> bytes:
    """That of `chunk_of`."""
    packed = [varint(0)]
    for time, section in enumerate(sections):
        packed.append(varint(2 * len(section) + (time == 0)))
        packed.append(struct.pack(">I", zlib.crc32(section)))
    return b"".join(packed)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6))
@settings(deadline=None, max_examples=100)
def test_round_trip(sections):
    header = dataclasses.replace(HEADER, shape=(len(sections), 12, 64, 48))
    contents = chunk_of(*sections, header=header)
    data = container.pack(contents)
    for buffer in (data, bytearray(data), memoryview(data)):
        assert container.parse(buffer) == contents


@given(
    st.lists(
        st.builds(Section, st.integers(0, 4), st.booleans(), st.binary(max_size=50)), max_size=9
    )
)
@settings(deadline=None, max_examples=100)
def test_sections_of_any_dates_in_any_order_round_trip(sections):
    header = dataclasses.replace(HEADER, shape=(5, 12, 64, 48))
    is_plain = [section.time for section in sections] == list(range(5))
    contents = Contents(header, tuple(sections), b"" if is_plain else b"\x07\x00")
    data = container.pack(contents)
    assert container.parse(data) == contents
    front = container.parse_front(data)
    assert front.size == len(data)
    for entry, section in zip(front.entries, sections, strict=True):
        assert data[entry.start : entry.start + entry.size] == section.data
        assert (entry.time, entry.key) == (section.time, section.key)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (varint(2) + b"\0\0" + varint(3), "impossible order of the dates of 3"),
        (varint(4) + b"\0\0" + b"\0\1\2", "impossible order of the dates of 3"),
        (varint(20_000), "a chunk has at most 16384 sections, got 19999"),
    ],
)
def test_impossible_orders_are_refused(order, said):
    with pytest.raises(DamagedChunkError, match=said):
        container.parse(seal(HEADER.pack() + order + bytes(100)))


def test_the_layout_is_that_of_the_specification():
    assert seal(HEADER.pack() + directory(*SECTIONS), b"".join(SECTIONS)) == CHUNK


def test_every_truncation_is_refused():
    for end in range(len(CHUNK)):
        with pytest.raises(DamagedChunkError):
            container.parse(CHUNK[:end])


@pytest.mark.parametrize("extra", [b"\0", b"x" * 100, CHUNK])
def test_trailing_bytes_are_refused(extra):
    with pytest.raises(DamagedChunkError, match=f"payload too long by {len(extra)} bytes"):
        container.parse(CHUNK + extra)


def test_every_other_value_of_every_header_byte_is_refused():
    for at in range(FRONT):
        for value in set(range(256)) - {CHUNK[at]}:
            altered = bytearray(CHUNK)
            altered[at] = value
            with pytest.raises(TecError):
                container.parse(altered)


def test_every_flipped_bit_of_the_payload_is_refused_and_its_frame_named():
    for at in range(FRONT, len(CHUNK)):
        frame = 0 if at < FRONT + len(SECTIONS[0]) else 2
        for bit in range(8):
            altered = bytearray(CHUNK)
            altered[at] ^= 1 << bit
            with pytest.raises(
                DamagedChunkError,
                match=f"damaged payload: the checksum of date {frame} does not match",
            ):
                container.parse(altered)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_noise_is_refused(noise):
    for data in (noise, b"TECZ" + noise, b"TECZ\x01" + noise):
        with pytest.raises(TecError):
            container.parse(data)


@given(st.binary(max_size=100), st.binary(max_size=20))
@settings(deadline=None, max_examples=150)
def test_noise_under_a_right_checksum_is_refused(body, payload):
    with pytest.raises(DamagedChunkError):
        container.parse(seal(body, payload))


@pytest.mark.parametrize("start", [b"\x89HDF", b"tecz", b"\0\0\0\0"])
def test_other_files_are_refused(start):
    with pytest.raises(DamagedChunkError, match="not a tec_zarr chunk: it begins with"):
        container.parse(start + CHUNK[4:])


@pytest.mark.parametrize("version", [0, 2, 255])
def test_an_unknown_version_is_told_from_a_damaged_one(version):
    with pytest.raises(
        UnsupportedVersionError,
        match=f"format version {version} is not known, only 3: upgrade tec_zarr",
    ):
        container.parse(seal(b"whatever that version holds", b"payload", version))
    altered = bytearray(CHUNK)
    altered[4] = version
    with pytest.raises(
        DamagedChunkError,
        match=rf"damaged header \(and format version {version}, where 3 is known\)",
    ):
        container.parse(altered)


def test_a_wrong_header_checksum_is_refused():
    altered = bytearray(CHUNK)
    altered[FRONT - 1] ^= 1
    with pytest.raises(DamagedChunkError, match="damaged header: its checksum does not match"):
        container.parse(altered)


def test_a_header_cut_short_is_refused():
    with pytest.raises(DamagedChunkError, match="truncated: 4 bytes wanted"):
        container.parse(seal(HEADER.pack() + directory(*SECTIONS)[:-1], b"".join(SECTIONS)))


def test_a_header_with_more_in_it_is_refused():
    with pytest.raises(DamagedChunkError, match="2 bytes too many in the header"):
        container.parse(seal(HEADER.pack() + directory(*SECTIONS) + b"??", b"".join(SECTIONS)))


def test_a_payload_cut_short_is_refused():
    with pytest.raises(DamagedChunkError, match="payload truncated by 7 bytes"):
        container.parse(CHUNK[:-7])


def test_sections_cannot_be_longer_than_the_payload_together():
    body = HEADER.pack() + directory(*SECTIONS)
    huge = HEADER.pack() + varint(0) + 3 * (varint(2**35 - 1) + b"\0\0\0\0")
    with pytest.raises(DamagedChunkError, match="payload truncated by"):
        container.parse(seal(huge, b"".join(SECTIONS)))
    assert container.parse(seal(body, b"".join(SECTIONS))) == chunk_of(*SECTIONS)


def test_a_header_length_beyond_the_chunk_is_refused():
    with pytest.raises(DamagedChunkError, match="truncated: 34359738367 bytes wanted"):
        container.parse(b"TECZ\x01" + varint(2**35 - 1) + CHUNK[6:])
    with pytest.raises(DamagedChunkError, match="varint of more than 5 bytes"):
        container.parse(b"TECZ\x01" + b"\xff" * 40)


@pytest.mark.parametrize(
    "shape",
    [
        (2**35 - 1, 12, 8, 8),
        (1, 12, 2**35 - 1, 2**35 - 1),
        (4096, 64, 16384, 16384),
        (4096, 12, 16384, 1),
    ],
)
def test_huge_shapes_are_refused_before_anything_is_allocated(shape):
    header = dataclasses.replace(HEADER, shape=shape)
    data = seal(header.pack() + directory(b"", b"", b""))
    tracemalloc.start()
    try:
        with pytest.raises(DamagedChunkError):
            container.parse(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_dates_without_a_section_need_a_value():
    with pytest.raises(ValueError, match="a value for dates without a section is needed"):
        container.pack(chunk_of(*SECTIONS[:2]))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d[1:] != "f8"])
def test_four_frames_cost_at_most_121_bytes_beside_their_latents(dtype):
    is_float = "f" in dtype
    header = dataclasses.replace(
        HEADER,
        dtype=dtype,
        quality=61.3,
        scale=1e-4 if is_float else 1.0,
        nodata=bytes(int(dtype[2])),
        shape=(4, 12, 256, 256),
    )
    words = bytes(3000)
    frame = Frame(b"", Coded(255, 0xFFFF, bytes(6) + words)).pack()
    data = container.pack(chunk_of(*[frame] * 4, header=header))
    assert len(data) - 4 * len(words) <= 121
