import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.entropy.planes import MAX_VALUE, decode_planes, encode_planes
from tec_zarr.errors import DamagedChunkError
from tec_zarr.synthetic import series

PINNED = (
    "0000009da94b74b75fd12fdec572b4e7c28ee6255e06bdc0000c74edffef37a0d767020fbf1ecea81be40a602241dfbeef8fd3dc5dfe2e11b1cbfc3e"
    "31bf6cab2e4d1909f9b48faa517b21432317f5f5ffc28b78fffd50b059de80d3ffda5334caa15ccd7d4c233f15d604de4c7b"
)


def everything(planes: np.ndarray) -> np.ndarray:
    return np.ones(planes.shape, bool)


@st.composite
def cases(draw):
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 20)), draw(st.integers(1, 20)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0, 1, 30, 5000, MAX_VALUE]))
    planes = rng.integers(-size, size, shape, endpoint=True)
    if draw(st.booleans()):
        planes = np.repeat(np.repeat(planes, 3, 1), 2, 2)
    share = draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    past = draw(st.sampled_from([None, 1, MAX_VALUE]))
    past = None if past is None else rng.integers(-past, past, planes.shape, endpoint=True)
    return planes, rng.random(planes.shape) >= share, past


@given(cases())
@settings(deadline=None, max_examples=150)
def test_integers_come_back_and_the_rest_is_predicted_alike(case):
    planes, coded, past = case
    before = planes.copy()
    data, seen = encode_planes(planes, coded, past)
    np.testing.assert_array_equal(planes, before)
    np.testing.assert_array_equal(seen[coded], planes[coded])
    np.testing.assert_array_equal(decode_planes(data, coded, past), seen)


@pytest.mark.parametrize(
    "planes",
    [series(1, 128, seed=2).values[0], np.zeros((12, 128, 128), int)],
    ids=["image", "zeros"],
)
def test_an_image_takes_less_than_zlib_and_zeros_next_to_nothing(planes):
    size = len(encode_planes(planes, everything(planes), None)[0])
    raw = np.ascontiguousarray(planes.astype(np.uint16))
    assert size < (0.8 * len(zlib.compress(raw.tobytes(), 9)) if planes.any() else 150)


def test_a_date_before_helps():
    now = series(1, 128, seed=2).values[0]
    assert len(encode_planes(now, everything(now), now)[0]) < 0.5 * len(
        encode_planes(now, everything(now), None)[0]
    )


def test_the_bytes_are_these():
    planes = (np.arange(2 * 5 * 7).reshape(2, 5, 7) * 37) % 101 - 40
    planes[1, 2:4, 2:4] = 100_000
    data, _ = encode_planes(planes, planes != 0, None)
    assert data.hex() == PINNED


@pytest.mark.parametrize(
    "damage", [b"", b"\0\0\0", b"\0\0\0\x09" + bytes(7), b"\xff\xff\xff\xff" + bytes(20)]
)
def test_damage_is_an_error(damage):
    with pytest.raises(DamagedChunkError):
        decode_planes(damage, np.ones((1, 2, 2), bool), None)


def test_truncation_is_an_error():
    planes = np.random.default_rng(0).integers(-9000, 9000, (3, 16, 16))
    data, _ = encode_planes(planes, everything(planes), None)
    for end in range(len(data)):
        with pytest.raises(DamagedChunkError):
            decode_planes(data[:end], everything(planes), None)


@pytest.mark.parametrize("value", [MAX_VALUE + 1, -MAX_VALUE - 1])
def test_values_beyond_the_limit_are_refused(value):
    with pytest.raises(ValueError, match="samples must be within"):
        encode_planes(np.full((1, 2, 2), value), np.ones((1, 2, 2), bool), None)


def test_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match="must be alike"):
        encode_planes(np.zeros((1, 2, 2), int), np.ones((1, 2, 3), bool), None)
