"""Stores after a process that wrote them was killed: at every single change of the store."""

import errno

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.marks import MARK
from tec_zarr.stores.times import time_encodings
from tec_zarr.synthetic import series

OPTIONS = {"chunks": {"time": 1}, "context": "none", "progress": False}


def cube(dates: slice, seed: int = 1) -> xr.Dataset:
    times = np.datetime64("2021-01-05", "ns") + np.arange(4) * np.timedelta64(5, "D")
    bands = series(4, 16, seed=seed).isel(band=slice(0, 2)).assign_coords(time=times)
    classes = np.arange(4, dtype="u1")[:, None, None] + np.zeros((4, 16, 16), "u1")
    scl = xr.DataArray(classes, dims=("time", "y", "x"))
    made = xr.Dataset({"B": bands.assign_attrs(offset_dn=0), "SCL": scl}, attrs={"title": "fields"})
    made = made.assign_coords(spatial_ref=0, id=("time", [f"date {n}" for n in range(4)]))
    return made.isel(time=dates)


class KilledError(Exception):
    pass


class Dying(WrapperStore):
    """Lets so many changes through, and none after them."""

    left = 0

    def _count(self):
        self.left -= 1
        if self.left < 0:
            raise KilledError

    async def set(self, key, value):
        self._count()
        await self._store.set(key, value)

    async def delete(self, key):
        self._count()
        await self._store.delete(key)


def found(store, group=None) -> xr.Dataset | None:
    """What a plain reader sees; None where there is no store."""
    try:
        return xr.open_zarr(store, group=group).load()
    except FileNotFoundError:
        return None


def is_one_of(seen, *allowed) -> bool:
    """By all values, names and attributes."""
    for one in allowed:
        if seen is None or one is None:
            if seen is one:
                return True
        elif seen.identical(one):
            return True
    return False


def killed_everywhere(template, action, check, step):
    """Run `action` on copies of a store that die after 0, 1, 2 … changes; `check` each of them."""
    for changes in range(0, 300, step):
        store = MemoryStore(dict(template._store_dict))
        dying = Dying(store)
        dying.left = changes
        try:
            action(dying)
        except KilledError:
            check(store)
        else:
            assert changes > 5
            return
    raise AssertionError("it never ended")


