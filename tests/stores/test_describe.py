"""ds.tec.info: what a store tells of itself."""

import pathlib
import warnings

import fsspec
import numpy as np
import pytest
import xarray as xr
from fsspec.implementations.local import LocalFileSystem
from zarr.storage import FsspecStore, MemoryStore, StorePath, ZipStore

import tec_zarr
from tec_zarr import InvalidInputError, TargetWarning
from tec_zarr.stores import describe
from tests.stores.scenes import SMALL, opened


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_info_tells_what_was_written(scene, tmp_path, zarr_format):
    bound = {"B02": 40, "B08": 0}
    options = {
        "chunks": SMALL,
        "max_error": bound,
        "psnr": 36,
        "best_effort": True,
        "progress": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)
        scene.tec.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, **options)
    back = opened(tmp_path / "a.zarr")
    info = back.tec.info()
    files = [
        f
        for f in (tmp_path / "a.zarr" / "B").rglob("*")
        if f.is_file() and not f.name.startswith((".z", "zarr"))
    ]
    assert (
        info["bytes"]
        == sum(f.stat().st_size for f in files)
        == sum(c["bytes"] for c in info["chunks"])
    )
    assert info["ratio"] == pytest.approx(scene["B"].nbytes / info["bytes"])
    assert info["bppb"] == pytest.approx(16 / info["ratio"])
    assert (info["psnr"], info["max_error"], info["model"]) == (36, bound, "tec-tt")
    assert len(info["chunks"]) == 2 * 2 * 3
    assert {c["target_met"] for c in info["chunks"]} <= {True, False}
    error = np.abs(back["B"].astype(int) - scene["B"].astype(int)).max(("time", "y", "x"))
    assert error.sel(band="B02") <= 40
    assert error.sel(band="B08") == 0


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_info_reads_the_front_of_chunks_alone(scene, tmp_path, monkeypatch, kind):
    """Also where header and directory are longer than what is read at first."""
    store = tmp_path / "a.zarr" if kind == "folder" else MemoryStore()
    scene.tec.to_zarr(
        store, chunks=SMALL, max_error={"B04": 0, "B08": 400}, quality=30, progress=False
    )
    info = describe.describe_store(store)
    wanted = []

    async def get(self, prototype=None, byte_range=None, *, original=StorePath.get):
        if "B/c/" in self.path:
            wanted.append(byte_range)
        return await original(self, prototype, byte_range)

    monkeypatch.setattr(StorePath, "get", get)
    monkeypatch.setattr(describe, "FRONT_BYTES", 16)
    assert describe.describe_store(store) == info
    assert len(wanted) == 2 * len(info["chunks"])
    assert all(wanted)
    assert info["bytes"] == sum(c["bytes"] for c in info["chunks"])


def test_info_of_what_is_no_store_of_ours(scene, tmp_path):
    with pytest.raises(InvalidInputError, match=r"nothing tells .* tec_zarr\.info\(store\)"):
        scene.tec.info()
    with pytest.raises(InvalidInputError, match=r"nothing tells .* tec_zarr\.info\(store\)"):
        scene["B"].tec.info()
    scene.to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.raises(InvalidInputError, match=r"nothing .* with tec_zarr; its arrays are B, SCL"):
        opened(tmp_path / "a.zarr").tec.info()
    with pytest.raises(InvalidInputError, match=r"B was not written with tec_zarr.* zstd"):
        tec_zarr.info(tmp_path / "a.zarr", "B")
    with pytest.raises(InvalidInputError, match=r"no array 'B02'; it has B, SCL, band"):
        tec_zarr.info(tmp_path / "a.zarr", "B02")
    for nothing in (tmp_path / "b.zarr", tmp_path / "b.zip", tmp_path):
        with pytest.raises(InvalidInputError, match=r"no Zarr group. Give the path or URL"):
            tec_zarr.info(nothing)
    with pytest.raises(InvalidInputError, match=r"there is no group 'r10m'.*group="):
        tec_zarr.info(tmp_path / "a.zarr", group="r10m")


