"""Dates written into chunks, and parts read from them."""

import itertools

import numpy as np
import pytest
import zarr

from tec_zarr import TerraCodecSerializer
from tec_zarr.bitstream import container
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.fetching import Fetch
from tec_zarr.codec.partial import Layout, read_part, write_part
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DamagedChunkError, InvalidInputError
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.synthetic import series

DATES = 6
SIZE = 48
LAYOUT = Layout((DATES, 12, SIZE, SIZE), np.dtype("u2"), 0)
WAYS = [
    {"quality": 40},
    {"quality": 40, "key_interval": 2},
    {"quality": 40, "context": "date"},
    {"quality": 40, "context": "none"},
    {"max_error": 0},
    {"max_error": 3},
    {"max_error": 200},
    {"quality": 60, "max_error": 100},
    {"psnr": 40},
    {"ratio": 20},
]


@pytest.fixture(scope="module")
def cube():
    return series(DATES, SIZE, seed=8).values


@pytest.fixture(autouse=True)
def _empty_cache():
    CACHE.reset()


def date(time, y=slice(0, SIZE), x=slice(0, SIZE)):
    return (slice(time, time + 1), slice(0, 12), y, x)


def write(data, values, selection, settings):
    return write_part(data, values, selection, LAYOUT, settings, "cpu")


def one_by_one(cube, settings, times):
    data = None
    for time in times:
        data = write(data, cube[time : time + 1], date(time), settings)
    return data


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_dates_one_by_one_are_no_worse_than_together(cube, way):
    settings = Settings(nodata=None, **way)
    together = write(None, cube, (slice(None),) * 4, settings)
    data = one_by_one(cube, settings, range(DATES))
    assert len(data) <= 1.15 * len(together)
    decoded = decode_chunk(data)
    if "max_error" in way:
        assert np.abs(decoded.astype(int) - cube).max() <= way["max_error"]
    if "psnr" in way:
        for time in range(DATES):
            error = decoded[time].astype(float) - cube[time]
            found = 20 * np.log10(1e4 / np.sqrt((error**2).mean()))
            assert found == pytest.approx(40, abs=0.1)


def test_dates_one_by_one_are_those_written_together(cube):
    """Nothing of a date is coded twice: the bytes are the same."""
    for way in ({"quality": 40}, {"max_error": 0}, {"quality": 40, "key_interval": 2}):
        settings = Settings(**way)
        together = write(None, cube, (slice(None),) * 4, settings)
        data = one_by_one(cube, settings, range(DATES))
        CACHE.reset()
        cold = write(
            one_by_one(cube, settings, range(DATES - 1)), cube[-1:], date(DATES - 1), settings
        )
        assert data == together == cold


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_what_is_not_touched_keeps_its_bytes(cube, way):
    settings = Settings(nodata=None, **way)
    data = one_by_one(cube, settings, (0, 1, 2, 4))
    before = decode_chunk(data)
    assert (before[[3, 5]] == 0).all()
    for time, values in ((1, cube[3]), (4, cube[0]), (3, cube[2]), (1, cube[1])):
        sections = {s.data for s in container.parse(data).sections}
        after = write(data, values[None], date(time), settings)
        shown = {s.time: s.data for s in container.parse(after).sections}
        others = [t for t in shown if t != time]
        assert all(shown[t] in sections for t in others)
        decoded = decode_chunk(after)
        np.testing.assert_array_equal(decoded[others], decode_chunk(data)[others])
        data = after


def test_rewriting_for_ever_does_not_grow(cube):
    settings = Settings(quality=40)
    data = one_by_one(cube, settings, range(DATES))
    first = len(data)
    sizes = []
    for _ in range(3):
        for time in range(DATES):
            data = write(data, cube[time : time + 1], date(time), settings)
        sizes.append(len(data))
    assert max(sizes) < 2 * first
    assert len(container.parse(data).sections) <= 2 * DATES


def test_a_part_of_a_date_is_refused_where_that_would_lose(cube):
    half = date(1, y=slice(0, 20))
    for way in ({"quality": 40}, {"max_error": 5}, {"psnr": 40}):
        settings = Settings(**way)
        data = one_by_one(cube, settings, (0, 1))
        with pytest.raises(InvalidInputError, match=r"part of date 1 .*at once"):
            write(data, cube[1:2, :, :20], half, settings)