every_change = pytest.mark.parametrize(
    "step", [5, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
)


def keys(store) -> set[str]:
    return set(store._store_dict)


@every_change
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("group", [None, "r10m"])
def test_a_new_store_is_there_as_a_whole_or_not_at_all(zarr_format, group, step):
    def write(store):
        cube(slice(0, 2)).tec.to_zarr(store, group=group, zarr_format=zarr_format, **OPTIONS)

    def check(store):
        if is_one_of(found(store, group), None):
            write(store)
        assert is_one_of(found(store, group), found(whole, group))
        assert keys(store) - {MARK} == keys(whole)

    whole = MemoryStore()
    write(whole)
    assert len(keys(whole)) > 10
    assert MARK not in keys(whole)
    killed_everywhere(MemoryStore(), write, check, step)


@every_change
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("group", [None, "r10m"])
def test_an_append_is_seen_as_a_whole_or_not_at_all(zarr_format, group, step):
    def append(store):
        cube(slice(1, 4)).tec.append(store, group=group, progress=False)

    def check(store):
        seen = found(store, group)
        assert is_one_of(seen, before, after)
        if is_one_of(seen, before):
            append(store)
        assert is_one_of(found(store, group), after)
        assert keys(store) - {MARK} == keys(whole)

    first = MemoryStore()
    cube(slice(0, 1)).tec.to_zarr(first, group=group, zarr_format=zarr_format, **OPTIONS)
    before = found(first, group)
    whole = MemoryStore(dict(first._store_dict))
    append(whole)
    after = found(whole, group)
    assert after.sizes["time"] == 4
    assert after.attrs == {"title": "fields"}
    killed_everywhere(first, append, check, step)


def killed_append(change: int) -> MemoryStore:
    store = MemoryStore()
    cube(slice(0, 1)).tec.to_zarr(store, **OPTIONS)
    dying = Dying(store)
    dying.left = change
    with pytest.raises(KilledError):
        cube(slice(1, 4)).tec.append(dying, progress=False)
    return store


def changes_that_leave_arrays_ahead_of_the_root() -> list[int]:
    """Numbers of changes after which an append can be killed so that some arrays name its dates."""
    found_ones = []
    for change in range(100):
        try:
            store = killed_append(change)
        except pytest.fail.Exception:
            return found_ones
        lengths = set()
        for name in ("B", "SCL", "time"):
            lengths.add(zarr.open_array(store, path=name).shape[0])
        if len(lengths) > 1:
            found_ones.append(change)
    raise AssertionError("it never ended")


def test_what_is_written_beside_a_killed_append_does_not_show_a_half_of_it():
    changes = changes_that_leave_arrays_ahead_of_the_root()
    assert changes
    for change in changes:
        store = killed_append(change)
        before = found(store)
        cube(slice(0, 2), seed=2).tec.to_zarr(store, group="r10m", **OPTIONS)
        assert is_one_of(found(store), before)
        assert found(store, "r10m").sizes["time"] == 2
        cube(slice(1, 4)).tec.append(store, progress=False)
        assert found(store).sizes["time"] == 4


def test_an_append_that_fails_after_one_was_killed_can_be_tried_again():
    for change in changes_that_leave_arrays_ahead_of_the_root():
        store = killed_append(change)
        failing = cube(slice(1, 2)).chunk({"time": 1})
        blocks = failing["B"].data.map_blocks(lambda block: 1 / 0, dtype="uint16")
        failing["B"] = failing["B"].copy(data=blocks)
        with pytest.raises(ZeroDivisionError):
            failing.tec.append(store, progress=False)
        cube(slice(1, 4)).tec.append(store, progress=False)
        assert found(store).sizes["time"] == 4


def test_a_group_that_was_killed_is_known_after_another_was_written():
    store = MemoryStore()
    cube(slice(0, 1)).tec.to_zarr(store, group="r10m", **OPTIONS)
    dying = Dying(store)
    dying.left = 5
    with pytest.raises(KilledError):
        cube(slice(0, 2)).tec.to_zarr(dying, group="r20m", **OPTIONS)
    assert any(key.startswith("r20m/") for key in keys(store))
    cube(slice(1, 2)).tec.append(store, group="r10m", progress=False)
    assert not any(key.startswith("r20m/") for key in keys(store))
    cube(slice(0, 2)).tec.to_zarr(store, group="r20m", **OPTIONS)
    assert found(store, "r20m").sizes["time"] == 2
    assert found(store, "r10m").sizes["time"] == 2


class Full(WrapperStore):
    """Holds so many bytes and no more; what is replaced is there until the new one is."""

    capacity = 0

    async def set(self, key, value):
        if size_of(self._store) + len(value) > self.capacity:
            raise OSError(errno.ENOSPC, "No space left on device")
        await self._store.set(key, value)

    async def set_if_not_exists(self, key, value):
        await self.set(key, value)


def size_of(store: MemoryStore) -> int:
    return sum(map(len, store._store_dict.values()))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_disk_that_is_full_leaves_what_readers_saw(zarr_format):
    first = MemoryStore()
    cube(slice(0, 1)).tec.to_zarr(first, zarr_format=zarr_format, **OPTIONS)
    whole = MemoryStore(dict(first._store_dict))
    cube(slice(1, 4)).tec.append(whole, progress=False)
    room = size_of(whole) - size_of(first)
    for part in range(10):
        store = MemoryStore(dict(first._store_dict))
        full = Full(store)
        full.capacity = size_of(first) + room * part // 10
        with pytest.raises(OSError, match="No space left"):
            cube(slice(1, 4)).tec.append(full, progress=False)
        # A chunk that was written anew may have no room to be put back: nobody sees more dates.
        assert keys(store) - {MARK} == keys(first)
        assert is_one_of(found(store), found(first))
        full.capacity = 2 * size_of(whole)
        cube(slice(1, 4)).tec.append(full, progress=False)
        assert is_one_of(found(store), found(whole))
        assert keys(store) == keys(whole)


@every_change
@pytest.mark.parametrize("formats", [(3, 3), (2, 3), (3, 2), (2, 2)])
def test_a_store_is_replaced_as_a_whole_or_not_at_all(formats, step):
    old_format, new_format = formats

    def replace(store):
        made = cube(slice(1, 3), seed=2)
        made.tec.to_zarr(store, mode="w", zarr_format=new_format, **OPTIONS)

    def check(store):
        # Chunks of one dim have one name in format 2: for a moment there is nothing.
        allowed = [before, after] + [None] * (formats == (2, 2))
        assert is_one_of(found(store), *allowed)
        replace(store)
        assert is_one_of(found(store), after)
        assert MARK not in keys(store)

    old = MemoryStore()
    cube(slice(0, 4)).tec.to_zarr(old, zarr_format=old_format, **OPTIONS)
    before = found(old)
    whole = MemoryStore(dict(old._store_dict))
    replace(whole)
    after = found(whole)
    assert after.sizes["time"] == 2
    killed_everywhere(old, replace, check, step)


def test_a_store_can_be_replaced_again_and_again():
    store = MemoryStore()
    counts = []
    for seed in range(4):
        cube(slice(0, 4), seed).tec.to_zarr(store, mode="w", **OPTIONS)
        fresh = MemoryStore()
        cube(slice(0, 4), seed).tec.to_zarr(fresh, **OPTIONS)
        assert found(store).identical(found(fresh))
        counts.append(len(keys(store)))
    assert len(set(counts)) == 1


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_fails_leaves_not_a_key(zarr_format):
    class Failing(Dying):
        """Fails once, and works again."""

        def _count(self):
            self.left -= 1
            if self.left == -1:
                raise KilledError

    store = MemoryStore()
    cube(slice(0, 2)).tec.to_zarr(store, zarr_format=zarr_format, **OPTIONS)
    before = {key: value.to_bytes() for key, value in store._store_dict.items()}
    actions = {
        "append": lambda s: cube(slice(2, 4)).tec.append(s, progress=False),
        "replace": lambda s: cube(slice(2, 4)).tec.to_zarr(
            s, mode="w", zarr_format=zarr_format, **OPTIONS
        ),
    }
    for name, action in actions.items():
        for changes in (1, 4, 9):
            failing = Failing(store)
            failing.left = changes
            with pytest.raises(KilledError):
                action(failing)
            after = {key: value.to_bytes() for key, value in store._store_dict.items()}
            assert after == before, (name, changes)


def test_dates_that_others_appended_without_consolidating_are_not_lost(tmp_path):
    path = tmp_path / "a.zarr"
    cube(slice(0, 1)).tec.to_zarr(path, **OPTIONS)
    grown = zarr.open_group(path, mode="r+", use_consolidated=False)
    grown["SCL"].resize((2, 16, 16))
    with pytest.raises(InvalidInputError, match=r"call zarr\.consolidate_metadata"):
        cube(slice(1, 4)).tec.append(path, progress=False)
    assert zarr.open_group(path, mode="r", use_consolidated=False)["SCL"].shape[0] == 2


def test_a_store_without_consolidated_metadata_gets_them(tmp_path, recwarn):
    path = tmp_path / "a.zarr"
    first = cube(slice(0, 1)).tec.to_cube()
    encoding = cube(slice(0, 1)).tec.encoding(chunks={"time": 1}) | time_encodings(first)
    first.to_zarr(path, encoding=encoding, consolidated=False)
    recwarn.clear()
    cube(slice(1, 4)).tec.append(path, progress=False)
    assert not [warning for warning in recwarn if "onsolidated" in str(warning.message)]
    assert xr.open_zarr(path, consolidated=True).sizes["time"] == 4


@pytest.mark.parametrize("mode", ["w", "w-"])
def test_what_is_no_store_is_not_written_over(tmp_path, mode):
    store = MemoryStore()
    zarr.open_group(store, mode="w").create_array("mine", shape=3, dtype="i4")
    del store._store_dict["zarr.json"]
    before = keys(store)
    with pytest.raises(FileExistsError, match="nothing else is replaced"):
        cube(slice(0, 1)).tec.to_zarr(store, mode=mode, **OPTIONS)
    assert keys(store) == before
    with pytest.raises(InvalidInputError, match="open for reading only"):
        cube(slice(0, 1)).tec.to_zarr(LocalStore(tmp_path, read_only=True), mode=mode, **OPTIONS)


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["processes", "synchronous"])
def test_workers_in_other_processes_write_the_same(tmp_path, scheduler):
    path = tmp_path / "a.zarr"
    other = tmp_path / "b.zarr"
    cube(slice(0, 1)).tec.to_zarr(other, group="g", **OPTIONS)
    cube(slice(1, 4)).tec.append(other, group="g", progress=False)
    with dask.config.set(scheduler=scheduler):
        cube(slice(0, 1)).tec.to_zarr(path, group="f", **OPTIONS)
        cube(slice(0, 1)).tec.to_zarr(path, group="g", **OPTIONS)
        cube(slice(1, 4)).tec.append(path, group="g", progress=False)
        assert found(path, "g").identical(found(other, "g"))
        cube(slice(0, 2)).tec.to_zarr(path, group="g", mode="w", **OPTIONS)
    assert found(path, "g").identical(found(other, "g").isel(time=slice(0, 2)))
    assert found(path, "f").sizes["time"] == 1
