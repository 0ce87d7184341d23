"""Cubes in repositories of Icechunk."""

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.weights import keep_weights
from tests.stores.test_places import cube, failing

icechunk = pytest.importorskip("icechunk", reason="needs icechunk: pip install icechunk")

OPTIONS = {"chunks": {"time": 1, "x": 8}, "progress": False}


@pytest.fixture
def repository():
    return icechunk.Repository.create(icechunk.in_memory_storage())


def read(repository) -> xr.Dataset:
    store = repository.readonly_session("main").store
    return xr.open_zarr(store, consolidated=False).load()


def begun(repository) -> None:
    session = repository.writable_session("main")
    cube(slice(0, 2)).tec.to_zarr(session.store, **OPTIONS)
    session.commit("two dates")


def test_write_commit_and_append(repository, tmp_path):
    begun(repository)
    session = repository.writable_session("main")
    cube(slice(2, 4)).tec.append(session.store, progress=False)
    assert read(repository).sizes["time"] == 2
    session.commit("two more")
    cube(slice(0, 2)).tec.to_zarr(tmp_path / "a.zarr", **OPTIONS)
    cube(slice(2, 4)).tec.append(tmp_path / "a.zarr", progress=False)
    xr.testing.assert_identical(read(repository), xr.open_zarr(tmp_path / "a.zarr").load())


GROWING = {"chunks": {"time": 4, "x": 8}, "context": "none", "progress": False}


def test_each_date_is_a_snapshot(repository):
    """Dates go one at a time into a chunk, and every state of the store stays readable."""
    session = repository.writable_session("main")
    cube(slice(0, 1)).tec.to_zarr(session.store, **GROWING)
    snapshots = [session.commit("a date")]
    states = [read(repository)]
    for date in (1, 2, 3):
        session = repository.writable_session("main")
        cube(slice(date, date + 1)).tec.append(session.store, progress=False)
        snapshots.append(session.commit("a date"))
        states.append(read(repository))
    for dates, (snapshot, state) in enumerate(zip(snapshots, states, strict=True), 1):
        store = repository.readonly_session(snapshot_id=snapshot).store
        found = xr.open_zarr(store, consolidated=False).load()
        assert found.sizes["time"] == dates
        xr.testing.assert_identical(found, state)
        xr.testing.assert_identical(states[-1].isel(time=slice(0, dates)), found)


def begun_for_regions(repository) -> None:
    """Arrays of four dates without chunks, two along x."""
    session = repository.writable_session("main")
    codec = tec_zarr.encoding(context="none", quality=90)
    lazy = cube(slice(0, 4))[["B"]].chunk({"time": 4, "x": 8})
    encoding = {"B": {**codec, "chunks": (4, 3, 16, 8)}}
    lazy.to_zarr(session.store, encoding=encoding, compute=False, consolidated=False)
    session.commit("metadata")


def write_region(session, x: slice, shift: int = 0) -> None:
    part = cube(slice(0, 4))[["B"]].isel(x=x).drop_vars(["time", "band", "y"], errors="ignore")
    (part + np.uint16(shift)).to_zarr(session.store, region={"x": x}, consolidated=False)


def test_sessions_that_write_different_chunks_are_brought_together(repository):
    begun_for_regions(repository)
    first = repository.writable_session("main")
    second = repository.writable_session("main")
    write_region(first, slice(0, 8))
    write_region(second, slice(8, 16))
    first.commit("the left half")
    second.commit("the right half", rebase_with=icechunk.ConflictDetector())
    difference = read(repository)["B"].astype(int) - cube(slice(0, 4))["B"].astype(int)
    for half in (slice(0, 8), slice(8, 16)):
        assert float(np.sqrt((difference.isel(x=half) ** 2).mean())) < 40


def test_sessions_that_write_the_same_chunk_are_told(repository):
    begun_for_regions(repository)
    first = repository.writable_session("main")
    second = repository.writable_session("main")
    write_region(first, slice(0, 8))
    write_region(second, slice(0, 8), shift=500)
    first.commit("one")
    kept = read(repository)
    with pytest.raises(icechunk.ConflictError):
        second.commit("another")
    with pytest.raises(icechunk.RebaseFailedError):
        second.rebase(icechunk.ConflictDetector())
    xr.testing.assert_identical(read(repository), kept)


def test_sessions_that_append_at_the_same_time_are_told(repository):
    """Nobody's dates get lost: who comes second does it again."""
    begun(repository)
    first = repository.writable_session("main")
    second = repository.writable_session("main")
    cube(slice(2, 3)).tec.append(first.store, progress=False)
    cube(slice(3, 4)).tec.append(second.store, progress=False)
    first.commit("the third date")
    with pytest.raises(icechunk.ConflictError):
        second.commit("the fourth date")
    again = repository.writable_session("main")
    cube(slice(3, 4)).tec.append(again.store, progress=False)
    again.commit("the fourth date")
    assert read(repository).sizes["time"] == 4


def test_a_store_is_replaced(repository):
    begun(repository)
    session = repository.writable_session("main")
    with pytest.raises(FileExistsError):
        cube(slice(2, 4)).tec.to_zarr(session.store, **OPTIONS)
    cube(slice(3, 4)).tec.to_zarr(session.store, mode="w", **OPTIONS)
    session.commit("another")
    assert read(repository).sizes["time"] == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_is_forgotten(repository, error):
    begun(repository)
    before = read(repository)
    session = repository.writable_session("main")
    with pytest.raises(error):
        failing(error).tec.append(session.store, progress=False)
    assert not session.has_uncommitted_changes
    cube(slice(2, 4)).tec.append(session.store, progress=False)
    session.commit("two more")
    after = read(repository)
    np.testing.assert_array_equal(after["B"][:2], before["B"])
    assert after.sizes["time"] == 4


def test_changes_from_before_are_not_forgotten_without_a_word(repository):
    session = repository.writable_session("main")
    cube(slice(0, 2)).tec.to_zarr(session.store, **OPTIONS)
    with pytest.raises(ValueError, match="broken") as raised:
        failing(ValueError).tec.append(session.store, progress=False)
    assert "discard_changes" in raised.value.__notes__[0]
    assert session.has_uncommitted_changes


def test_weights_have_no_place_there(repository):
    session = repository.writable_session("main")
    cube(slice(0, 2)).tec.to_zarr(session.store, **OPTIONS)
    with pytest.raises(InvalidInputError, match="takes no other keys than those of Zarr"):
        keep_weights(session.store)
