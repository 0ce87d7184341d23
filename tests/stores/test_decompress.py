"""tec_zarr.decompress: whole stores to plain ones."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore, StorePath, ZipStore

import tec_zarr
from tec_zarr import InvalidInputError
from tec_zarr.stores.sizes import arrays_of
from tests.cubes.test_convert import KINDS, same
from tests.stores.scenes import SMALL

LOSSLESS = {"chunks": SMALL, "max_error": 0, "progress": False}
OFFSET = "ignore:no attribute tells the offset"


def codecs(store) -> set[str | None]:
    with_sizes = tec_zarr.stores.sizes.codec_of
    return {with_sizes(array) for array in arrays_of(zarr.open_group(store, mode="r")).values()}


@pytest.mark.filterwarnings(OFFSET)
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_comes_back_as_it_was(kind, zarr_format):
    original = kind()
    store = MemoryStore()
    plain = MemoryStore()
    original.tec.to_zarr(store, **LOSSLESS)
    tec_zarr.decompress(store, plain, zarr_format=zarr_format, progress=False)
    assert codecs(plain) <= {"zstd", "blosc", "vlen-utf8", None}
    assert zarr.open_group(plain, mode="r").metadata.zarr_format == zarr_format
    again = xr.open_zarr(plain, mask_and_scale=False, decode_coords="all")
    for variable in again.data_vars.values():
        # Xarray writes it for all floats.
        if np.isnan(variable.attrs.get("_FillValue", 0)):
            del variable.attrs["_FillValue"]
    if isinstance(original, xr.DataArray):
        [name] = again.data_vars
        array = again[name].rename(original.name)
        assert array.dims == original.dims
        np.testing.assert_array_equal(array, original)
        return
    texts = [name for name, c in original.coords.items() if c.dtype.kind == "O"]
    same(original.drop_vars(texts), again.drop_vars(texts))


def test_a_chunk_is_decoded_once_and_into_its_own(scene, monkeypatch):
    store = MemoryStore()
    apart = scene["B"].to_dataset("band")
    for variable in apart.data_vars.values():
        variable.attrs["offset_dn"] = 0
    apart.assign(SCL=scene["SCL"]).tec.to_zarr(store, **LOSSLESS)
    read = []

    async def get(self, prototype=None, byte_range=None, *, original=StorePath.get):
        if "B/c/" in self.path:
            read.append(self.path)
        return await original(self, prototype, byte_range)

    monkeypatch.setattr(StorePath, "get", get)
    plain = MemoryStore()
    tec_zarr.decompress(store, plain, progress=False)
    assert len(read) == len(set(read)) == 2 * 2 * 3
    again = xr.open_zarr(plain)
    assert again["B04"].encoding["chunks"] == (2, 32, 32)
    np.testing.assert_array_equal(again["B04"], apart["B04"])
    np.testing.assert_array_equal(again["SCL"], scene["SCL"])


def test_one_variable_of_all_bands_keeps_the_way_back(scene):
    store = MemoryStore()
    plain = MemoryStore()
    radar = scene["B"].isel(band=[1, 0]).assign_attrs(offset_dn=0).rename("signal")
    radar.tec.to_zarr(store, **LOSSLESS)
    tec_zarr.decompress(store, plain, original=False, progress=False)
    again = xr.open_zarr(plain)
    assert again["B"].dims == ("time", "band", "y", "x")
    xr.testing.assert_identical(again.tec.from_cube().compute(), radar)


def test_all_groups_and_their_attributes_go_along(scene, tmp_path):
    store = tmp_path / "a.zarr"
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"product": "S2"}),
            "/r10m": scene.isel(time=slice(0, 1)).chunk(),
            "/r20m": scene.isel(time=slice(0, 1), y=slice(0, 20)).chunk().assign_attrs(step=20),
        }
    )
    codec = {"B": tec_zarr.encoding(max_error=0)}
    tree.to_zarr(store, encoding={"/r10m": codec, "/r20m": codec}, consolidated=False)
    tec_zarr.decompress(store, tmp_path / "b.zip", progress=False)
    again = xr.open_datatree(ZipStore(tmp_path / "b.zip", mode="r"), engine="zarr")
    assert again.attrs == {"product": "S2"}
    assert again["r20m"].attrs["step"] == 20
    for path in ("r10m", "r20m"):
        np.testing.assert_array_equal(again[path]["B"], tree[path]["B"])


def test_the_plain_store_needs_no_tec_zarr(scene, tmp_path):
    scene.isel(time=[0]).tec.to_zarr(tmp_path / "a.zarr", **LOSSLESS)
    tec_zarr.decompress(tmp_path / "a.zarr", tmp_path / "b.zarr", progress=False)
    program = (
        "import sys, xarray; xarray.open_zarr('b.zarr').load(); "
        "assert not any(name.startswith('tec_zarr') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_what_cannot_be_is_refused_and_leaves_nothing(scene, tmp_path):
    scene.isel(time=[0]).to_zarr(tmp_path / "plain.zarr", consolidated=False)
    with pytest.raises(InvalidInputError, match="nothing that was written with tec_zarr"):
        tec_zarr.decompress(tmp_path / "plain.zarr", tmp_path / "b.zarr")
    with pytest.raises(InvalidInputError, match=r"no Zarr group. Give the path"):
        tec_zarr.decompress(tmp_path / "none.zarr", tmp_path / "b.zarr")
    scene.isel(time=[0]).tec.to_zarr(tmp_path / "a.zarr", **LOSSLESS)
    with pytest.raises(InvalidInputError, match="zarr_format must be 2 or 3; got 4"):
        tec_zarr.decompress(tmp_path / "a.zarr", tmp_path / "b.zarr", zarr_format=4)
    with pytest.raises(FileExistsError, match="is there already"):
        tec_zarr.decompress(tmp_path / "a.zarr", tmp_path / "plain.zarr", progress=False)
    chunk = next(path for path in (tmp_path / "a.zarr" / "B" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(tec_zarr.DamagedChunkError):
        tec_zarr.decompress(tmp_path / "a.zarr", tmp_path / "b.zarr", progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"a.zarr", "plain.zarr"}


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_arrays_that_zarr_alone_made_are_read_or_told_why_not(scene, tmp_path, zarr_format):
    values = scene["B"].isel(time=slice(0, 2)).values
    how = tec_zarr.encoding(quality=50, context="none", offset_dn=0, zarr_format=zarr_format)
    how |= {"shape": values.shape, "dtype": "uint16", "chunks": (2, 12, 32, 32)}
    alone = zarr.create_array(tmp_path / "alone.zarr", zarr_format=zarr_format, **how)
    alone[...] = values
    for call in (tec_zarr.info, lambda store: tec_zarr.decompress(store, tmp_path / "plain.zarr")):
        with pytest.raises(InvalidInputError, match="a single array and no group"):
            call(tmp_path / "alone.zarr")
    group = zarr.create_group(tmp_path / "group.zarr", zarr_format=zarr_format)
    group.create_array("B", **how)[...] = values
    assert tec_zarr.info(tmp_path / "group.zarr")["shape"] == values.shape
    with pytest.raises(InvalidInputError, match="dims of B have no names"):
        tec_zarr.decompress(tmp_path / "group.zarr", tmp_path / "plain.zarr")
    with pytest.raises(InvalidInputError, match="dims of B have no names"):
        scene.tec.append(tmp_path / "group.zarr", progress=False)
    assert not (tmp_path / "plain.zarr").exists()
