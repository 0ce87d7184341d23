import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream.frame import Frame, Latents
from tec_zarr.errors import DamagedChunkError

latents = st.builds(Latents, st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=300))
full = st.binary(min_size=1, max_size=300)
maybe = full | st.just(b"")
frames = (
    st.builds(Frame, full, st.none(), maybe)
    | st.builds(Frame, maybe, latents, maybe)
    | st.builds(Frame, maybe, st.none(), full)
)


@given(frames)
@settings(deadline=None, max_examples=150)
def test_round_trip(frame):
    assert Frame.parse(frame.pack()) == frame


@pytest.mark.parametrize(
    ("frame", "packed"),
    [
        (Frame(b"", Latents(7, 0x1234, b"stream")), b"\x02\x07\x12\x34stream"),
        (Frame(b"", Latents(7, 0x1234, b"stream", 5)), b"\x06\x07\x12\x34\x05stream"),
        (Frame(b"invalid", None), b"\x01\x07invalid"),
        (Frame(b"", None, b"residual"), b"\x08\x08residual"),
        (Frame(b"v", Latents(7, 0x1234, b"s", 5), b"r"), b"\x0f\x01v\x01r\x07\x12\x34\x05s"),
        (Frame(b"v" * 200, Latents(0, 1, b"s")), b"\x03\xc8\x01" + b"v" * 200 + b"\x00\x00\x01s"),
    ],
)
def test_the_bytes_are_those_of_the_specification(frame, packed):
    assert frame.pack() == packed


@pytest.mark.parametrize("kind", [0, 4, 5, 12, 13, *range(16, 256)])
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
    with pytest.raises(DamagedChunkError, match="1 bytes too many in a frame without latents"):
        Frame.parse(packed + b"\0")


def test_latents_cut_before_their_stream_are_refused():
    packed = Frame(b"abc", Latents(1, 2, b"")).pack()
    for end in range(len(packed)):
        with pytest.raises(DamagedChunkError, match="truncated"):
            Frame.parse(packed[:end])


def test_a_frame_of_nothing_is_refused():
    """Neither samples that are not valid nor latents: there would be nothing to decode."""
    with pytest.raises(DamagedChunkError):
        Frame.parse(Frame(b"", None).pack())
    with pytest.raises(DamagedChunkError):
        Frame.parse(b"\x01\x00")
    with pytest.raises(DamagedChunkError, match="a residual follows, but it is empty"):
        Frame.parse(b"\x08\x00")


@pytest.mark.parametrize("tokens", [0, 16, 255])
def test_impossible_tokens_are_refused(tokens):
    with pytest.raises(DamagedChunkError, match=f"tokens kept must be 1 to 15, got {tokens}"):
        Frame.parse(b"\x06\x07\x12\x34" + bytes([tokens]) + b"stream")
