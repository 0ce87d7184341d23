import json

import numpy as np
import pytest
import xarray as xr

from tec_zarr.command.main import main
from tec_zarr.synthetic.observations import dataset

rioxarray = pytest.importorskip("rioxarray", reason="writes GeoTIFFs")


@pytest.fixture
def cube():
    return dataset(3, (32, 48))


def write(cube, path):
    cube.tec.to_zarr(path, context="none", offset_dn=0, progress=False)
    return xr.open_zarr(path, mask_and_scale=False)


def decompress(*words, status=0):
    assert main(["decompress", *map(str, words)]) == status


def test_files_are_kept_unless_told_otherwise(cube, capsys, tmp_path):
    store = tmp_path / "cube.zarr"
    write(cube, store)
    one = tmp_path / f"a-{str(cube['time'].values[1])[:10]}.tif"
    one.write_text("mine")
    decompress(store, tmp_path / "a.tif", status=2)
    assert "there already" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [one, store]
    assert one.read_text() == "mine"
    decompress(store, tmp_path / "a.tif", "--overwrite")
    assert len(list(tmp_path.glob("a-*.tif"))) == 3
    assert one.stat().st_size > 1000


def test_two_times_of_a_day_are_two_files(cube, capsys, tmp_path):
    day = cube["time"].values[0] + np.array([0, 1, 2], "timedelta64[h]")
    opened = write(cube.assign_coords(time=day), tmp_path / "cube.zarr")
    decompress(tmp_path / "cube.zarr", tmp_path / "a.tif", "--json")
    files = json.loads(capsys.readouterr().out)["files"]
    assert len(set(files)) == 3
    for index, file in enumerate(files):
        image = rioxarray.open_rasterio(file)
        np.testing.assert_array_equal(image.values, opened["B"].values[index])
        assert image.attrs["long_name"] == tuple(cube["band"].values)


def test_nodata_and_other_names_of_the_bands(cube, tmp_path):
    bands = cube["B"].isel(time=[0]).astype("int16").to_dataset(name="reflectance")
    bands["reflectance"].attrs = {"_FillValue": -1}
    bands["reflectance"][0, :, :4, :4] = -1
    opened = write(bands, tmp_path / "cube.zarr")
    decompress(tmp_path / "cube.zarr", tmp_path / "one.tif")
    image = rioxarray.open_rasterio(tmp_path / "one.tif")
    np.testing.assert_array_equal(image.values, opened["B"].values[0])
    assert image.rio.nodata == -1


def test_a_failure_leaves_no_file(cube, capsys, tmp_path, monkeypatch):
    store = tmp_path / "cube.zarr"
    write(cube, store)
    chunk = next(path for path in (store / "B" / "c").rglob("*") if path.is_file())
    damaged = bytearray(chunk.read_bytes())
    damaged[-1] ^= 1
    chunk.write_bytes(damaged)
    decompress(store, tmp_path / "a.tif", status=2)
    assert "checksum" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [store]
