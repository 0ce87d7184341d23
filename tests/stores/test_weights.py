"""Stores that bring their weights along, read where nothing else knows these."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import zarr

import tec_zarr
from tec_zarr import folders
from tec_zarr.command.main import main
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import registry
from tec_zarr.runtime import loading
from tec_zarr.stores.describe import describe_store
from tec_zarr.stores.weights import install_weights, keep_weights
from tec_zarr.synthetic import series

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def forgotten(monkeypatch):
    """A release that ships no weights."""

    def forget():
        monkeypatch.setattr(registry, "entries", dict)
        monkeypatch.setattr(loading, "_loaded", {})
        monkeypatch.setattr(loading, "_priors", {})

    return forget


def write(store, zarr_format, model):
    encoding = {"B": tec_zarr.encoding(zarr_format, (2, 12, 32, 48), model=model)}
    xr.Dataset({"B": (("time", "band", "y", "x"), series(2, (32, 48), seed=1).values)}).to_zarr(
        store, zarr_format=zarr_format, encoding=encoding, consolidated=False
    )


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_store_that_keeps_its_weights_is_read_by_a_release_without_them(
    tmp_path, forgotten, zarr_format, kind
):
    path = tmp_path / ("cube.zarr" if kind == "folder" else "cube.zarr.zip")

    def opened(mode):
        return str(path) if kind == "folder" else zarr.storage.ZipStore(path, mode=mode)

    for mode, action in (("w", lambda s: write(s, zarr_format, "tec-tt")), ("a", keep_weights)):
        action(store := opened(mode))
        if kind == "zip":
            store.close()
    expected = xr.open_zarr(opened("r"), consolidated=False)["B"].values
    forgotten()
    with pytest.raises(WeightsError, match="unknown model"):
        xr.open_zarr(opened("r"), consolidated=False)["B"].values  # noqa: B018
    installed = install_weights(opened("r"))
    assert installed.path.exists()
    np.testing.assert_array_equal(
        xr.open_zarr(opened("r"), consolidated=False)["B"].values, expected
    )


def test_what_is_kept_is_not_the_array(tmp_path):
    write(tmp_path / "cube.zarr", 3, "tec-tt")
    before = describe_store(tmp_path / "cube.zarr")
    key = keep_weights(tmp_path / "cube.zarr")
    assert key == f"B/.tec/{registry.find('tec-tt').sha256}.safetensors"
    assert (tmp_path / "cube.zarr" / key).read_bytes() == registry.find("tec-tt").read()
    assert describe_store(tmp_path / "cube.zarr") == before


def test_weights_of_another_hash_are_not_taken(tmp_path, cache):
    write(tmp_path / "cube.zarr", 3, "tec-tt")
    with pytest.raises(WeightsError, match="holds no weights"):
        install_weights(tmp_path / "cube.zarr")
    key = keep_weights(tmp_path / "cube.zarr")
    data = bytearray((tmp_path / "cube.zarr" / key).read_bytes())
    data[-1] ^= 1
    (tmp_path / "cube.zarr" / key).write_bytes(data)
    with pytest.raises(WeightsError, match="changed or cut"):
        install_weights(tmp_path / "cube.zarr")
    assert not cache.exists()


@pytest.mark.parametrize("model", ["../../evil", "a/b", "*", ""])
def test_a_name_that_leaves_the_cache_folder_is_refused(tmp_path, cache, model):
    write(tmp_path / "cube.zarr", 3, "tec-tt")
    keep_weights(tmp_path / "cube.zarr")
    metadata = tmp_path / "cube.zarr" / "B" / "zarr.json"
    metadata.write_text(metadata.read_text().replace('"tec-tt"', f'"{model}"'))
    with pytest.raises(WeightsError, match="cannot be the name"):
        install_weights(tmp_path / "cube.zarr")
    assert not cache.exists()


def test_arrays_of_others_are_told(tmp_path):
    xr.Dataset({"B": ("x", np.arange(3))}).to_zarr(tmp_path / "other.zarr", consolidated=False)
    for call in (keep_weights, install_weights):
        with pytest.raises(InvalidInputError, match="no array that was written with tec_zarr"):
            call(tmp_path / "other.zarr")


def test_the_commands(tmp_path, cache, capsys):
    write(tmp_path / "cube.zarr", 2, "tec-tt")
    assert main(["models", "keep", str(tmp_path / "cube.zarr")]) == 0
    assert main(["models", "install", str(tmp_path / "cube.zarr")]) == 0
    kept, installed = capsys.readouterr().out.splitlines()
    assert kept.startswith("B/.tec/")
    assert installed == str(registry.find("tec-tt").path)
    assert [path.name for path in cache.iterdir()] == [
        f"tec-tt.{registry.find('tec-tt').sha256}.safetensors"
    ]
    program = "import sys, tec_zarr.stores.weights; print('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
        == "False\n"
    )
