"""ds.tec.info: what a store tells of itself."""

import warnings

import numpy as np
import pytest
from zarr.storage import MemoryStore, StorePath

from tec_zarr import InvalidInputError, TargetWarning
from tec_zarr.stores import describe
from tests.stores.scenes import SMALL, opened


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_info_tells_what_was_written(scene, tmp_path, zarr_format):
    bound = {"B02": 40, "B08": 0}
    options = {
        "chunks": SMALL,
        "max_error": bound,
        "psnr": 36,
        "best_effort": True,
        "progress": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)
        scene.tec.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, **options)
    back = opened(tmp_path / "a.zarr")
    info = back.tec.info()
    files = [
        f
        for f in (tmp_path / "a.zarr" / "B").rglob("*")
        if f.is_file() and not f.name.startswith((".z", "zarr"))
    ]
    assert (
        info["bytes"]
        == sum(f.stat().st_size for f in files)
        == sum(c["bytes"] for c in info["chunks"])
    )
    assert info["ratio"] == pytest.approx(scene["B"].nbytes / info["bytes"])
    assert info["bppb"] == pytest.approx(16 / info["ratio"])
    assert (info["psnr"], info["max_error"], info["model"]) == (36, bound, "tec-tt")
    assert len(info["chunks"]) == 2 * 2 * 3
    assert {c["target_met"] for c in info["chunks"]} <= {True, False}
    error = np.abs(back["B"].astype(int) - scene["B"].astype(int)).max(("time", "y", "x"))
    assert error.sel(band="B02") <= 40
    assert error.sel(band="B08") == 0


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_info_reads_the_front_of_chunks_alone(scene, tmp_path, monkeypatch, kind):
    """Also where header and directory are longer than what is read at first."""
    store = tmp_path / "a.zarr" if kind == "folder" else MemoryStore()
    scene.tec.to_zarr(
        store, chunks=SMALL, max_error={"B04": 0, "B08": 400}, quality=30, progress=False
    )
    info = describe.describe_store(store)
    wanted = []

    async def get(self, prototype=None, byte_range=None, *, original=StorePath.get):
        if "B/c/" in self.path:
            wanted.append(byte_range)
        return await original(self, prototype, byte_range)

    monkeypatch.setattr(StorePath, "get", get)
    monkeypatch.setattr(describe, "FRONT_BYTES", 16)
    assert describe.describe_store(store) == info
    assert len(wanted) == 2 * len(info["chunks"])
    assert all(wanted)
    assert info["bytes"] == sum(c["bytes"] for c in info["chunks"])


def test_info_of_what_is_no_store_of_ours(scene, tmp_path):
    with pytest.raises(InvalidInputError, match=r"xr\.open_zarr"):
        scene.tec.info()
    scene.to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.raises(InvalidInputError, match="not written with tec_zarr"):
        opened(tmp_path / "a.zarr").tec.info()
