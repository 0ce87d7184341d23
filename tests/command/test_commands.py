"""Every command as a user types it: figures, exit statuses, errors, what is left behind."""

import json
import os
import pathlib
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.command import completion
from tec_zarr.command import main as module
from tec_zarr.command.main import COMMANDS, main
from tec_zarr.synthetic.observations import dataset

ROOT = pathlib.Path(tec_zarr.__file__).parents[1]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
}
TEC = [sys.executable, "-m", "tec_zarr"]
FAST = ("--context", "none")


@pytest.fixture(scope="module")
def cube():
    return dataset(3, (64, 80), seed=5)


@pytest.fixture(scope="module")
def netcdf(cube, tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "cube.nc"
    cube.to_netcdf(path)
    return path


@pytest.fixture(scope="module")
def store(netcdf, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "cube.zarr"
    assert main(["compress", str(netcdf), str(path), *FAST]) == 0
    return path


def run(capsys, *words, status=0):
    assert main([str(word) for word in words]) == status
    return capsys.readouterr()


def told(capsys, *words, status=0):
    return json.loads(run(capsys, *words, "--json", status=status).out)


@pytest.mark.parametrize("out", ["cube.zarr", "cube.zip"])
def test_compress_and_what_it_tells(cube, netcdf, capsys, tmp_path, out):
    facts = told(capsys, "compress", netcdf, "--psnr", "45", tmp_path / out, *FAST)
    assert facts["raw_bytes"] == cube["B"].nbytes
    assert facts["ratio"] == pytest.approx(facts["raw_bytes"] / facts["bytes"])
    assert [f.name for f in tmp_path.iterdir()] == [out]
    compared = told(capsys, "compare", netcdf, tmp_path / out)
    assert compared["psnr_all"] == pytest.approx(45, abs=0.06)


def test_bounds_chunks_and_bands_reach_the_codec(netcdf, capsys, tmp_path):
    out = tmp_path / "cube.zarr"
    words = ["--max-error", "B04=20,B08=30", "--chunks", "time=1,y=32", "--zarr-format", "2"]
    run(capsys, "compress", netcdf, out, *words, *FAST)
    facts = told(capsys, "info", out)
    assert facts["chunk_shape"] == [1, 12, 32, 80]
    compared = told(capsys, "compare", netcdf, out)
    worst = dict(zip(compared["band"], compared["max_error"], strict=True))
    assert worst["B04"] <= 20
    assert worst["B08"] <= 30 < max(worst.values())


def test_info(store, capsys):
    said = run(capsys, "info", store, "--chunks").out
    facts = told(capsys, "info", store)
    assert facts["shape"] == [3, 12, 64, 80]
    assert facts["chunks"][0]["place"] == [0, 0, 0, 0]
    assert "3 x 12 x 64 x 80 uint16" in said
    assert f"{facts['chunks'][0]['bytes']:,}" in said


def test_decompress_to_netcdf_zarr_and_geotiff(cube, store, capsys, tmp_path):
    decoded = xr.open_zarr(store, mask_and_scale=False)["B"].values
    for name in ("back.nc", "back.zarr", "back.zip"):
        run(capsys, "decompress", store, tmp_path / name)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["back.nc", "back.zarr", "back.zip"]
    plain = xr.load_dataset(tmp_path / "back.nc", mask_and_scale=False)
    np.testing.assert_array_equal(plain["B"].values, decoded)
    np.testing.assert_array_equal(plain["SCL"].values, cube["SCL"].values)
    zarr = xr.open_zarr(tmp_path / "back.zarr", mask_and_scale=False)
    np.testing.assert_array_equal(zarr["B"].values, decoded)
    assert "terracodec" not in (tmp_path / "back.zarr" / "B" / "zarr.json").read_text()
    rioxarray = pytest.importorskip("rioxarray", reason="writes GeoTIFFs")
    files = told(capsys, "decompress", store, tmp_path / "back.tif")["files"]
    assert len(files) == 3
    np.testing.assert_array_equal(rioxarray.open_rasterio(files[1]).values, decoded[1])


def test_verify_names_damaged_chunks(netcdf, capsys, tmp_path):
    out = tmp_path / "cube.zarr"
    run(capsys, "compress", netcdf, out, "--chunks", "time=1,y=32", *FAST)
    assert "whole" in run(capsys, "verify", out).out
    path = out / "B" / "c" / "2" / "0" / "1" / "0"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    (out / "SCL" / "c" / "0" / "0" / "0").write_bytes(b"damaged")
    facts = told(capsys, "verify", out, status=1)
    found = {(chunk["array"], tuple(chunk["place"])): chunk for chunk in facts["damaged"]}
    assert set(found) == {("B", (2, 0, 1, 0)), ("SCL", (0, 0, 0))}
    assert found["B", (2, 0, 1, 0)]["samples"] == "time 2:3, band 0:12, y 32:64, x 0:80"
    assert "DamagedChunkError" in found["B", (2, 0, 1, 0)]["damage"]
    said = run(capsys, "verify", out, status=1).out
    assert "damaged: B, chunk (2, 0, 1, 0), time 2:3" in said


def test_compare_with_limits(netcdf, store, capsys):
    facts = told(capsys, "compare", netcdf, store)
    assert facts["problems"] == []
    found = xr.load_dataset(netcdf, mask_and_scale=False).tec.compare(xr.open_zarr(store))
    assert facts["psnr_all"] == pytest.approx(float(found["psnr_all"]))
    near = f"{facts['psnr_all'] - 0.1:.2f}"
    assert main(["compare", str(netcdf), str(store), "--min-psnr", near]) == 0
    for limit in (["--min-psnr", "99"], ["--max-rmse", "0.1"], ["--max-error", "0.5"]):
        assert "limit of" in run(capsys, "compare", netcdf, store, *limit, status=1).out


def test_compare_fails_where_samples_are_lost(cube, capsys, tmp_path):
    floats = cube[["B"]].astype("float32") * np.float32(1e-4)
    floats.to_netcdf(tmp_path / "a.nc")
    floats["B"][0, 0, :5] = np.nan
    floats.to_netcdf(tmp_path / "b.nc")
    said = run(capsys, "compare", tmp_path / "a.nc", tmp_path / "b.nc", status=1)
    assert "400 samples are lost" in said.out
    assert said.err == ""


def test_compare_writes_a_report(netcdf, store, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="draws reports")
    run(capsys, "compare", netcdf, store, "--html", tmp_path / "r.html")
    assert "tec-tt" in (tmp_path / "r.html").read_text()


def test_estimate(netcdf, store, capsys):
    facts = told(capsys, "estimate", netcdf, "--qualities", "35,60", *FAST)["estimates"]
    assert [fact["quality"] for fact in facts] == [35, 60]
    assert facts[0]["bytes"] < facts[1]["bytes"]
    assert facts[0]["bytes"] == told(capsys, "info", store)["bytes"]
    assert "as asked" in run(capsys, "estimate", netcdf, "--psnr", "40", *FAST).out


def test_inpaint(cube, netcdf, capsys, tmp_path):
    out = tmp_path / "clear.zarr"
    run(capsys, "inpaint", netcdf, out, "--dilate", "1", "--max-error", "0", *FAST)
    clear = xr.open_zarr(out, mask_and_scale=False)
    hidden = np.isin(cube["SCL"].values, (0, 3, 8, 9, 10))
    changed = (clear["B"].values != cube["B"].values).any(1)
    assert changed[hidden].mean() > 0.9
    assert not changed.all()


def test_models_as_json(capsys):
    assert "shipped" in told(capsys, "models", "list")["models"]["tec-tt"]
    assert told(capsys, "models", "info", "tec-tt")["bands"] == "any"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("compress missing.nc out.zarr", "no such file: missing.nc"),
        ("compress {nc} {store}", "--overwrite"),
        ("compress {nc} {nc} --overwrite", "would be a Zarr store"),
        ("compress {nc} out.zarr --quality 300", "quality"),
        ("compress {nc} out.zarr --quality much", "--quality"),
        ("compress {nc} out.zarr --psnr 40 --quality 3", "quality"),
        ("compress {nc} out.zarr --max-error B99=3", "B99"),
        ("compress {nc} out.zarr --psnr 300", "psnr"),
        ("compress {text} out.zarr", "no file that is known"),
        ("compress {broken} out.zarr", "no NetCDF file"),
        ("compress {folder} out.zarr", "neither a Zarr store nor images"),
        ("compress {nc}", "OUT"),
        ("compres {nc} out.zarr", "compres"),
        ("info missing.zarr", "no such store"),
        ("info {folder}", "empty"),
        ("info {plain}", "holds nothing that was written with tec_zarr"),
        ("verify {folder}", "empty"),
        ("verify {nc}", "cube.nc"),
        ("decompress {store} no/such/folder/x.nc", "no/such/folder"),
        ("decompress {nc} x.zarr", "cube.nc"),
        ("compare {nc} {other}", "time"),
        ("compare {nc} {store} --html no/such/folder/r.html", "no/such/folder"),
        ("models info tec-ttt", "tec-ttt"),
        ("inpaint {nc} out.zarr --mask clouds", "clouds"),
        ("compress {nc} http://127.0.0.1:9/x.zarr", "a URL cannot be reached"),
        ("compress {nc} nowhere://x.zarr", "nowhere"),
        ("compress nowhere://x.zarr out.zarr", "nowhere"),
        ("info nowhere://x.zarr", "nowhere"),
        ("compress {nc} out.nc", "would be a Zarr store"),
        ("inpaint {nc} out.TIF", "would be a Zarr store"),
        ("decompress {store} out.h5", "would be a Zarr store"),
        ("info {torn}", "the metadata of this store cannot be read"),
        ("verify {torn}", "the metadata of this store cannot be read"),
        ("decompress {torn} out.nc", "the metadata of this store cannot be read"),
        ("compress {torn} out.zarr", "cannot be opened"),
        ("info {foreign}", "'tec_zarr.unknown'"),
        ("verify {foreign}", "'tec_zarr.unknown'"),
        ("decompress {foreign} out.nc", "'tec_zarr.unknown'"),
        ("compare {nc} {foreign}", "'tec_zarr.unknown'"),
        ("decompress {damaged} out.nc", "tec-zarr verify names all damaged chunks"),
        ("compress {zip} out.zarr", "zip file"),
        ("info {zip}", "no whole zip file"),
        ("verify {zip}", "no whole zip file"),
        ("decompress {zip} out.nc", "no whole zip file"),
        ("compare {nc} {zip}", "zip file"),
        ("compress {nc} out.zarr --qualty 50", "did you mean --quality?"),
        ("compress {nc} out.zarr --quality 50 --psnr 40", "--psnr 40"),
        ("compress {nc} out.zarr --psnr 400 --context none", "or --best-effort to take"),
        ("compress {nc} {text} --overwrite", "and --overwrite replaces nothing else"),
        ("compress {nc} out.zarr --nodata foo", "give a number, none, or auto"),
        ("compress {nc} out.zarr --chunks 256", "give sizes such as time=4"),
        ("compress {nc} out.zarr --max-error B04", "give a number, or bands such as"),
        ("inpaint {nc} out.zarr --classes clouds", "give numbers such as"),
        ("estimate {nc} --quality 50 --qualities 10,20", "give --quality or --qualities"),
    ],
)
def test_a_mistake_is_one_line(words, said, netcdf, store, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no cube")
    (tmp_path / "broken.nc").write_bytes(b"no NetCDF")
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    xr.Dataset({"B": (("time", "y"), np.ones((2, 2)))}).to_zarr("plain.zarr", consolidated=False)
    dataset(2, (64, 80)).to_netcdf("other.nc")
    for name in ("torn", "foreign", "damaged"):
        shutil.copytree(store, f"{name}.zarr")
    pathlib.Path("torn.zarr/zarr.json").write_text("{")
    for path in pathlib.Path("foreign.zarr").rglob("zarr.json"):
        path.write_text(path.read_text().replace("tec_zarr.terracodec", "tec_zarr.unknown"))
    chunk = next(p for p in pathlib.Path("damaged.zarr/B/c").rglob("*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + bytes([chunk.read_bytes()[-1] ^ 1]))
    before = sorted(f.name for f in tmp_path.iterdir())
    places = {
        "nc": netcdf, "store": store, "text": "notes.txt", "broken": "broken.nc",
        "zip": "broken.zip", "folder": "empty", "plain": "plain.zarr", "other": "other.nc",
        "torn": "torn.zarr", "foreign": "foreign.zarr", "damaged": "damaged.zarr",
    }  # fmt: skip
    try:
        status = main(shlex.split(words.format(**places)))
    except SystemExit as ended:
        status = ended.code
    error = capsys.readouterr().err
    assert status == 2
    assert said in error
    lines = [line for line in error.splitlines() if "warning:" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("tec-zarr: ")
    assert sorted(f.name for f in tmp_path.iterdir()) == before


def test_missing_credentials_are_no_fault_of_the_package(netcdf, capsys, monkeypatch):
    pytest.importorskip("s3fs", reason="reads and writes buckets")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    said = run(capsys, "compress", netcdf, "s3://bucket-of-nobody/x.zarr", status=2).err
    assert said.startswith("tec-zarr: a URL cannot be reached (Unable to locate credentials)")
    assert said.count("\n") == 1


def test_without_a_command_there_is_help(capsys):
    said = run(capsys, status=2)
    assert said.out == ""
    assert "compress" in said.err
    assert "examples:" in said.err


def test_python_runs_the_package():
    command = [sys.executable, "-m", "tec_zarr", "--version"]
    said = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    assert said.stdout == f"tec-zarr {tec_zarr.__version__}\n"


def test_debug_shows_where(capsys):
    with pytest.raises(tec_zarr.InvalidInputError):
        main(["info", "missing.zarr", "--debug"])


def test_a_fault_of_the_package_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("tec_zarr.stores.describe.describe_store", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["info", str(__file__)[: -len(".py")].rsplit("/", 1)[0]])


def test_warnings_are_a_line_without_code(cube, capsys, tmp_path):
    plain = cube[["B"]]
    plain["B"].attrs.clear()
    plain.to_netcdf(tmp_path / "a.nc")
    said = run(capsys, "compress", tmp_path / "a.nc", tmp_path / "a.zarr", *FAST)
    lines = [line for line in said.err.splitlines() if "--offset-dn 0 is assumed" in line]
    assert len(lines) == 1
    assert lines[0].startswith("tec-zarr: warning: no attribute")


def test_warnings_come_once_and_none_that_is_for_programmers(netcdf, capsys, monkeypatch):
    def describe(*_):
        for _ in range(3):
            warnings.warn("heed\nthis", UserWarning, stacklevel=1)
            warnings.warn(f"line {_}", PendingDeprecationWarning, stacklevel=1)
            warnings.warn(f"line {_}", FutureWarning, stacklevel=1)
        raise tec_zarr.InvalidInputError("no")

    monkeypatch.setattr("tec_zarr.stores.describe.describe_store", describe)
    said = run(capsys, "info", netcdf, status=2).err
    assert said == "tec-zarr: warning: heed this\ntec-zarr: no\n"


def test_version_and_help(capsys):
    for word in ("--version", "--help"):
        with pytest.raises(SystemExit) as ended:
            main([word])
        assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"tec-zarr {tec_zarr.__version__}" in said
    for command in COMMANDS:
        assert command.__name__.rsplit(".", 1)[-1] in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rsplit(".", 1)[-1])
def test_examples_of_the_help_can_be_parsed(command, capsys):
    name = command.__name__.rsplit(".", 1)[-1]
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert command.EXAMPLES in capsys.readouterr().out
    lines = re.findall(r"(?<!_)tec-zarr ([^)|>#\n]+)", command.EXAMPLES)
    assert lines
    for line in lines:
        args = module.parser().parse_args(shlex.split(line))
        assert args.command == name


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_knows_every_command(shell, capsys):
    script = run(capsys, "completion", shell).out
    for word in ("compress", "--max-error", "verify", "--html"):
        assert word.lstrip("-") in script


def test_bash_completes(capsys, tmp_path):
    script = tmp_path / "completion"
    script.write_text(run(capsys, "completion", "bash").out)
    program = f"""
source {script}
COMP_WORDS=(tec-zarr com); COMP_CWORD=1
$(complete -p tec-zarr | sed 's/.*-F \\([^ ]*\\).*/\\1/')
echo "${{COMPREPLY[@]}}"
"""
    said = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert {"compress", "compare", "completion"} <= set(said.stdout.split())


def test_every_argument_of_to_zarr_is_there():
    args = module.parser().parse_args(["compress", "a", "b"])
    wanted = set(tec_zarr.TerraCodec.keywords()) & {
        "quality", "max_error", "psnr", "rmse", "bppb", "ratio", "context", "key_interval",
        "effort", "model", "device", "best_effort", "offset_dn", "scale", "nodata", "bands",
    }  # fmt: skip
    assert len(wanted) == 16
    assert wanted <= set(vars(args))


@pytest.mark.parametrize(
    "words", ["compress big.nc out.zarr", "compress big.nc out.zip", "decompress big.zarr out.nc"]
)
@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.slow
def test_an_interrupt_leaves_nothing(words, seconds, tmp_path):
    big = dataset(4, 256).pad(y=(0, 768), x=(0, 768), mode="symmetric")
    big = big.assign_coords(y=np.arange(1024.0), x=np.arange(1024.0))
    big.to_netcdf(tmp_path / "big.nc")
    big.tec.to_zarr(tmp_path / "big.zarr", context="none", progress=False)
    command = words.split()
    running = subprocess.Popen(
        [*TEC, *command], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not list(tmp_path.glob("*.writing")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(seconds)
    running.send_signal(signal.SIGINT)
    error = running.communicate(timeout=60)[1]
    left = {f.name for f in tmp_path.iterdir()} - {"big.nc", "big.zarr"}
    if running.returncode == 0:
        assert left == {command[-1]}
    else:
        # Shells have 130 for either: Python dies of the signal where it came in code made of text.
        assert running.returncode in (130, -signal.SIGINT)
        assert error == "tec-zarr: interrupted\n"
        assert left == set()


@pytest.mark.slow
def test_a_bar_is_for_terminals_alone(tmp_path):
    dataset(4, (512, 512)).to_netcdf(tmp_path / "a.nc")
    shown = {}
    for kind, words in (("bar", []), ("quiet", ["--quiet"])):
        ours, theirs = pty.openpty()
        command = [*TEC, "compress", "a.nc", f"{kind}.zarr", *words]
        subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, stderr=theirs, check=True)
        os.close(theirs)
        shown[kind] = _read(ours)
    assert re.search(r"compress: +100%.*25.2M/25.2M.*B/s", shown["bar"])
    assert shown["quiet"] == ""
    command = [*TEC, "verify", "bar.zarr"]
    piped = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True)
    assert piped.stderr == b""


def _read(descriptor):
    found = b""
    try:
        while part := os.read(descriptor, 4096):
            found += part
    except OSError:  # the other end was closed
        pass
    os.close(descriptor)
    return found.decode()


def test_a_reader_that_stops_early_is_no_error(store):
    command = f"{shlex.join([*TEC, 'info', str(store), '--chunks'])} | true"
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert said.stderr == ""