def test_of_several_arrays_one_is_chosen_by_name(scene):
    store = MemoryStore()
    with_two = xr.Dataset({"one": scene["B"], "two": scene["B"].isel(time=slice(0, 2))})
    chunked = with_two.isel(time=slice(0, 2), y=slice(0, 32), x=slice(0, 32)).chunk()
    codec = tec_zarr.encoding(max_error=0)
    chunked.to_zarr(store, group="r10m", encoding={"one": codec, "two": codec})
    with pytest.raises(InvalidInputError, match=r"several arrays .* name=, of one, two"):
        tec_zarr.info(store, group="r10m")
    assert tec_zarr.info(store, "r10m/two")["name"] == "r10m/two"
    assert xr.open_zarr(store, group="r10m").tec.info("two")["name"] == "two"


def folder(scene, tmp_path):
    scene.tec.to_zarr(tmp_path / "a.zarr", **LOSSLESS)
    return tmp_path / "a.zarr", {}


def zip_file(scene, tmp_path):
    scene.tec.to_zarr(tmp_path / "a.zip", **LOSSLESS)
    return ZipStore(tmp_path / "a.zip", mode="r"), {}


def memory(scene, tmp_path):
    store = MemoryStore()
    scene.tec.to_zarr(store, **LOSSLESS)
    return store, {}


class Locked(LocalFileSystem):
    """A file system that is nothing without its options, as S3 is without keys."""

    protocol = "locked"

    def __init__(self, *, key=None, **options):
        super().__init__(**options)
        if key != "right":
            raise PermissionError("no key")


def url_with_options(scene, tmp_path):
    fsspec.register_implementation("locked", Locked, clobber=True)
    scene.tec.to_zarr(tmp_path / "a.zarr", **LOSSLESS)
    return f"locked://{tmp_path}/a.zarr", {"key": "right"}


def object_of_a_url(scene, tmp_path):
    scene.tec.to_zarr(tmp_path / "a.zarr", **LOSSLESS)
    return FsspecStore.from_url(f"file://{tmp_path}/a.zarr"), {}


def icechunk_session(scene, tmp_path):
    icechunk = pytest.importorskip("icechunk", reason="needs icechunk, which is not installed")
    repository = icechunk.Repository.create(icechunk.in_memory_storage())
    session = repository.writable_session("main")
    scene.tec.to_zarr(session.store, **LOSSLESS)
    session.commit("a cube")
    return repository.readonly_session("main").store, {}


LOSSLESS = {"chunks": {"time": 4}, "max_error": 0, "progress": False}


@pytest.mark.parametrize(
    "kind", [folder, zip_file, memory, url_with_options, object_of_a_url, icechunk_session]
)
def test_info_of_every_kind_of_store(scene, tmp_path, kind):
    small = scene.isel(y=slice(0, 16), x=slice(0, 16))
    store, options = kind(small, tmp_path)
    told = tec_zarr.info(store, storage_options=options or None)
    back = xr.open_zarr(store, storage_options=options or None)
    assert back.tec.info() == told
    assert back.isel(time=[0]).tec.info() == told
    assert list(told["arrays"]) == ["B", "SCL", "band", "time", "x", "y"]
    assert told["beside"] == ["SCL"]
    assert told["arrays"]["SCL"]["raw_bytes"] == small["SCL"].nbytes
    assert told["arrays"]["SCL"]["codec"] == "zstd"
    assert told["arrays"]["B"]["codec"] == "tec_zarr.terracodec"
    assert told["arrays"]["B"]["bytes"] == told["bytes"] == told["chunks"][0]["bytes"]
    assert told["total"]["bytes"] == sum(one["bytes"] for one in told["arrays"].values())
    assert 0 < told["arrays"]["SCL"]["bytes"] < told["bytes"] < told["total"]["bytes"]
    if not isinstance(store, (str, pathlib.Path)):
        return
    files = [f for f in (tmp_path / "a.zarr").rglob("*") if f.is_file() and f.name != "zarr.json"]
    assert told["total"]["bytes"] == sum(file.stat().st_size for file in files)


def test_a_target_does_not_stand_for_what_became_of_it(scene):
    store = MemoryStore()
    small = scene.isel(time=slice(0, 1), y=slice(0, 32), x=slice(0, 32)).chunk()
    small.to_zarr(store, encoding={"B": tec_zarr.encoding(ratio=3.3, context="none")})
    told = tec_zarr.info(store)
    assert told["settings"]["ratio"] == 3.3
    assert told["ratio"] == small["B"].nbytes / told["bytes"]
