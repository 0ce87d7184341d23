"""Lazy cubes are read once for writing, and what needs a sample reads a few chunks."""

import collections
import threading

import dask.array
import numpy as np
import pytest
import xarray as xr

from tec_zarr.stores import reading
from tec_zarr.stores.reading import Parts
from tec_zarr.synthetic import series

PIECES = {"time": 1, "band": 3, "y": 16, "x": 16}
CHUNKS = {"time": 2, "y": 16, "x": 16}


class Counted:
    """A cube of Dask that counts how often each of its blocks was read."""

    def __init__(self, pieces=PIECES, dtype="uint16", attrs=None):
        self.values = series(4, 32, seed=1).isel(band=slice(0, 3)).astype(dtype)
        self.reads = collections.Counter()
        self._lock = threading.Lock()
        lazy = self.values.chunk(pieces)
        counted = dask.array.map_blocks(self._count, lazy.data, dtype=lazy.dtype)
        times = np.datetime64("2021-01-05", "ns") + np.arange(4) * np.timedelta64(5, "D")
        self.cube = lazy.copy(data=counted).assign_coords(time=times)
        self.cube.attrs = {"offset_dn": 0} if attrs is None else attrs

    def _count(self, block, block_info=None):
        if block_info:
            with self._lock:
                self.reads[block_info[0]["chunk-location"]] += 1
        return block

    @property
    def blocks(self) -> int:
        return self.cube.data.npartitions


@pytest.mark.parametrize("pieces", [PIECES, {"time": 4, "band": 1, "y": 32, "x": 8}])
def test_writing_reads_every_block_once(tmp_path, pieces):
    counted = Counted(pieces)
    counted.cube.tec.to_zarr(tmp_path / "a.zarr", chunks=CHUNKS, progress=False)
    assert set(counted.reads.values()) == {1}
    assert len(counted.reads) == counted.blocks


def test_a_variable_a_band_is_read_once(tmp_path):
    counted = Counted({**PIECES, "band": 1})
    bands = counted.cube.to_dataset("band")
    for band in bands.data_vars.values():
        band.attrs["offset_dn"] = 0
    bands.tec.to_zarr(tmp_path / "a.zarr", chunks=CHUNKS, progress=False)
    assert set(counted.reads.values()) == {1}
    assert len(counted.reads) == counted.blocks


def test_appending_reads_every_block_once(tmp_path):
    counted = Counted()
    counted.cube[:2].tec.to_zarr(tmp_path / "a.zarr", chunks=CHUNKS, progress=False)
    counted.cube[2:].tec.append(tmp_path / "a.zarr", progress=False)
    assert set(counted.reads.values()) == {1}
    assert len(counted.reads) == counted.blocks


@pytest.mark.parametrize("pieces", [PIECES, {"time": 4, "band": 3, "y": 32, "x": 32}])
@pytest.mark.parametrize("target", [{"ratio": 20}, {"bppb": 1.0}])
def test_a_budget_reads_no_block_more_than_once_more(tmp_path, pieces, target):
    counted = Counted(pieces)
    counted.cube.tec.to_zarr(tmp_path / "a.zarr", chunks=CHUNKS, progress=False, **target)
    assert max(counted.reads.values()) == 2
    assert len(counted.reads) == counted.blocks


def test_units_of_floats_are_found_in_a_few_blocks(tmp_path):
    counted = Counted(dtype="float32", attrs={})
    counted.cube.tec.to_zarr(tmp_path / "a.zarr", chunks=CHUNKS, progress=False)
    assert sum(counted.reads.values()) <= counted.blocks + 4
    assert max(counted.reads.values()) == 2


def test_values_stand_where_they_are_read():
    array = xr.DataArray(dask.array.arange(720, chunks=720).reshape(8, 9, 10), dims=list("abc"))
    parts = Parts(array.chunk({"a": 3, "b": 4, "c": 7}))
    for place in ((slice(0, 8), slice(2, 6), slice(5, 9)), (slice(3, 4), slice(0, 9), slice(0, 1))):
        np.testing.assert_array_equal(parts.read(place), array.values[place])


def test_what_is_too_much_is_not_kept(monkeypatch):
    counted = Counted()
    monkeypatch.setattr(reading, "MOST_KEPT", 1000)
    parts = Parts(counted.cube)
    place = (slice(0, 1), slice(0, 3), slice(0, 16), slice(0, 16))
    for _ in range(2):
        np.testing.assert_array_equal(parts.read(place), counted.values.values[place])
    assert counted.reads == {(0, 0, 0, 0): 2}
