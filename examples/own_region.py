"""Train the network on further on places of your own, and code with it.

A few steps on a synthetic place show how it goes; a region takes thousands (docs/training.md).

python examples/own_region.py [FOLDER]
"""

import hashlib
import os
import pathlib
import subprocess
import sys

import xarray as xr
from common import run

from tec_zarr.models import registry
from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    # Places to train on: plain Zarr stores, lossless, with `offset_dn` among their attributes.
    dataset(times=4, size=160).to_zarr(folder / "data" / "home.zarr", zarr_format=2)
    shipped = registry.find(registry.DEFAULT).checked()
    options = ["--data", folder / "data", "--out", folder / "out", "--start", shipped]
    command = [sys.executable, "-m", "tec_zarr.training", *options, "--steps", "1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    # Weights are found by name in the cache folder; here in one that goes with the example.
    os.environ["TEC_ZARR_CACHE"] = str(folder / "cache")
    data = (folder / "out" / "tec-tt.safetensors").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    registry.cache("my-region", sha256, data)

    cube = dataset(times=4, size=96, seed=1)
    cube.tec.to_zarr(folder / "cube.zarr", model="my-region", quality=40, progress=False)
    told = xr.open_zarr(folder / "cube.zarr").tec.info()
    print(f"{told['ratio']:.0f} times smaller with {told['model']}")
    print(f"the store names its weights: SHA-256 {told['weights'][:12]}, ours {sha256[:12]}")


if __name__ == "__main__":
    run(main)
