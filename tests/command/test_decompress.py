"""Plain files of the command line: there as a whole, or not at all."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import tec_zarr
from tec_zarr.command.main import main
from tec_zarr.synthetic.observations import series

ROOT = pathlib.Path(tec_zarr.__file__).parents[1]
SUFFIXES = ("nc", "tif", "zarr", "zip")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    series(1, (64, 64), seed=1).tec.to_zarr(folder / "cube.zarr", context="none", progress=False)
    return folder / "cube.zarr"


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not here")
@pytest.mark.parametrize("most", [0, 5000])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_without_room_is_one_line_and_leaves_nothing(store, tmp_path, suffix, most):
    out = tmp_path / f"plain.{suffix}"
    command = [sys.executable, "-m", "tec_zarr_script", "decompress", str(store), str(out)]
    said = subprocess.run(
        ["prlimit", f"--fsize={most}", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 2, said.stderr
    assert "Traceback" not in said.stderr
    assert said.stderr.splitlines()[-1].startswith("tec-zarr: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_goes_on_to_be_one(store, tmp_path, suffix, capsys):
    out = tmp_path / f"link.{suffix}"
    out.symlink_to(f"there.{suffix}")
    assert main(["decompress", str(store), str(out)]) == 0
    assert out.is_symlink()
    assert out.exists()
    assert len(list(tmp_path.iterdir())) == 2
    assert str(out) in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe_is_not_replaced(store, tmp_path, suffix, capsys):
    out = tmp_path / f"pipe.{suffix}"
    os.mkfifo(out)
    assert main(["decompress", str(store), str(out), "--overwrite"]) == 2
    assert out.is_fifo()
    assert capsys.readouterr().err.count("\n") == 1
