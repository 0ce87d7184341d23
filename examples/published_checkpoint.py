"""Code with a checkpoint of the TerraCodec paper, where it was fetched before:

tec-zarr models fetch flextec-s2l2a
python examples/published_checkpoint.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import run, skip

from tec_zarr.models import registry
from tec_zarr.models.published.checkpoints.catalog import catalog
from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    fetched = [name for name in catalog() if registry.find(name).path is not None]
    usable = [name for name in fetched if "s2l2a" in name]
    if not usable:
        skip("no published checkpoint of L2A is here: tec-zarr models fetch tec-tt-s2l2a@5")
    cube = dataset(times=4, size=256)
    cube.tec.to_zarr(folder / "cube.zarr", model=usable[0], progress=False)
    opened = xr.open_zarr(folder / "cube.zarr")
    print(f"{usable[0]}: {opened.tec.info()['ratio']:.0f} times smaller")
    print(f"PSNR {float(cube.tec.compare(opened)['psnr_all']):.1f} dB")


if __name__ == "__main__":
    run(main)
