"""ds.tec.append: dates to stores that are there."""

import numpy as np
import pytest
import xarray as xr

from tec_zarr import InvalidInputError
from tec_zarr.codec import metrics
from tests.stores.scenes import SMALL, files, opened


def test_appended_dates_leave_those_before_as_they_are(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.isel(time=slice(0, 2)).tec.to_zarr(path, chunks=SMALL, quality=40, progress=False)
    before = {f: f.read_bytes() for f in (path / "B" / "c").rglob("*") if f.is_file()}
    first = opened(path)["B"].values
    scene.isel(time=slice(2, 4)).tec.append(path, progress=False)
    back = opened(path)
    assert all(f.read_bytes() == data for f, data in before.items())
    np.testing.assert_array_equal(back["time"], scene["time"])
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    np.testing.assert_allclose(back["B"][:2], first, atol=1)
    assert metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0) > 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: ds.isel(y=slice(0, 32)), "y: "),
        (lambda ds: ds.assign_coords(x=ds["x"] + 10), "x: "),
        (lambda ds: ds.isel(band=slice(None, None, -1)), "band: "),
        (
            lambda ds: ds.assign(B=ds["B"].astype("float32")),
            "dtype: float32 here, uint16 in the store",
        ),
        (lambda ds: ds.drop_vars("SCL"), "variables along time"),
    ],
)
def test_dates_that_do_not_fit_are_refused_and_nothing_changes(scene, tmp_path, change, said):
    path = tmp_path / "a.zarr"
    scene.isel(time=slice(0, 2)).tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    before = {f: f.read_bytes() for f in path.rglob("*") if f.is_file()}
    with pytest.raises(InvalidInputError, match=said):
        change(scene.isel(time=slice(2, 4))).tec.append(path, progress=False)
    assert {f: f.read_bytes() for f in path.rglob("*") if f.is_file()} == before


def test_a_last_chunk_that_is_not_full_is_not_coded_again(scene, tmp_path):
    path = tmp_path / "a.zarr"
    options = {"chunks": SMALL, "quality": 20, "zarr_format": 2, "progress": False}
    scene.isel(time=slice(0, 3)).tec.to_zarr(path, **options)
    with pytest.raises(
        InvalidInputError, match="3 dates in chunks of 2: the last chunk is not full"
    ):
        scene.isel(time=[3]).tec.append(path, progress=False)
    assert opened(path).sizes["time"] == 3


@pytest.mark.parametrize("shards", [None, {"time": 6, "y": 64, "x": -1}])
def test_dates_go_into_a_chunk_that_is_not_full(scene, tmp_path, shards):
    """Those that are in it come back as before, those that are added once only."""
    path = tmp_path / "a.zarr"
    options = {"chunks": {"time": 3, "y": 32, "x": 48}, "quality": 40, "progress": False}
    scene.isel(time=slice(0, 3)).tec.to_zarr(path, shards=shards, **options)
    for date in range(3):
        later = scene["time"].values + np.timedelta64(1000 * (date + 1), "D")
        more = scene.assign_coords(time=later).isel(time=[date])
        before = opened(path).load()
        more.tec.append(path, progress=False)
        after = opened(path).load()
        xr.testing.assert_identical(after.isel(time=slice(0, -1)), before)
        valid = more["B"].values != 0
        assert metrics.psnr(more["B"].values, after["B"].values[-1:], valid) > 30
    np.testing.assert_array_equal(after["SCL"][3:], scene["SCL"][:3])


@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_chunk_with_dates_of_an_append_that_was_killed_takes_others(
    scene, tmp_path, killed_after
):
    path = tmp_path / "a.zarr"
    options = {"chunks": {"time": 4, "y": 32, "x": 48}, "quality": 40, "progress": False}
    scene.tec.to_zarr(path, **options)
    later = scene.assign_coords(time=scene["time"].values + np.timedelta64(1000, "D"))
    later.isel(time=[0]).tec.append(path, progress=False)
    documents = {file: file.read_bytes() for file in path.rglob("zarr.json")}
    before = opened(path).load()
    later.isel(time=slice(1, 1 + killed_after)).tec.append(path, progress=False)
    for file, data in documents.items():
        file.write_bytes(data)
    xr.testing.assert_identical(opened(path).load(), before)
    more = later.isel(time=slice(1, 3)) + 0
    more["time"] = more["time"] + np.timedelta64(3, "D")
    more["B"].attrs = scene["B"].attrs
    more.tec.append(path, progress=False)
    after = opened(path).load()
    xr.testing.assert_identical(after.isel(time=slice(0, 5)), before)
    np.testing.assert_array_equal(after["time"][5:], more["time"])
    assert metrics.psnr(more["B"].values, after["B"].values[5:], more["B"].values != 0) > 30


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_one_date_without_a_dim_brings_its_mask_and_texts(scene, tmp_path, zarr_format):
    path = tmp_path / "a.zarr"
    named = scene.assign_coords(id=("time", ["a", "bb", "ccc", "dddd"]))
    options = {"chunks": SMALL | {"time": 1}, "zarr_format": zarr_format, "progress": False}
    named.isel(time=slice(0, 2)).tec.to_zarr(path, **options)
    for date in (2, 3):
        named.isel(time=date).tec.append(path, progress=False)
    back = opened(path)
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    np.testing.assert_array_equal(back["time"], scene["time"])
    assert back["id"].values.tolist() == ["a", "bb", "ccc", "dddd"]