def test_a_part_of_a_date_is_written_where_nothing_is_lost(cube):
    exact = Settings(max_error=0)
    data = one_by_one(cube, exact, (0, 1))
    data = write(data, cube[3:4, :, :20], date(1, y=slice(0, 20)), exact)
    expected = cube[:2].copy()
    expected[1, :, :20] = cube[3, :, :20]
    np.testing.assert_array_equal(decode_chunk(data)[:2], expected)

    # The rest was never written.
    settings = Settings(quality=40)
    left = date(0, x=slice(0, 20))
    data = write(None, cube[:1, ..., :20], left, settings)
    data = write(data, cube[2:3, ..., :20], left, settings)
    once = write(None, cube[2:3, ..., :20], left, settings)
    np.testing.assert_array_equal(decode_chunk(data), decode_chunk(once))
    assert (decode_chunk(data)[..., 20:] == 0).all()


@pytest.mark.parametrize("fill", [0, 65535, 7])
@pytest.mark.parametrize("dtype", ["u2", ">i2", "f4"])
def test_what_nobody_wrote_is_the_fill_value(cube, fill, dtype):
    fill = np.nan if dtype == "f4" else min(fill, 32767)
    layout = Layout(LAYOUT.shape, np.dtype(dtype), fill)
    settings = Settings(psnr=42, nodata=None, scale=1.0)
    values = cube[2:3, :, :30, :37].astype(dtype)
    part = date(2, slice(0, 30), slice(0, 37))
    data = write_part(None, values, part, layout, settings, "cpu")
    decoded = decode_chunk(data)
    assert decoded.dtype == np.dtype(dtype)
    error = decoded[part].astype(float) - values
    assert 20 * np.log10(1e4 / np.sqrt((error**2).mean())) == pytest.approx(42, abs=0.1)
    decoded[part] = fill
    np.testing.assert_array_equal(decoded, np.full_like(decoded, fill))


def test_only_the_fill_value_is_no_chunk(cube):
    settings = Settings(quality=40, nodata=None)
    assert write(None, np.uint16(0), (slice(None),) * 4, settings) is None
    data = one_by_one(cube, settings, (0, 1, 2))
    zeros = np.zeros_like(cube)
    data = write(data, zeros[:1], date(0), settings)
    decoded = decode_chunk(data)
    assert (decoded[0] == 0).all()
    assert (decoded[1] != 0).any()
    assert write(data, zeros, (slice(None),) * 4, settings) is None
    stored = write_part(None, zeros, (slice(None),) * 4, LAYOUT, settings, "cpu", store_empty=True)
    np.testing.assert_array_equal(decode_chunk(stored), zeros)


def test_no_more_is_decoded_than_a_date_needs(cube):
    settings = Settings(quality=40, key_interval=3)
    contents = container.parse(one_by_one(cube, settings, range(DATES)))
    whole = decode_chunk(container.pack(contents))
    for time, most in ((0, 1), (2, 3), (3, 1), (5, 3)):
        CACHE.reset()
        COUNTERS.reset()
        found = read_part(contents, date(time), LAYOUT, settings, "cpu")
        np.testing.assert_array_equal(found, whole[date(time)])
        assert COUNTERS.snapshot()["dates decoded"] == most


def test_loops_decode_a_chunk_once(cube):
    settings = Settings(quality=40)
    contents = container.parse(one_by_one(cube, settings, range(DATES)))
    everything = slice(None)
    bands = [(everything, slice(b, b + 1), everything, everything) for b in range(12)]
    windows = [(everything, everything, slice(y, y + 9), slice(3, 12)) for y in range(12)]
    dates = [date(t) for t in range(DATES)]
    pixels = [(everything, everything, y, 5) for y in range(6)]
    for loop in (bands, windows, dates, pixels):
        CACHE.reset()
        COUNTERS.reset()
        for selection in loop:
            read_part(contents, selection, LAYOUT, settings, "cpu")
        assert COUNTERS.snapshot()["dates decoded"] == DATES


SELECTIONS = [
    (slice(1, 3), slice(None), slice(0, 7), slice(5, 40)),
    (slice(0, 6, 2), slice(2, 9, 3), slice(None), slice(None)),
    (4, slice(None), slice(None), slice(None)),
    (slice(None), 3, 5, slice(None)),
    (2, 3, 5, 7),
    np.ix_([0, 5], [1, 3], [4, 2], [0, 47]),
    ([5, 1], [0, 11], [3, 3], [9, 10]),
    (slice(None, None, -1), slice(None), slice(None), slice(None)),
]


