"""Clouds of a corpus without SCL: where they are, and their shapes to paste elsewhere."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
from scipy.ndimage import binary_dilation, binary_opening, gaussian_filter

from tec_zarr.models.bands import L2A
from tec_zarr.synthetic.landscape import fractal
from tec_zarr.training.corpus import read_corpus_file

BRIGHTER_DN = 400
"""A cloud is this much brighter in B02 than the darker half of the dates."""

CLOUD_DN = 1000
"""And at least this bright."""

SNOW = 0.5
"""Normalized difference of B03 and B11 from which on it is snow."""

MARGIN = 6
"""Pixels that clouds are grown by."""

HAZE_DN = 500
"""What the clouds of a date must add to B02 in a fifth of its pixels for their shapes to be
taken."""

PROBABILITY = 40
"""Cloud probability in per cent, of a corpus that has it, above which a pixel is a cloud."""


@dataclasses.dataclass(frozen=True, eq=False)
class Series:
    """A place: float32 DN without offset `dn` (time, band, y, x) of `bands`, `days` (time,),
    `cloudy` bool (time, y, x)."""

    name: str
    dn: np.ndarray
    bands: tuple[str, ...]
    days: np.ndarray
    cloudy: np.ndarray


def load(path: pathlib.Path, crop: int) -> Series:
    """A corpus file with those of its bands that L2A has, cut to `crop` pixels; clouds by its
    cloud probability (a file `<name>.cloud.npz` beside it) or by brightness."""
    data, meta = read_corpus_file(path)
    bands = tuple(b for b in L2A if b in meta["bands"])
    chosen = [meta["bands"].index(b) for b in bands]
    array = data[:, chosen, :crop, :crop]
    dn = array.astype(np.float32) + int(meta.get("offset_dn") or 0)
    beside = path.with_name(f"{path.stem}.cloud.npz")
    if beside.exists():
        with np.load(beside) as found:
            probability = found[found.files[0]][:, :crop, :crop]
        cloudy = np.stack(
            [binary_dilation(p, iterations=MARGIN) for p in probability > PROBABILITY]
        )
    else:
        cloudy = detect(dn, bands)
    return Series(path.stem, dn, bands, days_of(meta), cloudy | (array == 0).any(1))


def days_of(meta: dict) -> np.ndarray:
    """Days since 1970 of each date; those that are months stand for their 15th, those unknown
    are a month apart."""
    given = meta.get("dates") or []
    if len(given) != meta["shape"][0] or not all(given):
        return 30.0 * np.arange(meta["shape"][0])
    whole = [f"{d}-15"[:10] if len(d) == 7 else d[:10] for d in given]
    return np.array(whole, "datetime64[D]").astype(np.float64)


def detect(dn: np.ndarray, bands: tuple[str, ...]) -> np.ndarray:
    """Clouds, bool (time, y, x), of a series without a mask: brighter in B02 than the darker half
    of its dates, and no snow.

    A stand-in, good enough to keep clouds out of what methods see and are scored on; shadows are
    left in.
    """
    blue = dn[:, bands.index("B02")]
    usual = np.sort(blue, 0)[: max(1, len(blue) // 2)].mean(0)
    bright = (blue - usual > BRIGHTER_DN) & (blue > CLOUD_DN)
    if {"B03", "B11"} <= set(bands):
        green, infrared = dn[:, bands.index("B03")], dn[:, bands.index("B11")]
        bright &= (green - infrared) / np.maximum(green + infrared, 1) < SNOW
    found = [binary_opening(b, np.ones((3, 3), bool)) for b in bright]
    return np.stack([binary_dilation(f, iterations=MARGIN) if f.any() else f for f in found])


def fields(paths: list[pathlib.Path], crop: int) -> list[np.ndarray]:
    """How much brighter than the darkest date each partly cloudy date of the corpus is in B02,
    float32 (y, x): real clouds, whose shapes at any cover are what exceeds a level."""
    found = []
    for path in paths:
        data, meta = read_corpus_file(path)
        if len(data) < 2 or "B02" not in meta["bands"]:
            continue
        blue = data[:, meta["bands"].index("B02"), :crop, :crop].astype(np.float32)
        for added in blue - np.median(blue, 0) if len(blue) > 2 else blue[1:] - blue[:1]:
            low, high = np.percentile(added, [20, 80])
            if high > HAZE_DN and low < 0.5 * high:
                found.append(gaussian_filter(added, 2))
    return found


def drawn(crop: int, count: int = 8) -> list[np.ndarray]:
    """Fields of clouds that were never seen, for a corpus without any."""
    return [fractal(np.random.default_rng(i), (crop, crop), 80, 2.3) for i in range(count)]


def paste(field: np.ndarray, cover: float, shape: tuple[int, int], turn: int) -> np.ndarray:
    """The cloud of a field, mirrored to the `shape` (y, x) where it is smaller and turned, that
    covers a share `cover`."""
    turned = np.rot90(field, turn)
    fitted = np.pad(
        turned,
        [(0, max(0, n - m)) for n, m in zip(shape, turned.shape, strict=True)],
        mode="symmetric",
    )
    fitted = fitted[: shape[0], : shape[1]]
    return fitted >= np.quantile(fitted, 1 - cover)
