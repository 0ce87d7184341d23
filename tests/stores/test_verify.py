import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores import verify
from tec_zarr.stores.verify import arrays_of, verified_chunks
from tec_zarr.synthetic.observations import dataset


@pytest.fixture
def store():
    memory = MemoryStore()
    cube = dataset(3, (40, 48))
    cube.tec.to_zarr(memory, context="none", progress=False, chunks={"time": 2, "y": 32, "x": 32})
    return memory


def damage(store, key):
    prototype = default_buffer_prototype()
    data = bytearray(sync(store.get(key, prototype)).to_bytes())
    data[len(data) // 2] ^= 1
    sync(store.set(key, prototype.buffer.from_bytes(bytes(data))))


def test_every_chunk_of_every_array_once(store):
    arrays = arrays_of(store)
    found = list(verified_chunks(arrays))
    places = {(chunk.array, chunk.place) for chunk in found}
    assert len(places) == len(found)
    assert {p for name, p in places if name == "B"} == set(np.ndindex(2, 1, 2, 2))
    assert {"B", "SCL", "time", "band", "y", "x"} <= {name for name, _ in places}
    assert all(chunk.damage is None for chunk in found)
    assert sum(chunk.raw_bytes for chunk in found) == sum(a.nbytes for a in arrays.values())


def test_damage_is_told_with_its_place(store):
    damage(store, "B/c/1/0/1/1")
    found = [chunk for chunk in verified_chunks(arrays_of(store)) if chunk.damage]
    assert [chunk.place for chunk in found] == [(1, 0, 1, 1)]
    assert found[0].samples == "time 2:3, band 0:12, y 32:40, x 32:48"
    assert found[0].damage.startswith("DamagedChunkError: ")


def test_a_store_of_format_2_and_groups_within_groups(tmp_path):
    data = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x")).to_dataset(name="a")
    data.to_zarr(tmp_path / "s", group="inner", zarr_format=2, consolidated=False)
    found = list(verified_chunks(arrays_of(tmp_path / "s")))
    assert [(chunk.array, chunk.samples) for chunk in found] == [("inner/a", "y 0:2, x 0:3")]


def test_few_chunks_are_decoded_ahead(monkeypatch, store):
    begun = []
    decode = verify._verify

    def counted(*arguments):
        begun.append(arguments)
        return decode(*arguments)

    monkeypatch.setattr(verify, "_verify", counted)
    monkeypatch.setattr(verify.os, "cpu_count", lambda: 1)
    chunks = verified_chunks(arrays_of(store))
    next(chunks)
    assert len(begun) <= verify.AHEAD + 1
    chunks.close()


def test_where_there_is_nothing(tmp_path):
    with pytest.raises(InvalidInputError, match="no Zarr group"):
        arrays_of(tmp_path)
    zarr.open_group(tmp_path / "s", mode="w")
    with pytest.raises(InvalidInputError, match="no arrays"):
        arrays_of(tmp_path / "s")
