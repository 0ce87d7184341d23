"""The side information of one date: what a decoder needs beside symbols."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tec_zarr.errors import DamagedChunkError
from tec_zarr.once import once
from tec_zarr.transform.basis import FINENESS, context_basis, default_basis, rotated
from tec_zarr.transform.frequencies import FREQUENCIES, ZONES

ZONE_COUNT = len(ZONES)

DEAD = -16
"""Energy code of components that have no symbol in a zone."""

LEAST_ENERGY = -32
MOST_ENERGY = 120

MEAN_PARTS = 64
"""Means are sent in these parts of a step."""

START_DEFAULT = 0
START_BEFORE = 1
START_BELOW = 2


@dataclasses.dataclass(frozen=True, eq=False)
class ZoneBasis:
    """How the basis of a zone is made: a start, rotations int64 (n, 3) of it, in multiples of pi /
    2**18.

    Angles have at most `digits` binary digits that are not 0, from the first one on.
    """

    start: int
    digits: int
    rotations: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """Side information.

    step
        Quantization step in DN, a float32.
    origin
        Pixels, 0 or 1 along y and x, that the first block begins before the first pixel.
    native
        bool (B,): bands that hold one value in each 2 x 2 cell, coded on their own grid.
    mean_codes
        int64 (B,): means, in 64ths of a step.
    counts
        For each zone, how many components, strongest first, may have symbols.
    zones
        How the basis of each zone is made; None from the zone on after which none has symbols.
    bases
        int64 (4, B, C) in 2**30ths; columns are components.
    energies
        int64 (4, C): 4 * log2 of the rms of a component's coefficients in a zone, in steps; `DEAD`
        from `counts` on.
    live
        bool (C, 256): channels that may have symbols.
    """

    step: float
    origin: tuple[int, int]
    native: np.ndarray
    mean_codes: np.ndarray
    counts: tuple[int, ...]
    zones: tuple[ZoneBasis | None, ...]
    bases: np.ndarray
    energies: np.ndarray
    live: np.ndarray

    @property
    def bands(self) -> int:
        return len(self.native)

    @property
    def means(self) -> np.ndarray:
        """Means of the bands in DN, float64 (B,)."""
        return self.mean_codes * (self.step / MEAN_PARTS)

    @once
    def context_bases(self) -> np.ndarray:
        """The bases in 2**14ths, int64."""
        return context_basis(self.bases)

    def with_live(self, live: np.ndarray) -> Side:
        """The same with another map of channels, bool (C, 256)."""
        energies = self.energies.copy()
        counts = []
        for zone, frequencies in enumerate(ZONES):
            used = np.flatnonzero(live[:, frequencies].any(1))
            count = int(used[-1]) + 1 if len(used) else 0
            counts.append(count)
            energies[zone, count:] = DEAD
        zones = list(self.zones)
        bases = self.bases.copy()
        for zone in range(coded_zones(counts), ZONE_COUNT):
            zones[zone] = None
            bases[zone] = bases[zone - 1] if zone else default_basis(self.bands)
        return dataclasses.replace(
            self,
            live=live,
            counts=tuple(counts),
            zones=tuple(zones),
            bases=bases,
            energies=energies,
        )


def coded_zones(counts: Sequence[int]) -> int:
    """How many zones have a basis of their own: those up to the last one with symbols."""
    used = np.flatnonzero(counts)
    return int(used[-1]) + 1 if len(used) else 0


def make_bases(zones: tuple[ZoneBasis | None, ...], bands: int, before: Side | None) -> np.ndarray:
    """The bases int64 (4, B, C) of zones; where a zone has none, that of the zone below, or the
    default.

    Raises DamagedChunkError where a zone starts from what there is not.
    """
    out = np.empty((ZONE_COUNT, bands, bands), np.int64)
    for zone, made in enumerate(zones):
        below = out[zone - 1] if zone else default_basis(bands)
        if made is None:
            out[zone] = below
            continue
        out[zone] = rotated(
            start_basis(made.start, zone, below, bands, before), made.rotations, FINENESS
        )
    return out


def start_basis(
    start: int, zone: int, below: np.ndarray, bands: int, before: Side | None
) -> np.ndarray:
    """What a zone's basis is made of; raises DamagedChunkError where there is no such start."""
    if start == START_DEFAULT:
        return default_basis(bands)
    if start == START_BEFORE and before is not None:
        return before.bases[zone]
    if start == START_BELOW and zone:
        return below
    raise DamagedChunkError(f"a basis that starts from {start} in zone {zone}, which there is not")


def empty_live(bands: int) -> np.ndarray:
    """A map without a live channel."""
    return np.zeros((bands, FREQUENCIES), bool)
