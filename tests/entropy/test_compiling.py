"""The folder of compiled code may be in any state: symbols come back all the same."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import tec_zarr

PACKAGE = pathlib.Path(tec_zarr.__file__).parent

SCRIPT = """
import numpy as np
from tec_zarr.entropy.compiling import compiled

@compiled
def doubled(values):
    out = np.empty_like(values)
    for i in range(len(values)):
        out[i] = 2 * values[i]
    return out

assert doubled(np.arange(3)).tolist() == [0, 2, 4]
print("cache hits:", sum(doubled.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path):
    """Run a script that compiles a loop, with a cache folder of its own, and say what it said."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def run_with(limit=None, package=PACKAGE.parent):
        environment = {
            **os.environ,
            "TEC_ZARR_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(package),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        limits = [] if limit is None else ["prlimit", f"--fsize={limit}"]
        done = subprocess.run(
            [*limits, sys.executable, str(script)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run_with.cache = tmp_path / "cache"
    return run_with


def test_code_is_compiled_once_a_machine(run):
    assert run() == "cache hits: 0"
    assert run() == "cache hits: 1"


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("length", [0, 10, 100])
def test_a_damaged_file_is_compiled_anew_and_replaced(run, kind, length):
    run()
    files = list(run.cache.rglob(kind))
    assert files
    for file in files:
        os.truncate(file, min(length, file.stat().st_size - 1))
    assert run() == "cache hits: 0"
    assert run() == "cache hits: 1"


def test_a_folder_in_the_place_of_a_file_does_no_harm(run):
    run()
    for file in list(run.cache.rglob("*.nb?")):
        file.unlink()
        file.mkdir()
    assert run() == "cache hits: 0"


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not here")
@pytest.mark.parametrize("most", [0, 50, 1000])
def test_a_full_disk_only_costs_time(run, most):
    assert run(limit=most) == "cache hits: 0"


def test_a_file_where_folders_belong_only_costs_time(run):
    run()
    for folder in list(run.cache.glob("compiled/*/*")):
        shutil.rmtree(folder)
        folder.write_text("")
    assert run() == "cache hits: 0"


def test_a_package_within_a_zip_file_runs(run, tmp_path):
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name in ("folders.py", "entropy/compiling.py"):
            zipped.write(PACKAGE / name, f"tec_zarr/{name}")
        zipped.writestr("tec_zarr/__init__.py", "")
        zipped.writestr("tec_zarr/entropy/__init__.py", "")
    assert run(package=archive).startswith("cache hits: ")
