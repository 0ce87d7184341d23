"""ds.tec.to_zarr and ds.tec.encoding: whole stores or none."""

import numpy as np
import pytest
import xarray as xr
from zarr.storage import ZipStore

from tec_zarr import InvalidInputError, TargetError
from tec_zarr.codec import metrics
from tests.stores.scenes import SMALL, opened


def test_masks_are_lossless_and_the_progress_bar_shows(scene, tmp_path, capsys):
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, quality=50)
    assert "Completed" in capsys.readouterr().out
    back = opened(tmp_path / "a.zarr")
    np.testing.assert_array_equal(back["SCL"], scene["SCL"])
    assert back["B"].encoding["chunks"] == (2, 12, 32, 32)
    assert metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0) > 31


@pytest.mark.slow
def test_a_data_array_and_its_encoding(scene, tmp_path):
    codec = scene["B"].tec.encoding(quality=61, chunks=SMALL)
    cube = scene["B"].tec.to_cube()
    cube.to_zarr(tmp_path / "a.zarr", encoding=codec, consolidated=False)
    scene["B"].tec.to_zarr(tmp_path / "b.zarr", quality=61, chunks=SMALL, progress=False)
    one, other = opened(tmp_path / "a.zarr"), opened(tmp_path / "b.zarr")
    np.testing.assert_allclose(one["B"], other["B"], atol=1)
    assert one.tec.info()["quality"] == other.tec.info()["quality"] == 61


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zip_file_holds_what_a_folder_would(scene, tmp_path, zarr_format):
    for name in ("a.zarr", "a.zip"):
        scene.tec.to_zarr(
            tmp_path / name, chunks=SMALL, quality=50, zarr_format=zarr_format, progress=False
        )
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        xr.testing.assert_allclose(opened(store).load(), opened(tmp_path / "a.zarr").load(), atol=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zip"]
    with pytest.raises(FileExistsError):
        scene.tec.to_zarr(tmp_path / "a.zip")
    scene.isel(time=[0]).tec.to_zarr(tmp_path / "a.zip", mode="w", progress=False)
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        assert opened(store).sizes["time"] == 1


def test_what_would_break_a_zip_file_is_refused(scene, tmp_path):
    with pytest.raises(InvalidInputError, match="give the path"):
        scene.tec.to_zarr(ZipStore(tmp_path / "a.zip", mode="w"))
    with pytest.raises(InvalidInputError, match="cannot be added to a zip file"):
        scene.tec.append(tmp_path / "a.zip")


def test_what_fails_leaves_no_store(scene, tmp_path):
    path = tmp_path / "a.zarr"
    with pytest.raises(TargetError):
        scene.tec.to_zarr(path, psnr=90, chunks=SMALL, progress=False)
    assert list(tmp_path.iterdir()) == []
    scene.tec.to_zarr(path, chunks=SMALL, quality=5, progress=False)
    with pytest.raises(FileExistsError, match=r"append\(\) adds dates"):
        scene.tec.to_zarr(path, chunks=SMALL, quality=5, progress=False)
    with pytest.raises(TargetError):
        scene.tec.to_zarr(path, mode="w", psnr=90, chunks=SMALL, progress=False)
    assert opened(path).tec.info()["quality"] == 5
    scene.tec.to_zarr(path, mode="w", quality=6, chunks=SMALL, progress=False)
    assert opened(path).tec.info()["quality"] == 6
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidInputError, match="mode must be"):
        scene.tec.to_zarr(path, mode="a", progress=False)


@pytest.mark.parametrize("dim", ["time", "y", "x"])
def test_an_empty_cube_is_an_error_that_says_so(scene, tmp_path, dim):
    empty = scene.isel({dim: slice(0, 0)})
    with pytest.raises(InvalidInputError, match=f"the cube is empty along {dim}: there is nothing"):
        empty.tec.to_zarr(tmp_path / "a.zarr", progress=False)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.estimate(quality=50)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.to_zarr(tmp_path / "a.zarr", ratio=10, progress=False)
    assert not list(tmp_path.iterdir())
    scene.tec.to_zarr(tmp_path / "b.zarr", chunks={"time": 1}, progress=False)
    with pytest.raises(InvalidInputError, match="the cube is empty"):
        empty.tec.append(tmp_path / "b.zarr", progress=False)
