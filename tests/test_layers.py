"""The house of DESIGN.md: who may import whom, and what opening a store loads. There are no
exceptions."""

import ast
import pathlib
import subprocess
import sys

import pytest

import tec_zarr

PACKAGE = pathlib.Path(tec_zarr.__file__).parent
MODULES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))

CORE = ["errors", "folders", "once", "entropy", "bitstream"]
LAYERS = {
    "errors": [],
    "folders": [],
    "once": [],
    "entropy": ["errors", "folders"],
    "bitstream": ["errors"],
    "transform": ["errors", "once", "entropy"],
    "prior": ["errors", "entropy", "transform"],
    "models": [*CORE, "prior"],
    "runtime": [*CORE, "transform", "prior", "models"],
    "codec": [*CORE, "transform", "prior", "models", "runtime"],
    "plugins": ["errors", "models", "codec"],
    "cubes": ["errors", "models"],
    "stores": [*CORE, "models", "codec", "plugins", "cubes"],
    "clouds": ["errors", "models", "runtime", "codec", "cubes"],
    "report": ["errors", "codec", "cubes", "stores"],
    "accessor": ["errors", "models", "codec", "plugins", "cubes", "stores", "clouds", "report"],
    "synthetic": ["errors", "models"],
    "command": [
        "errors",
        "folders",
        "models",
        "codec",
        "cubes",
        "stores",
        "clouds",
        "report",
        "synthetic",
    ],
    "training": [*CORE, "transform", "prior", "models", "runtime", "codec"],
    "testing": ["models"],
    "__init__": ["errors", "runtime", "plugins", "accessor"],
    "__main__": ["command"],
}
"""From the first room to the last one: what each may import besides itself."""

STORES = {"zarr", "numcodecs", "xarray", "dask", "distributed"}
FOREIGN_BANNED = {
    "entropy": STORES | {"torch"},
    "transform": STORES | {"torch"},
    "prior": STORES,
    "models": STORES,
    "runtime": STORES,
    "codec": STORES,
    "plugins": {"torch", "dask", "xarray", "distributed"},
    "cubes": {"torch"},
    "stores": {"torch"},
    "report": {"torch"},
    "synthetic": {"torch"},
}
ROOMS = sorted(folder for folder in PACKAGE.rglob("*") if (folder / "__init__.py").exists())


def layer_of(module: str) -> str:
    """The layer of a dotted name within the package, like `codec.chunk`; names of the package
    itself are its own."""
    first = module.partition(".")[0]
    return first if first in LAYERS else "__init__"


def imported(path: pathlib.PurePath, source: str) -> set[str]:
    """Absolute dotted names that a module imports anywhere in it, those in functions included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = ("tec_zarr", *path.parts[:-1])
                base = ".".join([*folder[: len(folder) - node.level + 1], *filter(None, [base])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def violations(path: pathlib.PurePath, source: str) -> list[str]:
    own = layer_of(".".join(path.with_suffix("").parts))
    allowed = {*LAYERS[own], own}
    bad = []
    for name in imported(path, source):
        root, _, inner = name.partition(".")
        if root == "tec_zarr":
            if layer_of(inner or "__init__") not in allowed:
                bad.append(f"{path} imports {name}")
        elif root in FOREIGN_BANNED.get(own, ()):
            bad.append(f"{path} imports {name}")
        elif own in ("errors", "folders", "bitstream") and root not in sys.stdlib_module_names:
            bad.append(f"{path} imports {name}, which is not of the standard library")
    return bad


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_from_layers_above_its_own(path):
    assert violations(path, (PACKAGE / path).read_text()) == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE)))
def test_a_room_says_what_it_is_for(room):
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    assert len(said.splitlines()) >= 3
    assert "must not" in said


def test_no_room_imports_from_those_after_it():
    order = list(LAYERS)
    for room, allowed in LAYERS.items():
        if room != "__init__":
            assert all(order.index(other) < order.index(room) for other in allowed), room


def test_every_layer_is_there():
    assert {layer_of(".".join(p.with_suffix("").parts)) for p in MODULES} == set(LAYERS)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("errors.py", "import numpy"),
        ("errors.py", "from tec_zarr.entropy import grid"),
        ("entropy/a.py", "import torch.nn"),
        ("entropy/a.py", "from ..codec import cube"),
        ("bitstream/a.py", "import numpy as np"),
        ("bitstream/a.py", "def f():\n    from tec_zarr.entropy import rans"),
        ("models/a.py", "from tec_zarr import codec"),
        ("models/a.py", "import zarr"),
        ("codec/a.py", "import tec_zarr"),
        ("codec/a.py", "from tec_zarr.plugins.v2 import TerraCodec"),
        ("plugins/a.py", "from tec_zarr import encoding"),
        ("stores/a.py", "import tec_zarr.training.loop"),
        ("stores/a.py", "from .. import testing"),
        ("cubes/a.py", "from tec_zarr.stores import append"),
        ("runtime/a.py", "from tec_zarr.codec import samples"),
        ("command/a.py", "from tec_zarr.training import loop"),
        ("testing/a.py", "from tec_zarr import training"),
    ],
)
def test_the_check_sees_a_wrong_import(path, line):
    assert len(violations(pathlib.PurePath(path), line)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import tec_zarr",
        "import tec_zarr.plugins.v2, tec_zarr.plugins.v3",
        "import tec_zarr as t; t.TerraCodec(); t.TerraCodecSerializer(); t.encoding(quality=60)",
        "import tec_zarr, numcodecs; numcodecs.get_codec(tec_zarr.TerraCodec().get_config())",
    ],
)
def test_opening_a_store_loads_neither_torch_nor_numba(code):
    heavy = {"torch", "numba", "safetensors", "tec_zarr"}
    check = f"; import sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + check], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "['tec_zarr']"), done.stderr


def test_without_a_network_torch_is_not_loaded():
    program = """
import sys, numpy as np
from tec_zarr import TerraCodec
array = np.random.default_rng(0).integers(500, 900, (2, 4, 40, 40)).astype("u2")
codec = TerraCodec(context="none", psnr=45)
error = codec.decode(codec.encode(array)).astype(float) - array
assert 0 < np.sqrt((error**2).mean()) < 60
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
