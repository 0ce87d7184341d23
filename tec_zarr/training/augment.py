"""Crops of real imagery, varied as Sentinel-2 products vary: resampling of the coarse bands,
gain, haze, orientation."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tec_zarr.models.bands import L2A, L2A_MEAN, L2A_STD, NATIVE_METERS
from tec_zarr.training.corpus import Location

MEAN = torch.tensor(L2A_MEAN)[:, None, None]
STD = torch.tensor(L2A_STD)[:, None, None]


CLOUD_DN = 2200.0
"""From this blue reflectance on, in DN, a sample counts as cloud when clouds are pasted."""


def standardise(dn: Tensor) -> Tensor:
    return (dn - MEAN) / STD


def resample_coarse(dn: Tensor, kind: str) -> Tensor:
    """Bring the 20 m and 60 m bands (…, 12, H, W) to their own grid and back by `kind` (nearest,
    bilinear or bicubic)."""
    height, width = dn.shape[-2:]
    out = dn.clone()
    for meters in (20, 60):
        bands = [i for i, b in enumerate(L2A) if NATIVE_METERS[b] == meters]
        coarse = F.interpolate(
            dn[:, bands], size=(-(-height * 10 // meters), -(-width * 10 // meters)), mode="area"
        )
        smooth = {} if kind == "nearest" else {"align_corners": False}
        out[:, bands] = F.interpolate(coarse, size=(height, width), mode=kind, **smooth)
    return out


def another_season(dn: Tensor, rng: np.random.Generator) -> Tensor:
    """The same place on another day, made up: smooth change of each band, a shift below a pixel,
    sensor noise."""
    frames, bands, height, width = dn.shape
    smooth = torch.from_numpy(rng.normal(0, 0.08, (frames, bands, 4, 4)).astype(np.float32))
    smooth += torch.from_numpy(rng.normal(0, 0.12, (frames, bands, 1, 1)).astype(np.float32))
    field = F.interpolate(smooth, size=(height, width), mode="bicubic", align_corners=True)
    shift = rng.uniform(0, 0.7, 2).astype(np.float32)
    for dim, part in zip((-2, -1), shift, strict=True):
        dn = (1 - float(part)) * dn + float(part) * dn.roll(1, dim)
    noise = torch.from_numpy(rng.normal(0, rng.uniform(10, 40), dn.shape).astype(np.float32))
    return dn * torch.exp(field) + noise


def paste_clouds(dn: Tensor, donor: Tensor) -> Tensor:
    """`dn` (12, H, W) under the bright parts of `donor` (12, H, W), which are mostly clouds,
    softly cut out."""
    blue = donor[L2A.index("B02")][None, None]
    opacity = F.avg_pool2d(((blue - CLOUD_DN) / CLOUD_DN).clamp(0, 1), 5, stride=1, padding=2)[0]
    return dn + opacity * (donor - dn)


class Crops:
    """Random crops of a few dates of one place, as digital numbers."""

    def __init__(self, locations: list[Location], seed: int):
        self.locations = [place for place in locations if min(place.dn.shape[-2:]) >= 96]
        self.random = np.random.default_rng(seed)
        weight = np.array(
            [np.sqrt(place.dn[:, 0].size) * (1 + place.interpolated) for place in self.locations]
        )
        self.weight = weight / weight.sum()
        self._fixed: dict[tuple[int, int, int], Tensor] = {}

    def _series(self, size: int, frames: int) -> Tensor:
        rng = self.random
        while True:
            place = self.locations[rng.choice(len(self.locations), p=self.weight)]
            height, width = place.dn.shape[-2:]
            side = min(size, height // 16 * 16, width // 16 * 16)
            y = rng.integers(height - side + 1)
            x = rng.integers(width - side + 1)
            window = np.s_[..., y : y + side, x : x + side]
            usable = np.flatnonzero(place.valid[window].mean(axis=(1, 2)) > 0.98)
            if usable.size:
                break
        dates = rng.permutation(usable)[:frames]
        if rng.random() < 0.7:
            dates.sort()
        repeated = rng.choice(dates, frames - dates.size)
        crop = torch.from_numpy(place.dn[dates][window].astype(np.float32))
        if repeated.size:
            made_up = another_season(
                torch.from_numpy(place.dn[repeated][window].astype(np.float32)), rng
            )
            crop = torch.cat([crop, made_up])[torch.from_numpy(rng.permutation(frames))]
        if side < size:
            crop = F.pad(
                crop,
                (0, size - side, 0, size - side),
                mode="reflect" if 2 * side > size else "replicate",
            )
        return crop

    def series(self, size: int, frames: int) -> Tensor:
        """Digital numbers (frames, 12, size, size) of one place, augmented; repeated dates get a
        seasonal change."""
        rng = self.random
        dn = self._series(size, frames)
        if rng.random() < 0.5:
            dn = resample_coarse(dn, ("nearest", "bilinear", "bicubic")[rng.integers(3)])
        if rng.random() < 0.5:
            gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, (frames, len(L2A), 1, 1)))
            haze = rng.normal(0, 40, (frames, len(L2A), 1, 1))
            dn = dn * torch.from_numpy(gain).float() + torch.from_numpy(haze).float()
        if rng.random() < 0.15:
            cloudy = self._series(size, 1)[0]
            at = rng.integers(frames)
            dn[at] = paste_clouds(dn[at], cloudy)
        turns = rng.integers(4)
        mirror = rng.integers(2)
        dn = torch.rot90(dn, int(turns), (-2, -1))
        return (dn.flip(-1) if mirror else dn).contiguous()

    def batch(self, count: int, size: int, frames: int = 1) -> Tensor:
        """Standardised crops (count, frames, 12, size, size)."""
        return torch.stack([standardise(self.series(size, frames)) for _ in range(count)])

    def fixed(self, count: int, size: int, frames: int = 1) -> Tensor:
        """The same batch each time, to follow progress by."""
        key = (count, size, frames)
        if key not in self._fixed:
            self._fixed[key] = self.batch(*key)
        return self._fixed[key]
