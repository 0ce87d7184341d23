"""Stores in folders and zip files are there as a whole, as before, or not at all."""

import os
import sys
import uuid
import zipfile

import fsspec
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore, ZipStore

import tec_zarr
from tec_zarr.errors import InvalidInputError
from tec_zarr.stores import moving
from tec_zarr.synthetic import series
from tests.stores.scenes import files

TIMES = np.array(["2021-01-05", "2021-01-10", "2021-01-15", "2021-01-20"], "M8[ns]")


def cube(dates: slice) -> xr.Dataset:
    bands = series(4, 16, seed=1).isel(band=slice(0, 3)).assign_coords(time=TIMES)
    scl = xr.DataArray(np.full((4, 16, 16), 4, "u1"), dims=("time", "y", "x"))
    return xr.Dataset({"B": bands.assign_attrs(offset_dn=0), "SCL": scl}).isel(time=dates)


def failing(error: type[BaseException]):
    """Dates of which the last pixels cannot be read."""

    def broken(block: np.ndarray, block_info=None) -> np.ndarray:
        if block_info[0]["chunk-location"][-1] == 1:
            raise error("broken")
        return block

    data = cube(slice(2, 4)).chunk({"time": 1, "x": 8})
    return data.assign(B=data["B"].copy(data=data["B"].data.map_blocks(broken, dtype="u2")))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_append_that_fails_leaves_the_store_as_it_was(tmp_path, zarr_format, error):
    path = tmp_path / "a.zarr"
    chunks = {"time": 1, "x": 8}
    cube(slice(0, 2)).tec.to_zarr(path, chunks=chunks, zarr_format=zarr_format, progress=False)
    before = files(path)
    with pytest.raises(error):
        failing(error).tec.append(path, progress=False)
    assert files(path) == before
    cube(slice(2, 4)).tec.append(path, progress=False)
    whole = xr.open_zarr(path)
    assert whole.sizes["time"] == 4
    assert (whole["SCL"] == 4).all()
    old = {name: data for name, data in before.items() if name.startswith("B/c/0")}
    assert old.items() <= files(path).items()


