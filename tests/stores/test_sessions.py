"""Cubes in repositories of Icechunk."""

import numpy as np
import pytest
import xarray as xr

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
