"""DN of one date to coefficients in steps, with the side information that takes them back."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.once import once
from tec_zarr.transform import lapped
from tec_zarr.transform.basis import FINENESS, ONE, rotated
from tec_zarr.transform.frame import Frame
from tec_zarr.transform.frequencies import BLOCK, ZONES
from tec_zarr.transform.mixing import gram, mix
from tec_zarr.transform.repetition import find_repeats
from tec_zarr.transform.rotations import find_rotations
from tec_zarr.transform.side import (
    DEAD,
    LEAST_ENERGY,
    MEAN_PARTS,
    MOST_ENERGY,
    START_BEFORE,
    START_BELOW,
    START_DEFAULT,
    ZONE_COUNT,
    Side,
    ZoneBasis,
    empty_live,
    start_basis,
)

SAMPLED = 4096
"""Coefficients of a zone and component that errors are estimated on, at least."""

DIGITS = 4
OTHER_DIGITS = (3, 5)
"""Binary digits of angles: those to find the best start with, and those to try then."""

DEAD_ZONE = 0.15
"""Of the plain rounding that errors are estimated with."""


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """A date before a step is chosen.

    coefficients
        float32 (B, 256, h, w), DN, of the bands without their means.
    means
        float64 (B,), DN.
    native
        bool (B,): bands coded on their own grid.
    covariances
        For each zone float64 (B, B), DN².
    """

    frame: Frame
    coefficients: np.ndarray
    means: np.ndarray
    native: np.ndarray
    covariances: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, dn: np.ndarray) -> Spectrum:
        """The spectrum of finite `dn`, float32 (B, y, x)."""
        repeats = find_repeats(dn)
        frame = Frame.of(dn.shape[1:], repeats)
        native = repeats[:, frame.origin[0], frame.origin[1]]
        padded = frame.pad(dn)
        means = padded.mean((1, 2), dtype=np.float64)
        centered = padded - means[:, None, None].astype(np.float32)
        height, width = frame.positions
        coefficients = np.empty((len(dn), BLOCK * BLOCK, height, width), np.float32)
        if native.any():
            coefficients[native] = lapped.forward_native(centered[native])
        if not native.all():
            coefficients[~native] = lapped.forward(centered[~native])
        # The means that were taken off are those of float32.
        exact_means = means.astype(np.float32).astype(np.float64)
        return cls(frame, coefficients, exact_means, native, _covariances(coefficients))

    def squared_error(self, step: float) -> float:
        """The mean squared error, DN², over the whole frame that plain rounding to `step` leaves.

        Counted on some of the coefficients, in the Karhunen-Loeve basis of their zone.
        """
        total = 0.0
        for turned, size in self._independent:
            scaled = np.abs(turned) * np.float32(1 / step)
            error = scaled - np.floor(scaled + np.float32(0.5 - DEAD_ZONE))
            total += size * float(np.vdot(error, error)) / error.size
        of_means = (step / MEAN_PARTS) ** 2 / 12
        return total * step * step / self.coefficients.size + of_means

    @once
    def _independent(self) -> list[tuple[np.ndarray, int]]:
        """For each zone some coefficients (C, n) in its Karhunen-Loeve basis, DN, and of how
        many they are taken."""
        out = []
        for covariance, frequencies in zip(self.covariances, ZONES, strict=True):
            _, vectors = np.linalg.eigh(covariance)
            samples = self.coefficients[:, frequencies].reshape(len(self.native), -1)
            stride = max(1, samples.shape[1] // SAMPLED)
            # An odd stride meets all rows and columns of positions.
            picked = samples[:, :: stride | 1]
            out.append((mix(vectors.T, picked), samples.size))
        return out

    def at(self, step: float, before: Side | None) -> tuple[Side, np.ndarray]:
        """Side information without a map of channels, and coefficients float32 (C, 256, h, w) in
        steps.

        `before` is the side information of the date before, which this one's will be told from.
        """
        bands = len(self.native)
        mean_codes = np.rint(self.means * (MEAN_PARTS / step)).astype(np.int64)
        moved = self.means - mean_codes * (step / MEAN_PARTS)
        zones = []
        bases = np.empty((ZONE_COUNT, bands, bands), np.int64)
        energies = np.full((ZONE_COUNT, bands), DEAD, np.int64)
        out = np.empty_like(self.coefficients)
        for zone, frequencies in enumerate(ZONES):
            source = self.coefficients[:, frequencies]
            if zone == 0:
                source = source.copy()
                source[:, 0] += (BLOCK * moved).astype(np.float32)[:, None, None]
            samples = source[0].size
            below = bases[zone - 1] if zone else None
            made, bases[zone] = _basis(self.covariances[zone], zone, below, samples, step, before)
            zones.append(made)
            turn = (bases[zone].T / (ONE * step)).astype(np.float32)
            turned = mix(turn, source.reshape(bands, -1))
            energies[zone] = _energy_codes(turned)
            out[:, frequencies] = turned.reshape(source.shape)
        side = Side(
            step=step,
            origin=self.frame.origin,
            native=self.native,
            mean_codes=mean_codes,
            counts=(bands,) * ZONE_COUNT,
            zones=tuple(zones),
            bases=bases,
            energies=energies,
            live=empty_live(bands),
        )
        return side, out


def _covariances(coefficients: np.ndarray) -> tuple[np.ndarray, ...]:
    out = []
    for frequencies in ZONES:
        samples = coefficients[:, frequencies].reshape(len(coefficients), -1)
        out.append(gram(samples) / samples.shape[1])
    return tuple(out)


def _basis(
    covariance: np.ndarray,
    zone: int,
    below: np.ndarray | None,
    samples: int,
    step: float,
    before: Side | None,
) -> tuple[ZoneBasis, np.ndarray]:
    """How a zone's basis is made, and the basis: from the start that leaves least to do."""
    bands = len(covariance)
    starts = [START_DEFAULT]
    if before is not None:
        starts.append(START_BEFORE)
    if zone:
        starts.append(START_BELOW)
    best = None
    for start in starts:
        basis = start_basis(start, zone, below, bands, before)
        rotations, cost = find_rotations(covariance, basis, samples, step, DIGITS)
        if best is None or cost < best[0]:
            best = (cost, start, basis, DIGITS, rotations)
    _, start, basis, _, _ = best
    for digits in OTHER_DIGITS:
        rotations, cost = find_rotations(covariance, basis, samples, step, digits)
        if cost < best[0]:
            best = (cost, start, basis, digits, rotations)
    _, start, basis, digits, rotations = best
    return ZoneBasis(start, digits, rotations), rotated(basis, rotations, FINENESS)


def _energy_codes(turned: np.ndarray) -> np.ndarray:
    """Energy codes (C,) of coefficients (C, n) in steps."""
    squares = np.einsum("cn,cn->c", turned, turned, dtype=np.float64) / turned.shape[1]
    codes = np.rint(2 * np.log2(np.maximum(squares, 1e-12)))
    return np.clip(codes, LEAST_ENERGY, MOST_ENERGY).astype(np.int64)
