import os
import pathlib
import subprocess
import sys

import pytest

import tec_zarr

ROOT = pathlib.Path(tec_zarr.__file__).parents[1]
# Processes in the background ignore Ctrl-C, unless they say otherwise.
SLOW = """\
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
os.kill(os.getpid(), signal.SIGINT)
raise AssertionError("this was reached")
"""


def run(*words, folder, **environment):
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "tec_zarr_script", *words],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_the_command(tmp_path):
    said = run("--version", folder=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"tec-zarr {tec_zarr.__version__}\n"
    assert run("info", "missing.zarr", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("module", ["numpy", "xarray", "zarr", "dask"])
def test_an_interrupt_while_a_package_is_imported_is_no_traceback(module, tmp_path):
    (tmp_path / f"{module}.py").write_text(SLOW)
    said = run("--version", folder=tmp_path)
    assert said.returncode == 130
    assert said.stderr == "tec-zarr: interrupted\n"
    assert said.stdout == ""


def test_what_is_done_is_not_interrupted(tmp_path):
    code = "import atexit, signal, sys; from tec_zarr_script import main; "
    code += "atexit.register(signal.raise_signal, signal.SIGINT); sys.exit(main())"
    said = subprocess.run(
        [sys.executable, "-c", code, "completion", "bash"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")


def test_it_imports_nothing_by_itself():
    code = "import signal, sys; before = set(sys.modules); import tec_zarr_script; "
    code += "print(sorted(set(sys.modules) - before))"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "['tec_zarr_script']"


def test_a_scheduler_that_stops_it_leaves_nothing(tmp_path):
    """As after Ctrl-C; the status says which signal it was."""
    (tmp_path / "slow.py").write_text(
        "import os, pathlib, signal, sys, tec_zarr_script\n"
        "from tec_zarr.codec import chunk\n"
        "from tec_zarr.synthetic.observations import series\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "series(2, (32, 32), seed=1).to_dataset(name='B').to_netcdf('cube.nc')\n"
        "encode = chunk.encode_parts\n"
        "def stopped(*given, **more):\n"
        "    assert list(pathlib.Path().glob('*.writing'))\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return encode(*given, **more)\n"
        "from tec_zarr.codec import partial\n"
        "partial.encode_parts = chunk.encode_parts = stopped\n"
        "sys.argv[1:] = ['compress', 'cube.nc', 'cube.zarr']\n"
        "sys.exit(tec_zarr_script.main())\n"
    )
    said = subprocess.run(
        [sys.executable, "slow.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (said.returncode, said.stderr) == (143, "tec-zarr: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cube.nc", "slow.py"]


def test_a_stop_in_the_background_is_one(tmp_path):
    """Where Ctrl-C is ignored, SIGTERM is not."""
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import tec_zarr_script; "
    code += "tec_zarr_script._clean_up_when_stopped(); signal.raise_signal(signal.SIGTERM)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert said.returncode == -15
