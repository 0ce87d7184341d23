"""What users see of the package: signatures, their meanings, advice for what there is not."""

import inspect
import re
import subprocess
import sys

import pytest

import tec_zarr
from tec_zarr import TerraCodec, TerraCodecSerializer, UnknownKeywordError
from tec_zarr.accessor import TecAccessor
from tec_zarr.entropy import compiling
from tec_zarr.synthetic import series

METHODS = [name for name in dir(TecAccessor) if not name.startswith("_")]
PUBLIC = {
    "encoding": tec_zarr.encoding,
    "decompress": tec_zarr.decompress,
    "info": tec_zarr.info,
    "TerraCodec": TerraCodec,
    "TerraCodecSerializer": TerraCodecSerializer,
    **{f"ds.tec.{name}": getattr(TecAccessor, name) for name in METHODS},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_spelled_out_with_its_meaning(name):
    signature = inspect.signature(PUBLIC[name])
    doc = inspect.getdoc(PUBLIC[name])
    assert "{" not in doc.replace('{"', "")
    described = set()
    for line in re.findall(r"^(?:\w+, )*\w+$", doc, re.MULTILINE):
        described |= set(line.split(", "))
    for parameter in signature.parameters.values():
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.name != "self":
            assert parameter.name in described
            assert parameter.annotation is not parameter.empty


def test_the_accessor_has_these_methods():
    assert METHODS == [
        "append", "compare", "encoding", "estimate", "from_cube", "info", "inpaint",
        "plot_compare", "rd_curve", "report", "to_cube", "to_plain", "to_zarr",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: TerraCodec(qualty=3), "TerraCodec has no keyword 'qualty': did you mean quality?"),
        (lambda: TerraCodecSerializer(maxerror=3), "did you mean max_error?"),
        (lambda: tec_zarr.encoding(quality=3, zar_format=2), "did you mean zarr_format?"),
        (lambda: series(1, 16).tec.to_zarr("x", bites=3), "to_zarr has no keyword 'bites'"),
        (lambda: series(1, 16).tec.inpaint(feathering=3), "did you mean feather?"),
    ],
)
def test_an_unknown_keyword_gets_the_nearest_one(call, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownKeywordError, match=re.escape(said)):
        call()
    assert not list(tmp_path.iterdir())


def test_the_version_is_the_package_s():
    command = [sys.executable, "-m", "pip", "show", "tec_zarr"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"Version: {tec_zarr.__version__}\n" in shown


def test_compiled_code_lies_outside_of_the_package():
    assert compiling.FOLDER is not None
    assert any(compiling.FOLDER.rglob("*.nbi"))
    package = compiling.pathlib.Path(tec_zarr.__file__).parent
    assert package not in compiling.FOLDER.parents
    assert not list(package.rglob("*.nbi"))


def test_where_no_folder_can_be_written_code_is_compiled_each_time(tmp_path):
    (tmp_path / "file").touch()
    program = (
        "from tec_zarr.entropy import compiling; assert compiling.FOLDER is None;assert "
        "compiling.compiled(lambda x: x + 1)(1) == 2"
    )
    environment = {"TEC_ZARR_CACHE": str(tmp_path / "file"), "PATH": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
