"""A date predicted from earlier ones by linear maps, fitted group by group on the groups below.

Both sides have the groups below by then, so nothing is sent. Everything is exact on every
machine: values are integers, products of matrices are sums of integers below 2**53 in float64,
and the normal equations are solved in a fixed order of float64 operations.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from tec_zarr.entropy.compiling import compiled
from tec_zarr.prior.channels import COMPONENTS, group_frequencies, group_zone

FRACTION = 8
"""Bands of earlier dates are kept in eighths of a step."""

BASIS_ONE = 1 << 14
"""What stands for 1 in a basis that turns dates."""

RIDGE = 20.0
"""Of the fit, in squared steps."""

RELATIVE_RIDGE = 1e-11
"""Of the fit, in parts of the energy of all inputs: so that no pivot drowns in rounding."""

MAX_INPUTS = 96
"""Earlier dates times bands that a date is fitted on at most."""

MAX_SAMPLES = 4096
"""Positions that a fit sees at most, so that all sums stay exact."""

MAX_LOW = 2.0**19
MAX_HIGH = 2.0**17
"""Bands are limited to this in the first group, and in the others."""

LEAST_PIVOT = 1e-9

LEAST_FREEDOM = 0.2
"""Few samples fit too well: what is left is counted for so much less than their number, but for
no less than this."""

WEIGHT_ONE = 1 << 14
MAX_WEIGHT = 2.0**18

NOISE = 0.02
"""Energy, in squared steps, that a fit is never told apart from."""


def limit_bands(values: Tensor, frequencies: Tensor) -> Tensor:
    """Bands (..., F, P) at `frequencies` (F,), rounded to whole eighths of a step and limited, so
    that sums of them are exact."""
    limits = torch.where(frequencies == 0, MAX_LOW, MAX_HIGH).to(values)[:, None]
    return torch.round(values).clamp(-limits, limits)


def to_bands(symbols: Tensor, bases: Tensor) -> Tensor:
    """Symbols (N, C, F, P) of components to bands (N, B, F, P) in eighths of a step, whole numbers
    in float64.

    `bases` (N, B, C) is the basis of their zone in parts of `BASIS_ONE`.
    """
    turned = bases @ symbols.flatten(2)
    return turned.mul_(FRACTION / BASIS_ONE).round_().unflatten(2, symbols.shape[2:])


def to_components(bands: Tensor, bases: Tensor) -> Tensor:
    """Bands (N, B, F, P) in eighths of a step to components (N, C, F, P) in steps, exact in
    float64."""
    turned = bases.transpose(1, 2) @ bands.flatten(2)
    return turned.mul_(1 / (FRACTION * BASIS_ONE)).unflatten(2, bands.shape[2:])


@compiled
def _factor(source):
    """Cholesky factor, lower (J, J), of `source` (J, J) with a ridge; every operation in one
    order."""
    inputs = len(source)
    ridge = RIDGE
    for i in range(inputs):
        ridge += RELATIVE_RIDGE * source[i, i]
    lower = np.zeros((inputs, inputs))
    for j in range(inputs):
        total = source[j, j] + ridge
        for k in range(j):
            total -= lower[j, k] * lower[j, k]
        lower[j, j] = math.sqrt(max(total, LEAST_PIVOT))
        for i in range(j + 1, inputs):
            total = source[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = total / lower[j, j]
    return lower


@compiled
def _substitute(lower, cross):
    """Solve for (J, B): the factor times its transpose times that is `cross` (J, B)."""
    inputs, bands = cross.shape
    solution = np.zeros((inputs, bands))
    for b in range(bands):
        for i in range(inputs):
            total = cross[i, b]
            for k in range(i):
                total -= lower[i, k] * solution[k, b]
            solution[i, b] = total / lower[i, i]
        for i in range(inputs - 1, -1, -1):
            total = solution[i, b]
            for k in range(i + 1, inputs):
                total -= lower[k, i] * solution[k, b]
            solution[i, b] = total / lower[i, i]
    return solution


@compiled
def _residual(source, cross, target, solution):
    """Sums (B, B) of products of what a `solution` (J, B) leaves of the bands."""
    inputs, bands = cross.shape
    product = np.zeros((inputs, bands))
    for i in range(inputs):
        for k in range(inputs):
            for b in range(bands):
                product[i, b] += source[i, k] * solution[k, b]
    residual = np.zeros((bands, bands))
    for a in range(bands):
        for b in range(bands):
            total = target[a, b]
            for i in range(inputs):
                total -= solution[i, a] * cross[i, b] + solution[i, b] * cross[i, a]
                total += solution[i, a] * product[i, b]
            residual[a, b] = total
    return residual


@compiled
def _energies(sums, basis, samples, out):
    """Mean squares `out` (C,) of components, of sums (B, B) of products of bands."""
    bands = len(sums)
    for c in range(out.size):
        total = 0.0
        for a in range(bands):
            for b in range(bands):
                total += basis[a, c] * basis[b, c] * sums[a, b]
        out[c] = max(total, 0.0) / samples


@compiled
def _solve(source, cross, target, samples, basis, weights, left, there):
    """Weights (B, J) of the ridge regression, and the energies of components that it left and that
    were there.

    `source` (J, J), `cross` (J, B) and `target` (B, B) are sums over `samples` of products of
    bands in steps; `basis` is (B, C).
    """
    inputs, bands = cross.shape
    solution = _substitute(_factor(source), cross)
    for b in range(bands):
        for i in range(inputs):
            scaled = np.floor(solution[i, b] * WEIGHT_ONE + 0.5)
            weights[b, i] = min(max(scaled, -MAX_WEIGHT), MAX_WEIGHT)
    freedom = max(LEAST_FREEDOM, 1 - inputs / samples)
    _energies(_residual(source, cross, target, solution), basis, samples * freedom * freedom, left)
    _energies(target, basis, samples, there)


class BandRegression:
    """The regression of one date (of several chunks side by side) on earlier dates.

    Parameters
    ----------
    earlier
        (N, J, 256, P): bands of earlier dates one after the other, J = dates x bands, in eighths of
        a step of today, whole numbers; float32 holds them.
    bases
        (N, 4, B, C): today's bases in parts of `BASIS_ONE`, whole numbers in float64.
    channels
        For each group the component and frequency of its selected channels, (n, 2).
    live
        (N, channels of all groups): 1 where a selected channel is live, else 0; others are
        predicted to be zero.
    size
        Positions (h, w).
    """

    def __init__(
        self,
        earlier: Tensor,
        bases: Tensor,
        channels: list[Tensor],
        live: Tensor,
        size: tuple[int, int],
    ):
        self._earlier = earlier
        self._bases = bases
        self._channels = channels
        self._live = live.split([len(own) for own in channels], 1)
        self._size = size
        stride = -(-earlier.shape[-1] // MAX_SAMPLES)
        self._seen = slice(None, None, stride)
        self._samples = len(range(0, earlier.shape[-1], stride))
        self._symbols: dict[int, Tensor] = {}
        self._sums: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def add(self, group: int, symbols: Tensor) -> None:
        """Take in the symbols (N, h, w, n) of a group's selected channels."""
        self._symbols[group] = symbols

    def _sums_of(self, group: int) -> tuple[Tensor, Tensor, Tensor]:
        """Sums of products over a group: source (N, J, J), cross (N, J, B), target (N, B, B), in
        squared steps. They are made where a group above asks for them, which nobody does for the
        last one, and kept for the group above that."""
        if group not in self._sums:
            frequencies = torch.from_numpy(group_frequencies(group)).to(self._earlier.device)
            source = self._earlier.index_select(2, frequencies)[..., self._seen]
            source = source.double().flatten(2)
            target = self._today(group).flatten(2)
            unit = 1 / (FRACTION * FRACTION)
            self._sums[group] = (
                source @ source.transpose(1, 2) * unit,
                source @ target.transpose(1, 2) * unit,
                target @ target.transpose(1, 2) * unit,
            )
        return self._sums[group]

    def _today(self, group: int) -> Tensor:
        """Bands (N, B, F, P) of a group in eighths of a step, at the positions that a fit sees;
        zeros where nobody added it."""
        frequencies = torch.from_numpy(group_frequencies(group))
        n, _, _, positions = self._earlier.shape
        bands, components = self._bases.shape[2:]
        if group not in self._symbols:
            return self._bases.new_zeros(n, bands, len(frequencies), self._samples)
        symbols = self._symbols[group].flatten(1, 2).transpose(1, 2)  # (N, n, P)
        component, frequency = self._channels[group].unbind(1)
        place = torch.full((256,), -1)
        place[frequencies] = torch.arange(len(frequencies))
        place = place.to(frequency.device)[frequency]
        dense = self._bases.new_zeros(n, components, len(frequencies), positions)
        dense[:, component, place] = symbols.to(dense)
        return to_bands(dense[..., self._seen], self._bases[:, group_zone(group)])

    def predict(self, group: int) -> tuple[Tensor, Tensor]:
        """Prediction (N, h, w, n) of a group's selected channels in steps, and the fit (N, 12)."""
        below = [group - 1] if group < 3 else [group - 2, group - 1]
        parts = zip(*map(self._sums_of, below), strict=True)
        sums = [sum(part).cpu().numpy() for part in parts]
        samples = sum(len(group_frequencies(other)) for other in below) * self._samples
        basis = self._bases[:, group_zone(group)]
        weights, fit = _fits(*sums, samples, basis.cpu().numpy() / BASIS_ONE)
        component, frequency = self._channels[group].unbind(1)
        used, where = torch.unique(frequency, return_inverse=True)
        source = self._earlier.index_select(2, used).double().flatten(2)
        bands = (torch.from_numpy(weights).to(source) @ source).mul_(1 / WEIGHT_ONE).round_()
        components = to_components(bands.unflatten(2, (len(used), -1)), basis)
        predicted = components[:, component, where] * self._live[group][..., None]  # (N, n, P)
        return predicted.transpose(1, 2).unflatten(1, self._size), torch.from_numpy(fit).to(source)


def _fits(
    source: np.ndarray, cross: np.ndarray, target: np.ndarray, samples: int, basis: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (N, B, J) and fits (N, 12) of each chunk."""
    n, inputs, bands = cross.shape
    components = min(basis.shape[2], COMPONENTS)
    weights = np.zeros((n, bands, inputs))
    fit = np.zeros((n, COMPONENTS))
    for i in range(n):
        left = np.zeros(components)
        there = np.zeros(components)
        _solve(source[i], cross[i], target[i], samples, basis[i], weights[i], left, there)
        ratio = (left + NOISE) / (there + NOISE)
        fit[i, :components] = np.minimum(np.log(ratio), 1.0)
    return weights, fit


def group_channels(channels: Tensor, counts: tuple[int, ...]) -> list[Tensor]:
    """Component and frequency (n, 2) of the selected `channels` (component * 256 + frequency),
    group by group."""
    pairs = torch.stack([channels // 256, channels % 256], 1)
    return list(pairs.split(list(counts)))
