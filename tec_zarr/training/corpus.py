"""Read Sentinel-2 cubes to train on: corpus files (`*.zip`) and Zarr stores, as digital numbers
without offset."""

from __future__ import annotations

import dataclasses
import json
import lzma
import pathlib
import zipfile

import numpy as np

from tec_zarr.models.bands import L2A


@dataclasses.dataclass(frozen=True)
class Location:
    """One place: `dn` float-free int16 (time, 12, y, x) without offset, 0-filled where `valid`
    (time, y, x) is False."""

    name: str
    dn: np.ndarray
    valid: np.ndarray
    interpolated: bool


def read_corpus_file(path: pathlib.Path) -> tuple[np.ndarray, dict]:
    """Return (uint16 data (time, band, y, x), metadata) of a corpus file.

    The data are zigzagged second differences, predicted from an earlier band, as two byte planes
    under LZMA.
    """
    with zipfile.ZipFile(path) as archive:
        meta = json.loads(archive.read("meta.json"))
        raw = lzma.decompress(archive.read("data.xz"))
    shape = meta["shape"]
    planes = np.frombuffer(raw, np.uint8).reshape(2, *shape).astype(np.int32)
    zigzag = planes[0] | planes[1] << 8
    delta = (zigzag >> 1) ^ -(zigzag & 1)
    for t in range(shape[0]):
        for b, (source, eighths) in enumerate(meta["predictor"][t]):
            delta[t, b] += (eighths * delta[t, source] + 4) >> 3
    return (delta.cumsum(axis=2).cumsum(axis=3) * meta["step_dn"]).astype(np.uint16), meta


def read_zarr(path: pathlib.Path) -> tuple[np.ndarray, dict]:
    """Return (data, metadata) of the first 4-D (time, band, y, x) variable of a Zarr store.

    A `band` coordinate names the bands; attributes `offset_dn` and `nodata` default to 0.
    """
    import xarray as xr

    dataset = xr.open_zarr(path, mask_and_scale=False, consolidated=False)
    for variable in dataset.data_vars.values():
        if variable.dims == ("time", "band", "y", "x"):
            bands = (
                [str(b) for b in variable["band"].values]
                if "band" in variable.coords
                else list(L2A)
            )
            return variable.values, {
                "bands": bands,
                "offset_dn": int(variable.attrs.get("offset_dn", 0)),
            }
    raise ValueError(
        f"{path}: no variable with dims (time, band, y, x); found {dict(dataset.sizes)}"
    )


def load_location(path: pathlib.Path) -> Location | None:
    """The 12 L2A bands of a corpus file or Zarr store; None where a band is missing."""
    data, meta = read_zarr(path) if path.suffix == ".zarr" else read_corpus_file(path)
    if not set(L2A) <= set(meta["bands"]):
        return None
    data = data[:, [meta["bands"].index(b) for b in L2A]]
    valid = (data != 0).all(axis=1)
    dn = np.clip(data.astype(np.int32) + meta["offset_dn"], -1000, 20000).astype(np.int16)
    dn *= valid[:, None]
    return Location(
        path.stem, dn, valid, meta.get("coarse_band_resampling", "").startswith("interpolated")
    )


def load_folder(folder: pathlib.Path) -> list[Location]:
    """Every usable location of a folder of `*.zip` and `*.zarr`, sorted by name."""
    paths = sorted([*folder.glob("*.zip"), *folder.glob("*.zarr")])
    if not paths:
        raise FileNotFoundError(f"{folder}: no *.zip corpus files and no *.zarr stores")
    return [location for path in paths if (location := load_location(path)) is not None]
