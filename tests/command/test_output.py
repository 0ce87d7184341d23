"""What is printed, where nothing or little takes it."""

import os
import pathlib
import subprocess
import sys

import pytest

import tec_zarr
from tec_zarr.synthetic.observations import series

ROOT = pathlib.Path(tec_zarr.__file__).parents[1]
ASCII = {
    "LC_ALL": "POSIX",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}
posix = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    series(2, (32, 32), seed=1).tec.to_zarr(folder / "cube.zarr", progress=False)
    return folder / "cube.zarr"


def run(words, redirected="", **environment):
    """Run the command through a shell, so that its streams can be anything."""
    quoted = " ".join(f"'{word}'" for word in words)
    return subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m tec_zarr_script {quoted} {redirected}"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )


@posix
@pytest.mark.parametrize("streams", ["2>&-", "2>&- >&- <&-", "2>/dev/full"])
def test_work_is_done_without_a_stderr_that_takes_anything(store, streams):
    assert run(["verify", store], streams).returncode == 0


@posix
@pytest.mark.parametrize("streams", ["2>&-", "2>&- >&-", "2>/dev/full"])
def test_a_mistake_is_no_finding_where_nobody_hears_of_it(streams):
    said = run(["verify", "missing.zarr"], streams)
    assert said.returncode == 2
    assert said.stdout == b"", "a reader of the results would take it for one"


@posix
def test_a_warning_that_cannot_be_shown_stops_nothing(store, tmp_path):
    plain = tmp_path / "plain.zarr"
    words = ["decompress", store, plain]
    assert run(words).returncode == 0
    warned = run(["compress", store, tmp_path / "again.zarr"])
    assert b"warning" in warned.stderr
    silent = run(["compress", store, tmp_path / "silent.zarr"], "2>/dev/full")
    assert silent.returncode == 0


@pytest.mark.parametrize("name", ["plän.zarr", "日.zarr", "a b.zarr"])
def test_names_that_stdout_has_no_letters_for(store, tmp_path, name):
    said = run(["decompress", store, tmp_path / name], **ASCII)
    assert (said.returncode, said.stderr) == (0, b"")
    assert (tmp_path / name).is_dir()


@posix
@pytest.mark.parametrize("encoding", ["utf-8:strict", "utf-8:surrogateescape"])
def test_names_that_are_no_text_come_out_as_they_are(store, tmp_path, encoding):
    out = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.zarr")
    said = run(["decompress", store, out], PYTHONIOENCODING=encoding)
    assert said.returncode == 0, said.stderr
    assert os.fsencode(out) in said.stdout


@posix
@pytest.mark.parametrize("suffix", [".nc", ".tif"])
def test_files_whose_libraries_take_no_such_name(store, tmp_path, suffix):
    out = os.fsdecode(os.fsencode(tmp_path) + b"/\xff") + suffix
    said = run(["decompress", store, out])
    assert said.returncode == 2, said.stderr
    assert b"choose another" in said.stderr
    assert said.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []
