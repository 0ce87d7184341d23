"""Dask encodes and decodes chunks where its tasks run, without any set-up."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr import TerraCodec, TerraCodecSerializer
from tec_zarr.synthetic import series

pytestmark = pytest.mark.slow


BLOCK = (4, 12, 256, 256)


def large_cube(rows: int, columns: int) -> xr.Dataset:
    """Made up block by block on the workers: one synthetic scene, turned and brightened a
    different way each time."""
    scene = series(4, 256, seed=1).values

    def block(block_info=None):
        _, _, row, column = block_info[None]["chunk-location"]
        turned = np.rot90(scene, (row + column) % 4, axes=(2, 3))
        return np.ascontiguousarray(turned) + np.uint16(5 * row + column)

    array = da.map_blocks(
        block,
        chunks=((4,), (12,), (256,) * rows, (256,) * columns),
        dtype="uint16",
        meta=np.empty((0,) * 4, "uint16"),
    )
    return xr.Dataset({"B": (("time", "band", "y", "x"), array)})


def rmse(original: xr.Dataset, decoded: xr.Dataset) -> float:
    difference = original["B"].astype("float32") - decoded["B"].astype("float32")
    return float(np.sqrt((difference**2).mean().compute()))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers(tmp_path, scheduler, zarr_format):
    cube = large_cube(2, 2)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        codec = tec_zarr.encoding(zarr_format=zarr_format, quality=60)
        cube.to_zarr(
            tmp_path / "a.zarr", zarr_format=zarr_format, encoding={"B": codec}, consolidated=False
        )
        assert rmse(cube, xr.open_zarr(tmp_path / "a.zarr", consolidated=False)) < 200


def test_local_cluster_on_several_hundred_megabytes(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs dask's distributed scheduler")
    cube = large_cube(6, 8)
    assert cube["B"].nbytes > 300e6
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        cube.to_zarr(
            tmp_path / "a.zarr", encoding={"B": tec_zarr.encoding(quality=40)}, consolidated=False
        )
        opened = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)
        assert opened["B"].chunksizes["x"] == (256,) * 8
        assert rmse(cube, opened) < 250
        loaded = client.run(lambda: "torch" in __import__("sys").modules)
        assert all(loaded.values())
        peak = client.run(
            lambda: __import__("resource").getrusage(__import__("resource").RUSAGE_SELF).ru_maxrss
        )
        assert max(peak.values()) < 2e6
    size = sum(f.stat().st_size for f in (tmp_path / "a.zarr").rglob("*") if f.is_file())
    assert size < cube["B"].nbytes / 20


@pytest.mark.parametrize(
    "codec", [TerraCodec(quality=7), TerraCodecSerializer(quality=7)], ids=["v2", "v3"]
)
def test_codecs_travel_small(codec):
    array = series(1, 64).values
    if isinstance(codec, TerraCodec):
        codec.decode(codec.encode(array))
    data = pickle.dumps(codec)
    assert len(data) < 1000
    assert pickle.loads(data) == codec