@pytest.mark.parametrize("selection", SELECTIONS, ids=range(len(SELECTIONS)))
def test_selections_are_those_of_numpy(cube, selection):
    settings = Settings(quality=30)
    contents = container.parse(one_by_one(cube, settings, range(5)))
    whole = decode_chunk(container.pack(contents))
    found = read_part(contents, selection, LAYOUT, settings, "cpu")
    np.testing.assert_array_equal(found, whole[selection])


def test_a_long_directory_takes_all_of_the_chunk(cube, monkeypatch, tmp_path):
    monkeypatch.setattr("tec_zarr.codec.fetching.FIRST_BYTES", 40)
    settings = Settings(quality=30)
    array = zarr.create_array(
        tmp_path / "a.zarr",
        shape=cube.shape,
        chunks=cube.shape,
        dtype=cube.dtype,
        serializer=TerraCodecSerializer(quality=30),
        compressors=None,
    )
    array[:] = cube
    CACHE.reset()
    whole = decode_chunk(write(None, cube, (slice(None),) * 4, settings))
    np.testing.assert_array_equal(array[3], whole[3])


@pytest.mark.parametrize("first_bytes", [600, 2000])
def test_only_the_bytes_that_are_needed_are_fetched(cube, monkeypatch, first_bytes):
    monkeypatch.setattr("tec_zarr.codec.fetching.FIRST_BYTES", first_bytes)
    settings = Settings(quality=60, key_interval=2)
    data = one_by_one(cube, settings, range(DATES))
    for times in itertools.chain([[t] for t in range(DATES)], [[0, 5], [1, 2]]):
        fetch = Fetch(times, is_whole=False)
        start = data[slice(*fetch.first)]
        parts = [(wanted, data[slice(*wanted)]) for wanted in fetch.missing(start)]
        assert sum(len(part) for _, part in parts) < len(data)
        contents = fetch.contents(start, parts)
        whole = (times, slice(None), slice(None), slice(None))
        found = read_part(contents, whole, LAYOUT, settings, "cpu")
        np.testing.assert_array_equal(found, decode_chunk(data)[times])
        (begin, end), part = parts[-1]
        damaged = [*parts[:-1], ((begin, end), part[:-1] + bytes([part[-1] ^ 1]))]
        with pytest.raises(DamagedChunkError, match="the checksum of date"):
            fetch.contents(start, damaged)
        with pytest.raises(DamagedChunkError, match="truncated by 1 bytes"):
            fetch.contents(start, [*parts[:-1], ((begin, end), part[:-1])])


def test_what_was_read_a_moment_ago_is_written_as_it_was(cube):
    """From store to store, and in part, without coding anything twice."""
    settings = Settings(quality=40)
    data = one_by_one(cube, settings, range(DATES))
    everything = (slice(None),) * 4
    values = read_part(container.parse(data), everything, LAYOUT, settings, "cpu")
    assert write(None, values, everything, settings) == data
    changed = values.copy()
    changed[5] = cube[0]
    copied = write(None, changed, everything, settings)
    np.testing.assert_array_equal(decode_chunk(copied)[:5], values[:5])
    other = write(None, values, everything, Settings(quality=30))
    assert len(other) < len(data)


def test_a_blank_date_is_not_taken_for_one_of_another_chunk(cube):
    settings = Settings(quality=40)
    data = one_by_one(cube, settings, (0, 1))
    everything = (slice(None),) * 4
    read_part(container.parse(data), everything, LAYOUT, settings, "cpu")
    edge = (slice(0, 2), slice(None), slice(0, 30), slice(None))
    data = write(None, cube[2:4, :, :30], edge, settings)
    decoded = decode_chunk(data)
    assert np.abs(decoded[edge].astype(int) - cube[2:4, :, :30]).mean() < 60
    assert (decoded[2:] == 0).all()


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_chunks_that_are_decoded_and_coded_whole_keep_what_did_not_change(cube, way):
    """As format 2 writes parts, and shards in zarr's fused pipeline."""
    settings = Settings(nodata=None, **way)
    array = np.zeros_like(cube)
    data = None
    for time in (0, 1, 2, 3, 4, 5, 2, 5):
        if data is not None:
            array = decode_chunk(data, "cpu", settings)
        before = array.copy()
        array[time] = cube[time]
        data = encode_chunk(array, settings)
        others = [t for t in range(DATES) if t != time]
        np.testing.assert_array_equal(decode_chunk(data)[others], before[others])
    if "max_error" in way:
        assert np.abs(decode_chunk(data).astype(int) - cube).max() <= way["max_error"]
