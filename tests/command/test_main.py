import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from tec_zarr.command.main import main
from tec_zarr.synthetic.observations import dataset, series


def figures(text: str) -> dict[str, str]:
    return {line.split()[0]: line.split()[1] for line in text.splitlines() if len(line.split()) > 1}


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    return series(2, (96, 80), seed=5)


def run(capsys, out, *paths: str) -> dict[str, str]:
    assert main(["demo", *map(str, paths), "--out", str(out), "--quality", "40"]) == 0
    return figures(capsys.readouterr().out)


@pytest.mark.slow
def test_the_command_on_its_own_sample(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tec_zarr",
        "demo",
        "--out",
        str(tmp_path / "demo"),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "synthetic" in said.stdout
    found = figures(said.stdout)
    assert float(found["PSNR"]) > 33
    assert int(found["raw"].replace(",", "")) > 20 * int(found["tec_zarr"].replace(",", ""))
    assert (tmp_path / "demo" / "picture.png").stat().st_size > 50_000
    stored = xr.open_zarr(tmp_path / "demo" / "cube.zarr", consolidated=False)["B"]
    assert stored.shape == (4, 12, 256, 256)


@pytest.mark.parametrize("kind", ["cube", "bands"])
@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_zarr_and_netcdf_of_either_shape(cube, capsys, tmp_path, kind, suffix):
    data = cube.to_dataset(name="reflectance") if kind == "cube" else cube.to_dataset("band")
    path = tmp_path / f"mine.{suffix}"
    data.to_zarr(path) if suffix == "zarr" else data.to_netcdf(path)
    found = run(capsys, tmp_path / "out", path)
    assert float(found["PSNR"]) > 30
    assert int(found["raw"].replace(",", "")) == cube.nbytes


def test_geotiffs_a_date_each(cube, capsys, tmp_path):
    pytest.importorskip("rioxarray", reason="reads GeoTIFFs")
    paths = [tmp_path / f"{t}.tif" for t in range(2)]
    for t, path in enumerate(paths):
        frame = cube.isel(time=t, drop=True)
        frame.attrs = {"long_name": tuple(frame["band"].values)}
        frame.drop_vars("band").rio.write_crs("EPSG:32633").rio.to_raster(path)
    found = run(capsys, tmp_path / "out", *paths)
    assert int(found["raw"].replace(",", "")) == cube.nbytes
    stored = xr.open_zarr(tmp_path / "out" / "cube.zarr", consolidated=False)["B"]
    assert list(stored["band"].values) == list(cube["band"].values)
    assert np.abs(stored.astype(int) - cube.values.astype(int)).mean() < 200


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: [folder / "missing.nc"], "no such file"),
        (
            lambda folder: [_write(dataset(1, 8)[["SCL"]], folder / "a.nc")],
            "one variable with the dims",
        ),
        (
            lambda folder: [_write(dataset(1, 8), folder / n) for n in ("a.nc", "b.nc")],
            "got 2 files",
        ),
        (
            lambda folder: [_write(_numbered(dataset(1, 8)), folder / "a.nc")],
            "bands need distinct names",
        ),
    ],
    ids=["missing", "no cube", "two files", "band names"],
)
def test_errors_are_one_line(make, said, capsys, tmp_path):
    assert main(["demo", *map(str, make(tmp_path)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def _write(data: xr.Dataset, path):
    data.to_netcdf(path)
    return path


def _numbered(data: xr.Dataset) -> xr.Dataset:
    return data.isel(band=slice(0, 10)).assign_coords(band=range(1, 11))


def test_an_existing_store_is_kept(capsys, tmp_path):
    (tmp_path / "cube.zarr").mkdir()
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert "exists" in capsys.readouterr().err
