"""Chunks within shards: dates that are added leave the others as they are, and one date is read
without the rest."""

import pathlib

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.bitstream import container
from tec_zarr.runtime.cache import CACHE
from tec_zarr.synthetic import series

LENGTH = 6
INDEX_CHECKSUM = 4


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return xr.Dataset({"B": series(2 * LENGTH, 48, seed=7).assign_attrs(offset_dn=0)})


@pytest.fixture(autouse=True)
def _nothing_remembered():
    CACHE.reset()


def begin(cube: xr.Dataset, path: pathlib.Path, **options) -> None:
    """Shards of two chunks in time and two along x."""
    cube.tec.to_zarr(
        path,
        chunks={"time": LENGTH, "y": 48, "x": 24},
        shards={"time": 2 * LENGTH, "x": 48},
        quality=40,
        progress=False,
        **options,
    )


def sections(path: pathlib.Path) -> dict[tuple[int, int], bytes]:
    """Bytes of each date by (place of its chunk in the shard, date)."""
    data = (path / "B/c/0/0/0/0").read_bytes()
    index = np.frombuffer(data[-4 * 16 - INDEX_CHECKSUM : -INDEX_CHECKSUM], "<u8").reshape(4, 2)
    found = {}
    for place, (start, size) in enumerate(index.tolist()):
        if start == 2**64 - 1:
            continue
        for section in container.parse(data[start : start + size]).sections:
            found[place, section.time] = section.data
    return found


def counted(name: str) -> float:
    return tec_zarr.counters().get(name, 0)


def test_dates_that_are_added_leave_the_others_as_they_are(cube, tmp_path):
    path = tmp_path / "a.zarr"
    begin(cube.isel(time=slice(0, 4)), path)
    before = sections(path)
    assert len(before) == 2 * 4
    for date in range(4, 9):
        encoded = counted("dates encoded")
        cube.isel(time=slice(date, date + 1)).tec.append(path, progress=False)
        after = sections(path)
        assert counted("dates encoded") - encoded == 2
        assert len(after) == len(before) + 2
        assert {key: after[key] for key in before} == before
        before = after
    whole = tmp_path / "whole.zarr"
    begin(cube.isel(time=slice(0, 9)), whole)
    assert sections(whole) == after


def test_dates_that_xarray_appends_leave_the_others_as_they_are(cube, tmp_path):
    path = tmp_path / "a.zarr"
    begin(cube.isel(time=slice(0, 4)), path)
    before = sections(path)
    assert len(before) == 2 * 4
    more = cube.isel(time=slice(4, 5)).drop_vars(["band", "y", "x"])
    more.to_zarr(path, append_dim="time", consolidated=True)
    after = sections(path)
    assert {key: after[key] for key in before} == before
    assert xr.open_zarr(path).sizes["time"] == 5


@pytest.mark.parametrize(("options", "most"), [({}, LENGTH), ({"key_interval": 2}, 2)])
def test_one_date_decodes_its_run_alone(cube, tmp_path, options, most):
    path = tmp_path / "a.zarr"
    begin(cube, path, **options)
    whole = xr.open_zarr(path, chunks=None)["B"].load()
    for date in (0, 1, LENGTH - 1, LENGTH, 2 * LENGTH - 1):
        CACHE.reset()
        decoded = counted("dates decoded")
        read = xr.open_zarr(path, chunks=None)["B"][date, :, 5:30, 3:20].load()
        place = date % LENGTH
        run = place % most + 1
        assert counted("dates decoded") - decoded == run
        np.testing.assert_allclose(read, whole[date, :, 5:30, 3:20], atol=1)
