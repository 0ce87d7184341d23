import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.errors import DamagedChunkError

full = st.binary(min_size=1, max_size=300)
maybe = full | st.just(b"")
kept = st.none() | st.integers(0, 255)
streamed = st.builds(Coded, st.integers(0, 255), st.integers(0, 65535), full, maybe, kept)
flat = st.builds(Coded, st.just(0), st.just(0), st.just(b""), full, kept)
coded = streamed | flat
frames = (
    st.builds(Frame, full, st.none(), maybe)
    | st.builds(Frame, maybe, coded, maybe)
    | st.builds(Frame, maybe, st.none(), full)
)


@given(frames)
@settings(deadline=None, max_examples=150)
def test_round_trip(frame):
    assert Frame.parse(frame.pack()) == frame


@pytest.mark.parametrize(
    ("frame", "packed"),
    [
        (Frame(b"", Coded(7, 0x1234, b"stream")), b"\x02\x07\x12\x34stream"),
        (Frame(b"", Coded(7, 0x1234, b"stream", kept=5)), b"\x06\x05\x07\x12\x34stream"),
        (
            Frame(b"", Coded(7, 0x1234, b"stream", b"side")),
            b"\x12\x04side\x07\x12\x34stream",
        ),
        (Frame(b"", Coded(side=b"side")), b"\x10\x04side"),
        (Frame(b"invalid", None), b"\x01\x07invalid"),
        (Frame(b"", None, b"residual"), b"\x08\x08residual"),
        (Frame(b"v", Coded(7, 0x1234, b"s", kept=5), b"r"), b"\x0f\x01v\x01r\x05\x07\x12\x34s"),
        (Frame(b"v" * 200, Coded(0, 1, b"s")), b"\x03\xc8\x01" + b"v" * 200 + b"\x00\x00\x01s"),
    ],
)
def test_the_bytes_are_those_of_the_specification(frame, packed):
    assert frame.pack() == packed


@pytest.mark.parametrize("kind", [0, 4, 5, 12, 13, *range(32, 256)])
def test_unknown_kinds_are_refused(kind):
    with pytest.raises(DamagedChunkError, match=f"unknown kind of frame {kind}"):
        Frame.parse(bytes([kind]) + b"\x01a\0\0\0")


@given(st.builds(Frame, full, st.none()))
@settings(deadline=None, max_examples=30)
def test_without_latents_every_truncation_and_addition_is_refused(frame):
    packed = frame.pack()
    for end in range(len(packed)):
        with pytest.raises(DamagedChunkError):
            Frame.parse(packed[:end])
    with pytest.raises(DamagedChunkError, match="1 bytes too many in a frame"):
        Frame.parse(packed + b"\0")


def test_what_is_cut_before_its_stream_ends_is_refused():
    packed = Frame(b"abc", Coded(1, 2, b"s")).pack()
    for end in range(len(packed)):
        with pytest.raises(DamagedChunkError):
            Frame.parse(packed[:end])


def test_a_frame_of_nothing_is_refused():
    """Neither samples that are not valid nor latents: there would be nothing to decode."""
    with pytest.raises(DamagedChunkError):
        Frame.parse(Frame(b"", None).pack())
    with pytest.raises(DamagedChunkError):
        Frame.parse(b"\x01\x00")
    with pytest.raises(DamagedChunkError, match="a residual follows, but it is empty"):
        Frame.parse(b"\x08\x00")
