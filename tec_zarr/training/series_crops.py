"""Crops of series to train the prior over dates on.

Real ones vary as products do; made-up ones hardly change.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tec_zarr.models.bands import L2A, NATIVE_METERS
from tec_zarr.training.augment import another_season, paste_clouds, resample_coarse
from tec_zarr.training.corpus import Location

LEAST_SIDE = 96
CLEAR = 0.98
"""Share of pixels of a date that have to be valid in a crop."""

DENSE_DATES = 4
DENSE_SIDE = 112
DENSE_WEIGHT = 3.0
"""How much more often places are drawn that have so many dates and are so large."""

SUBSETS = {4: ("B02", "B03", "B04", "B08"), 10: tuple(b for b in L2A if b not in ("B01", "B09"))}
"""What users keep most, by its number of bands."""


class SeriesCrops:
    """Random crops of dates of one place in DN without offset.

    They begin at even offsets, so that 2 x 2 cells stay whole.
    """

    def __init__(self, locations: list[Location], seed: int):
        self.locations = [place for place in locations if min(place.dn.shape[-2:]) >= LEAST_SIDE]
        self.random = np.random.default_rng(seed)
        weights = np.array([_weight(place) for place in self.locations])
        self._weights = weights / weights.sum()
        self._fixed: dict[tuple[int, int, int], list[np.ndarray]] = {}

    def series(self, size: int, dates: int, bands: int = len(L2A)) -> np.ndarray:
        """A series float32 (dates, bands, size, size), varied."""
        rng = self.random
        dn = self._all_bands(size, max(dates, 2))[:dates]
        if bands < len(L2A):
            dn = dn[:, self._choose_bands(bands)]
        if rng.random() < 0.1:
            dn = dn * math.exp(rng.normal(0, 0.7))
        return np.ascontiguousarray(dn.numpy(), np.float32)

    def fixed(self, count: int, size: int, dates: int) -> list[np.ndarray]:
        """The same series each time, to follow progress by."""
        key = (count, size, dates)
        if key not in self._fixed:
            self._fixed[key] = [self.series(size, dates) for _ in range(count)]
        return self._fixed[key]

    def _choose_bands(self, count: int) -> list[int]:
        rng = self.random
        if count in SUBSETS and rng.random() < 0.7:
            return [L2A.index(band) for band in SUBSETS[count]]
        return sorted(rng.permutation(len(L2A))[:count].tolist())

    def _all_bands(self, size: int, dates: int) -> Tensor:
        rng = self.random
        shrink = float(rng.choice([1.25, 1.5, 2.0])) if rng.random() < 0.4 else 1.0
        dn = self._cut(round(size * shrink / 16) * 16, dates)
        if rng.random() < 0.5:
            dn = resample_coarse(dn, str(rng.choice(["nearest", "bilinear", "bicubic"])))
        if rng.random() < 0.5:
            dn = self._other_light(dn)
        if rng.random() < 0.15:
            at = int(rng.integers(dates))
            dn[at] = paste_clouds(dn[at], self._cut(dn.shape[-1], 1)[0])
        dn = torch.rot90(dn, int(rng.integers(4)), (-2, -1))
        if rng.random() < 0.5:
            dn = dn.flip(-1)
        if dn.shape[-1] != size:
            # Shrinking makes sharp imagery of blurred.
            sharper = {"mode": "bicubic", "antialias": True, "align_corners": False}
            dn = F.interpolate(dn, size=(size, size), **sharper)
        if rng.random() < 0.4:
            dn = self._nearly_equal(dn) if rng.random() < 0.4 else self._dense(dn)
        return repeat_coarse(dn) if rng.random() < 0.3 else dn

    def _cut(self, size: int, dates: int) -> Tensor:
        """(dates, 12, size, size) of a place; dates that it lacks are made up."""
        rng = self.random
        while True:
            place = self.locations[rng.choice(len(self.locations), p=self._weights)]
            height, width = place.dn.shape[-2:]
            side = min(size, height // 16 * 16, width // 16 * 16)
            y = rng.integers(height - side + 1) // 2 * 2
            x = rng.integers(width - side + 1) // 2 * 2
            window = np.s_[..., y : y + side, x : x + side]
            usable = np.flatnonzero(place.valid[window].mean(axis=(1, 2)) > CLEAR)
            if usable.size:
                break
        chosen = rng.permutation(usable)[:dates]
        if rng.random() < 0.7:
            chosen.sort()
        crop = torch.from_numpy(place.dn[chosen][window].astype(np.float32))
        if len(chosen) < dates:
            again = rng.choice(chosen, dates - len(chosen))
            repeated = torch.from_numpy(place.dn[again][window].astype(np.float32))
            made_up = another_season(repeated, rng)
            crop = torch.cat([crop, made_up])[torch.from_numpy(rng.permutation(dates))]
        if side < size:
            mode = "reflect" if 2 * side > size else "replicate"
            crop = F.pad(crop, (0, size - side, 0, size - side), mode=mode)
        return crop

    def _other_light(self, dn: Tensor) -> Tensor:
        """Gain and haze of dates and bands."""
        rng = self.random
        shape = (*dn.shape[:2], 1, 1)
        gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, shape))
        haze = rng.normal(0, 40, shape)
        return dn * torch.from_numpy(gain).float() + torch.from_numpy(haze).float()

    def _nearly_equal(self, dn: Tensor) -> Tensor:
        """One date nearly equal to an earlier one: what teaches the prior to copy."""
        rng = self.random
        late = int(rng.integers(1, len(dn)))
        early = int(rng.integers(0, late))
        gain = np.exp(rng.normal(0, 0.03, (len(L2A), 1, 1)))
        haze = rng.normal(0, 20, (len(L2A), 1, 1))
        noise = rng.normal(0, 1, dn[early].shape) * rng.choice([0.0, 5.0, 15.0, 30.0])
        dn = dn.clone()
        added = torch.from_numpy(haze + noise).float()
        dn[late] = dn[early] * torch.from_numpy(gain).float() + added
        return dn

    def _dense(self, dn: Tensor) -> Tensor:
        """A dense series: one date under other light, growth and noise, with patches of another."""
        rng = self.random
        base = dn[int(rng.integers(len(dn)))]
        other = dn[int(rng.integers(len(dn)))]
        growth = float(rng.choice([0.0, 0.03, 0.08]))
        noise = float(rng.choice([0.0, 4.0, 10.0, 25.0]))
        out = []
        for _ in range(len(dn)):
            date = self._other_growth(base, growth)
            if rng.random() < 0.3:
                changed = _field(rng, 1.0, 1, 8, date.shape[-1]) > 1
                date = torch.where(changed, other, date)
            out.append(date + noise * torch.from_numpy(rng.normal(0, 1, date.shape)).float())
        return torch.stack(out)

    def _other_growth(self, base: Tensor, growth: float) -> Tensor:
        """A date (12, H, W) with bands mixed a little, other levels and a smooth gain."""
        rng = self.random
        bands = np.arange(len(L2A))
        nearness = np.exp(-np.abs(np.subtract.outer(bands, bands)) / 2.0)
        mix = np.eye(len(L2A)) + rng.normal(0, 0.04, nearness.shape) * nearness
        mean = base.mean((1, 2), keepdim=True)
        level = mean * torch.from_numpy(np.exp(rng.normal(0, 0.08, (len(L2A), 1, 1)))).float()
        mixed = torch.einsum("ij,jhw->ihw", torch.from_numpy(mix).float(), base - mean)
        return (mixed + level) * torch.exp(_field(rng, growth, len(L2A), 4, base.shape[-1]))


def _weight(place: Location) -> float:
    times, _, height, width = place.dn.shape
    dense = times >= DENSE_DATES and min(height, width) >= DENSE_SIDE
    size = math.sqrt(times * height * width)
    return size * (1 + place.interpolated) * (DENSE_WEIGHT if dense else 1.0)


def _field(rng: np.random.Generator, sigma: float, channels: int, cells: int, size: int) -> Tensor:
    """Smooth random fields (channels, size, size) with so many cells a side."""
    coarse = torch.from_numpy(rng.normal(0, sigma, (1, channels, cells, cells))).float()
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)[0]


def repeat_coarse(dn: Tensor) -> Tensor:
    """Bands of 20 and 60 m of (dates, 12, size, size) as nearest-neighbor resampling leaves
    them."""
    size = dn.shape[-1]
    out = dn.clone()
    for meters in (20, 60):
        factor = meters // 10
        bands = [i for i, band in enumerate(L2A) if NATIVE_METERS[band] == meters]
        beyond = -size % factor
        padded = F.pad(dn[:, bands], (0, beyond, 0, beyond), mode="replicate")
        cells = F.avg_pool2d(padded, factor)
        repeated = cells.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
        out[:, bands] = repeated[..., :size, :size]
    return out
