"""Samples of AllClear: its JSON, and the GeoTIFFs that this names."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import clouds
import numpy as np

from tec_zarr.models.bands import L2A

CIRRUS = 10
"""Index of B10, which L2A has not."""

CLOUD = 1
SHADOW = 4
"""Indices of the bands of a mask."""


def samples(
    file: pathlib.Path, root: pathlib.Path, crop: int, count: int
) -> Iterator[tuple[clouds.Series, int]]:
    """The series of the first samples of a JSON, in order of dates, and which date is the
    target."""
    described = json.loads(file.read_text())
    for name in list(described)[:count]:
        sample = described[name]
        entries = [tuple(entry) for entry in (*sample["s2_toa"], *sample["target"])]
        entries.sort(key=lambda entry: entry[0])
        dates = [date[:10] for date, _ in entries]
        paths = [path for _, path in entries]
        frames = []
        masks = []
        for path in paths:
            dn, cloudy = read(path, root, crop)
            frames.append(dn)
            masks.append(cloudy)
        days = np.array(dates, "datetime64[D]").astype(np.float64)
        series = clouds.Series(name, np.stack(frames), L2A, days, np.stack(masks))
        yield series, paths.index(sample["target"][0][1])


def read(path: str, root: pathlib.Path, crop: int) -> tuple[np.ndarray, np.ndarray]:
    """DN (12, y, x) of a GeoTIFF of 13 bands, and where its mask has clouds or shadows, center
    crops.

    `path` is as the JSON has it, of which `root` replaces what comes before the folder of the
    place.
    """
    import rioxarray

    image = root.joinpath(*pathlib.PurePosixPath(path).parts[-4:])
    beside = str(image).replace("s2_toa", "cld_shdw")
    bands = rioxarray.open_rasterio(str(image)).values  # (13, y, x)
    mask = rioxarray.open_rasterio(beside).values  # (5, y, x)
    rows, columns = (middle(length, crop) for length in bands.shape[1:])
    covered = mask[[CLOUD, SHADOW], rows, columns].astype(np.float32)
    hidden = np.nan_to_num(covered, nan=1.0).any(axis=0)
    dn = np.delete(bands, CIRRUS, axis=0)[:, rows, columns].astype(np.float32)
    dn = np.nan_to_num(dn)
    return dn, hidden | (dn == 0).all(axis=0)


def middle(length: int, crop: int) -> slice:
    """The middle `crop` of an axis; all of it where it has fewer."""
    first = max(0, (length - crop) // 2)
    return slice(first, first + crop)
