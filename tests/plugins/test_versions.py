"""Other releases of the packages around us, in processes that find them first."""

import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

pytestmark = pytest.mark.slow


RELEASES = {
    "xarray before 2026.9": ["xarray==2026.7.0"],
    "oldest": [
        "dask==2025.1.0",
        "numba==0.61.0",
        "numcodecs==0.16.1",
        "numpy==2.0.2",
        "safetensors==0.4.5",
        "scipy==1.13.1",
        "shtab==1.7.0",
        "threadpoolctl==3.5.0",
        "tqdm==4.66.0",
        "xarray==2025.7.1",
        "zarr==3.1.0",
        "crc32c==2.7.1",
        "llvmlite==0.44.0",
        "pandas==2.2.3",
        "pytz==2025.1",
    ],
}
"""The oldest ones are the floors of pyproject.toml, and what they need of that age."""

WRITE_AND_READ = """
import sys, numpy as np, xarray as xr
import tec_zarr
from tec_zarr.synthetic import series
cube = series(2, 64).to_dataset(name="B").chunk({"time": 2, "y": 32, "x": 32})
codec = tec_zarr.TerraCodec(quality=50)
cube.to_zarr("a.zarr", zarr_format=2, encoding={"B": {"compressor": codec}}, consolidated=False)
two, three = tec_zarr.encoding(2, quality=50), tec_zarr.encoding(quality=50)
cube.to_zarr("b.zarr", zarr_format=2, encoding={"B": two}, consolidated=False)
cube.to_zarr("c.zarr", zarr_format=3, encoding={"B": three}, consolidated=False)
a, b, c = (xr.open_zarr(f"{n}.zarr", consolidated=False)["B"].values for n in "abc")
assert a.dtype == b.dtype == c.dtype == "uint16"
assert np.abs(a.astype(int) - cube["B"].values).mean() < 200
assert max(np.abs(a.astype(int) - other).max() for other in (b, c)) <= 1
hidden = xr.zeros_like(cube["B"].isel(band=0, drop=True), bool).compute()
hidden[0, :32] = True
assert cube.tec.inpaint(hidden)["B"].compute().where(~hidden).equals(cube["B"].where(~hidden))
"""

READ = """
import xarray as xr
for name in "abc":
    assert xr.open_zarr(f"{name}.zarr", consolidated=False)["B"].shape == (2, 12, 64, 64)
    xr.open_zarr(f"{name}.zarr", consolidated=False)["B"].load()
"""


@pytest.mark.parametrize("release", RELEASES)
def test_release(release, tmp_path):
    packages = tmp_path / "packages"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        packages,
        *RELEASES[release],
    ]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(
            f"pip cannot install {RELEASES[release]} here: "
            f"{installed.stderr.strip().splitlines()[-1]}"
        )
    paths = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    for program in (WRITE_AND_READ, READ):
        command = [sys.executable, "-W", "ignore", "-c", program]
        subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, check=True)


def test_the_oldest_releases_are_the_floors_claimed():
    project = tomllib.loads((pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text())[
        "project"
    ]
    floors = dict(
        re.split(r"(?:\[.*\])?>=", requirement) for requirement in project["dependencies"]
    )
    tested = dict(pin.split("==") for pin in RELEASES["oldest"])
    for name in floors.keys() - {"torch"}:
        assert tested[name] == floors[name] or tested[name].startswith(f"{floors[name]}."), name
