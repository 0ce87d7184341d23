"""Any selection that Zarr and xarray know reads and writes what numpy would."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import tec_zarr
from tec_zarr import InvalidInputError, TerraCodecSerializer
from tec_zarr.synthetic import series

SHAPE = (7, 3, 40, 50)
CHUNKS = (4, 3, 16, 32)
SHARDS = (8, 3, 48, 64)
SERIALIZER = TerraCodecSerializer(max_error=0, context="none")


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.ascontiguousarray(series(7, 50, seed=2).values[:, :3, :40])


@pytest.fixture(scope="module", params=[None, SHARDS], ids=["chunks", "shards"])
def array(request, values) -> zarr.Array:
    made = zarr.create_array(
        {},
        shape=SHAPE,
        chunks=CHUNKS,
        shards=request.param,
        dtype="u2",
        serializer=SERIALIZER,
        compressors=None,
    )
    made[:] = values
    return made


@st.composite
def part(draw, size: int) -> int | slice:
    """An index along one dim, or a slice with any steps forward."""
    if draw(st.booleans()):
        return draw(st.integers(-size, size - 1))
    ends = st.none() | st.integers(-size - 2, size + 2)
    return slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, size + 1)))


def places(size: int) -> st.SearchStrategy:
    """What orthogonal indexing takes along a dim: several indices, or a mask."""
    listed = st.lists(st.integers(0, size - 1), min_size=1, max_size=4)
    masks = st.lists(st.booleans(), min_size=size, max_size=size).filter(any)
    return part(size) | listed.map(np.array) | masks.map(np.array)


basic = st.tuples(*(part(size) for size in SHAPE))
orthogonal = st.tuples(*(places(size) for size in SHAPE))


def expected(values: np.ndarray, selection: tuple) -> np.ndarray:
    """What orthogonal indexing gives: one dim after the other, from the last one."""
    for axis in reversed(range(len(selection))):
        values = values[(slice(None),) * axis + (selection[axis],)]
    return values


@given(selection=basic)
@settings(deadline=None, max_examples=60)
def test_basic_selections_read_what_numpy_would(array, values, selection):
    np.testing.assert_array_equal(array[selection], values[selection])


@given(selection=orthogonal)
@settings(deadline=None, max_examples=60)
def test_orthogonal_selections_read_what_numpy_would(array, values, selection):
    found = array.oindex[selection]
    np.testing.assert_array_equal(found, expected(values, selection))


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_points_read_what_numpy_would(array, values, data):
    count = data.draw(st.integers(1, 5))
    points = []
    for size in SHAPE:
        points.append(data.draw(st.lists(st.integers(0, size - 1), min_size=count, max_size=count)))
    np.testing.assert_array_equal(array.vindex[tuple(points)], values[tuple(points)])


@given(selection=basic)
@settings(deadline=None, max_examples=40)
def test_what_is_written_without_a_loss_is_what_numpy_would_write(array, values, selection):
    changed = values.copy()
    changed[selection] = 1234
    array[selection] = 1234
    np.testing.assert_array_equal(array[:], changed)
    array[selection] = values[selection]
    np.testing.assert_array_equal(array[:], values)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_one_sample_of_an_opened_cube(values, tmp_path, zarr_format):
    cube = xr.Dataset({"B": (("time", "band", "y", "x"), values)})
    encoding = {"B": tec_zarr.encoding(zarr_format, max_error=0, chunks=CHUNKS)}
    cube.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, encoding=encoding)
    for chunks in (None, {}):
        opened = xr.open_zarr(tmp_path / "a.zarr", chunks=chunks)["B"]
        assert opened.isel(time=6, band=1, y=39, x=49).values == values[6, 1, 39, 49]


LARGE = (5000, 12, 20480, 20480)


@pytest.mark.parametrize("shards", [None, (4, 12, 1024, 1024)])
def test_an_array_may_be_larger_than_any_chunk(shards):
    scene = series(4, 256, seed=2).values
    array = zarr.create_array(
        {},
        shape=LARGE,
        chunks=(4, 12, 256, 256),
        shards=shards,
        dtype="u2",
        serializer=TerraCodecSerializer(context="none"),
        compressors=None,
    )
    place = (slice(4, 8), slice(None), slice(256, 512), slice(20224, 20480))
    array[place] = scene
    again = zarr.open_array(array.store, mode="r")
    assert np.abs(again[place].astype(int) - scene).mean() < 200


def test_a_large_cube_is_prepared(tmp_path):
    lazy = da.zeros(LARGE, chunks=(16, 12, 2048, 2048), dtype="u2")
    cube = xr.Dataset({"B": (("time", "band", "y", "x"), lazy)})
    encoding = {"B": tec_zarr.encoding(chunks=(4, 12, 256, 256))}
    cube.to_zarr(tmp_path / "a.zarr", encoding=encoding, compute=False)
    opened = xr.open_zarr(tmp_path / "a.zarr", chunks=None)["B"]
    assert opened.shape == LARGE


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ((4, 12, 20480, 256), r"a chunk is too large or empty along y 20480 \(at most 16384\)"),
        ((5000, 12, 16, 16), r"a chunk is too large or empty along time 5000 \(at most 4096\)"),
        ((4, 12, 16384, 16384), "at most 1073741824 samples"),
    ],
)
def test_chunks_that_are_too_large_raise_before_anything_is_there(chunks, said):
    store: dict = {}
    with pytest.raises(InvalidInputError, match=said):
        zarr.create_array(
            store, shape=LARGE, chunks=chunks, dtype="u2", serializer=TerraCodecSerializer()
        )
    assert not store