@pytest.mark.parametrize("name", ["a.zarr", "a.zip"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(ValueError, match="broken"):
        failing(ValueError).tec.to_zarr(path, chunks={"time": 1, "x": 8}, progress=False)
    assert list(tmp_path.iterdir()) == []
    cube(slice(0, 2)).tec.to_zarr(path, progress=False)
    before = files(tmp_path)
    with pytest.raises(ValueError, match="broken"):
        failing(ValueError).tec.to_zarr(path, mode="w", progress=False)
    assert files(tmp_path) == before
    cube(slice(1, 2)).tec.to_zarr(path, mode="w", progress=False)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert files(tmp_path) != before


def test_only_stores_are_replaced(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.txt").write_text("mine")
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.txt", "mine")
    for path in (folder, archive, folder / "a.txt"):
        with pytest.raises(FileExistsError, match="is no Zarr store"):
            cube(slice(0, 1)).tec.to_zarr(path, mode="w", progress=False)
    assert (folder / "a.txt").read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    cube(slice(0, 1)).tec.to_zarr(empty, mode="w", progress=False)
    assert xr.open_zarr(empty).sizes["time"] == 1


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    cube(slice(0, 2)).tec.to_zarr("~/a.zarr", chunks={"time": 1}, progress=False)
    cube(slice(2, 4)).tec.append("~/a.zarr", progress=False)
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 4


def test_other_modes_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="To add dates use append"):
        cube(slice(0, 1)).tec.to_zarr(tmp_path / "a.zarr", mode="a", progress=False)


def test_what_a_killed_process_left_is_not_in_the_way(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    monkeypatch.setattr(moving, "_remove", lambda path: None)
    with pytest.raises(ValueError, match="broken"):
        failing(ValueError).tec.to_zarr(path, progress=False)
    monkeypatch.undo()
    [left] = tmp_path.iterdir()
    assert left.name.startswith("a.zarr.")
    assert left.name.endswith(".writing")
    cube(slice(0, 2)).tec.to_zarr(path, progress=False)
    assert xr.open_zarr(path).sizes["time"] == 2


def test_folders_change_places_also_where_the_system_cannot_do_it_at_once(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    cube(slice(0, 2)).tec.to_zarr(path, progress=False)
    monkeypatch.setattr(moving, "_exchange", lambda one, other: False)
    cube(slice(0, 1)).tec.to_zarr(path, mode="w", progress=False)
    assert xr.open_zarr(path).sizes["time"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_folders_change_places_at_once(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert moving._exchange(tmp_path / "one", tmp_path / "other") == (sys.platform == "linux")
    if sys.platform == "linux":
        assert (tmp_path / "one" / "other").exists()
        assert (tmp_path / "other" / "one").exists()


@pytest.mark.parametrize("name", ["a.zarr", "a.zip"])
@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_link_leads_to_is_written(tmp_path, name, is_there):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / name
    link = tmp_path / name
    link.symlink_to(real)
    options = {"context": "none", "progress": False}
    if is_there:
        cube(slice(0, 1)).tec.to_zarr(real, **options)
    cube(slice(0, 2)).tec.to_zarr(link, mode="w", **options)
    assert link.is_symlink()
    assert tec_zarr.info(real)["shape"][0] == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, "real"])
    assert [entry.name for entry in real.parent.iterdir()] == [name]


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_a_group_has_the_format_of_its_store(tmp_path, zarr_format, kind):
    store = tmp_path / "a.zarr" if kind == "folder" else MemoryStore()
    options = {"context": "none", "progress": False}
    cube(slice(0, 2)).tec.to_zarr(store, zarr_format=zarr_format, **options)
    with pytest.raises(InvalidInputError, match=f"format {zarr_format}, and so must its groups"):
        cube(slice(0, 1)).tec.to_zarr(store, group="r20m", zarr_format=5 - zarr_format, **options)
    assert xr.open_zarr(store).sizes["time"] == 2
    cube(slice(0, 1)).tec.to_zarr(store, group="r20m", zarr_format=zarr_format, **options)
    assert xr.open_zarr(store).sizes["time"] == 2
    assert xr.open_zarr(store, group="r20m").sizes["time"] == 1


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", ["folder", "memory"])
@pytest.mark.parametrize("below", ["r10m", "new", "deep/er"])
def test_a_place_within_a_store_is_refused(tmp_path, zarr_format, kind, below):
    store = tmp_path / "a.zarr" if kind == "folder" else f"memory://{uuid.uuid4()}/a.zarr"
    options = {"context": "none", "progress": False}
    cube(slice(0, 2)).tec.to_zarr(store, group="r10m", zarr_format=zarr_format, **options)
    for mode in ("w", "w-"):
        with pytest.raises(InvalidInputError, match=f"within the store .* with group='{below}'"):
            cube(slice(0, 1)).tec.to_zarr(f"{store}/{below}", mode=mode, **options)
    with pytest.raises(InvalidInputError, match=r"within the store .* with group='r10m'"):
        cube(slice(2, 3)).tec.append(f"{store}/r10m", progress=False)
    assert xr.open_zarr(store, group="r10m").load().sizes["time"] == 2


@pytest.mark.parametrize("where", ["a.zarr", "deeper/a.zarr"])
def test_a_mapper_of_a_folder_is_its_path(tmp_path, where):
    mapper = fsspec.get_mapper(str(tmp_path / where))
    cube(slice(0, 1)).tec.to_zarr(mapper, context="none", progress=False)
    cube(slice(1, 2)).tec.append(mapper, progress=False)
    assert xr.open_zarr(tmp_path / where).sizes["time"] == 2
    assert tec_zarr.info(mapper)["shape"][0] == 2


def test_zip_files_are_opened_as_the_guide_says(tmp_path):
    cube(slice(0, 2)).tec.to_zarr(tmp_path / "a.zip", progress=False)
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        assert xr.open_zarr(store).load().sizes["time"] == 2
    chained = xr.open_zarr(f"zip::{tmp_path / 'a.zip'}").load()
    assert chained.sizes["time"] == 2


def test_a_group_of_a_zip_file_does_not_replace_the_others(tmp_path):
    path = tmp_path / "a.zip"
    cube(slice(0, 2)).tec.to_zarr(path, group="r10m", progress=False)
    before = path.read_bytes()
    for mode in ("w", "w-"):
        with pytest.raises(InvalidInputError, match="cannot add to a zip file"):
            cube(slice(0, 2)).tec.to_zarr(path, group="r20m", mode=mode, progress=False)
    assert path.read_bytes() == before
    assert xr.open_zarr(f"zip::{path}", group="r10m").sizes["time"] == 2


class Handed(os.PathLike):
    """A path of a kind of its own, as other packages have them."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


def test_any_kind_of_path_is_one(tmp_path):
    cube = series(2, (32, 32))
    place = Handed(tmp_path / "a.zarr")
    cube.isel(time=[0]).tec.to_zarr(place, context="none", progress=False)
    cube.isel(time=[1]).tec.append(place, progress=False)
    assert tec_zarr.info(place)["shape"][0] == 2
    tec_zarr.decompress(place, Handed(tmp_path / "b.zip"), progress=False)
    assert tec_zarr.decompress(Handed(tmp_path / "a.zarr"), tmp_path / "c.zarr") is None
    assert (tmp_path / "b.zip").is_file()


class Bytes(os.PathLike):
    def __fspath__(self):
        return b"a.zarr"


@pytest.mark.parametrize("path", ["a\0b.zarr", Bytes()])
def test_what_no_system_takes_for_a_path_is_refused(tmp_path, path):
    cube = series(1, (32, 32))
    for use in (cube.tec.to_zarr, cube.tec.append, tec_zarr.info):
        with pytest.raises(InvalidInputError, match="a path is a text"):
            use(path)


def test_a_way_through_a_store_and_out_of_it_is_no_place_within_it(tmp_path):
    cube = series(1, (32, 32))
    cube.tec.to_zarr(tmp_path / "a.zarr", context="none", progress=False)
    cube.tec.to_zarr(tmp_path / "a.zarr" / ".." / "b.zarr", context="none", progress=False)
    assert tec_zarr.info(tmp_path / "b.zarr")["shape"][0] == 1


def test_a_link_into_a_store_is_a_place_within_it(tmp_path):
    cube = series(1, (32, 32))
    cube.tec.to_zarr(tmp_path / "a.zarr", context="none", progress=False)
    (tmp_path / "link").symlink_to("a.zarr")
    (tmp_path / "inner").symlink_to(tmp_path / "a.zarr" / "B")
    for path in (tmp_path / "link" / "b.zarr", tmp_path / "inner" / "b.zarr"):
        with pytest.raises(InvalidInputError, match="is within the store"):
            cube.tec.to_zarr(path, progress=False)