def test_a_mask_that_the_store_has_once_for_all_dates_is_not_lost(scene, tmp_path):
    path = tmp_path / "a.zarr"
    scene.isel(time=0).tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    second = scene.isel(time=1)
    with pytest.raises(InvalidInputError, match=r"SCL.*(once for all dates|variables along time)"):
        second.tec.append(path, progress=False)
    second.drop_vars("SCL").tec.append(path, progress=False)
    assert opened(path).sizes["time"] == 2


def test_the_store_keeps_its_attributes(scene, tmp_path):
    path = tmp_path / "a.zarr"
    first = scene.isel(time=[0]).assign_attrs(title="fields")
    first.tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    before = opened(path)
    scene.isel(time=[1]).assign_attrs(title="others", more=1).tec.append(path, progress=False)
    after = opened(path)
    assert after.attrs == before.attrs
    assert after["B"].attrs == before["B"].attrs


def test_a_place_without_a_store_is_named(scene, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"a\.zarr: no Zarr store is there; to_zarr\(\) begins"
    ):
        scene.tec.append(tmp_path / "a.zarr", progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("group", ["r10m", "2021/r10m"])
def test_dates_go_to_a_group_by_name_alone(scene, tmp_path, group):
    path = tmp_path / "a.zarr"
    first, second = (scene.isel(time=[number]) for number in (0, 1))
    first.tec.to_zarr(path, group=group, chunks=SMALL, quality=20, progress=False)
    with pytest.raises(InvalidInputError, match=f"give that store, with group='{group}'"):
        second.tec.append(path / group, progress=False)
    for wrong in (None, "r20m"):
        with pytest.raises(InvalidInputError, match=f"these have, for group=: '{group}'"):
            second.tec.append(path, group=wrong, progress=False)
    assert xr.open_zarr(path, group=group).sizes["time"] == 1
    second.tec.append(path, group=group, progress=False)
    assert xr.open_zarr(path, group=group).sizes["time"] == 2


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (np.uint8([4]), np.uint16([300])),
        (np.int8([4]), np.int64([4])),
        (np.float32([0.5]), np.float64([0.1])),
    ],
    ids=lambda values: str(values.dtype),
)
@pytest.mark.parametrize("dims", [("time",), ("time", "y", "x")])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_values_that_the_store_would_change_are_refused(
    scene, tmp_path, first, later, dims, zarr_format
):
    def date(index, values):
        cube = scene[["B"]].isel(time=[index], y=slice(0, 16), x=slice(0, 16))
        whole = np.broadcast_to(values.reshape((1,) * len(dims)), [cube.sizes[d] for d in dims])
        return cube.assign(more=(dims, whole.copy()))

    path = tmp_path / "a.zarr"
    options = {"chunks": {"time": 1}, "context": "none", "progress": False}
    date(0, first).tec.to_zarr(path, zarr_format=zarr_format, **options)
    before = files(path)
    with pytest.raises(InvalidInputError, match=r"more: \w+.* here, \w+.* in the store"):
        date(1, later).tec.append(path, progress=False)
    assert files(path) == before
    date(1, first).tec.append(path, progress=False)
    assert opened(path)["more"].dtype == first.dtype
    assert (opened(path)["more"] == first[0]).all()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_durations_in_other_units_come_back_as_they_were(scene, tmp_path, zarr_format):
    small = scene[["B"]].isel(y=slice(0, 16), x=slice(0, 16))
    lags = [np.timedelta64(2, "s"), np.timedelta64(1500, "ms"), np.timedelta64(3, "D")]
    path = tmp_path / "a.zarr"
    options = {"chunks": {"time": 1}, "context": "none", "progress": False}
    for index, lag in enumerate(lags):
        date = small.isel(time=[index]).assign(lag=("time", np.array([lag])))
        if index:
            date.tec.append(path, progress=False)
        else:
            date.tec.to_zarr(path, zarr_format=zarr_format, **options)
    found = xr.open_zarr(path, decode_timedelta=True)["lag"].values
    np.testing.assert_array_equal(found, np.array(lags, "m8[ns]"))


def test_dates_without_a_time_are_refused(scene, tmp_path):
    path = tmp_path / "a.zarr"
    small = scene.isel(y=slice(0, 16), x=slice(0, 16))
    small.isel(time=[0]).tec.to_zarr(path, context="none", progress=False)
    later = small.isel(time=[1, 2]).assign_coords(
        time=[small["time"].values[1], np.datetime64("NaT")]
    )
    before = files(path)
    with pytest.raises(InvalidInputError, match=r"1 of 2 dates have no time \(NaT\)"):
        later.tec.append(path, progress=False)
    assert files(path) == before
    later.sel(time=later["time"].notnull()).tec.append(path, progress=False)
    assert opened(path).sizes["time"] == 2
