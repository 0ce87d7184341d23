"""ds.tec.append: dates to stores that are there."""

import numpy as np
import pytest

from tec_zarr import InvalidInputError
from tec_zarr.codec import metrics
from tests.stores.scenes import SMALL, opened


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
    scene.isel(time=slice(0, 3)).tec.to_zarr(path, chunks=SMALL, quality=20, progress=False)
    with pytest.raises(
        InvalidInputError, match="3 dates in chunks of 2: the last chunk is not full"
    ):
        scene.isel(time=[3]).tec.append(path, progress=False)
    assert opened(path).sizes["time"] == 3
