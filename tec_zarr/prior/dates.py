"""What the prior is given of a date: its side information in numbers, and earlier dates in its
own bases."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

from tec_zarr.prior.channels import CHANNELS, COMPONENTS, GROUP_SIZES, GROUPS
from tec_zarr.prior.given import Given, Selection
from tec_zarr.prior.layers import MAX_CONTEXT
from tec_zarr.prior.regression import (
    MAX_INPUTS,
    BandRegression,
    group_channels,
    limit_bands,
    to_bands,
    to_components,
)
from tec_zarr.transform.frequencies import FREQUENCIES, ZONE, ZONES
from tec_zarr.transform.side import DEAD, Side
from tec_zarr.transform.spread import known_spread, network_channels

COARSE_STEP = 4000.0
FINE_STEP = 60.0
"""Steps in DN between which the condition of the network goes from -1.5 to 1.5; it goes on
beyond them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """A date that later ones may look at.

    bands
        float32 (B, 256, P): its symbols turned back into bands, in eighths of its step, whole
        numbers.
    live
        bool (2048,): channels of the network that have symbols.
    size
        Positions (h, w).
    """

    bands: Tensor
    step: float
    live: np.ndarray
    size: tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class DateInputs:
    """One date before its symbols are known.

    size
        Positions (h, w).
    context
        Earlier dates, nearest first; at most `context_dates` of them are looked at.
    groups
        Groups that are sent; those after them are predicted.
    """

    side: Side
    size: tuple[int, int]
    context: tuple[Seen, ...]
    groups: int = GROUPS

    def live(self) -> np.ndarray:
        """Channels of the network, bool (2048,), that are sent or predicted.

        What is not sent is predicted where the nearest earlier date has symbols.
        """
        own = channel_map(self.side.live)
        start = sum(GROUP_SIZES[: self.groups])
        own[start:] = self.context[0].live[start:] if self.context else False
        return own


def context_dates(bands: int) -> int:
    """How many earlier dates a date of so many bands is predicted from at most."""
    return min(MAX_CONTEXT, max(1, MAX_INPUTS // bands))


def channel_map(live: np.ndarray) -> np.ndarray:
    """Of a map of channels, bool (C, 256), those that the network knows, bool (2048,)."""
    channels = network_channels()
    component = channels // FREQUENCIES
    known = component < len(live)
    out = np.zeros(CHANNELS, bool)
    out[known] = live[component[known], channels[known] % FREQUENCIES]
    return out


def integer_bases(side: Side) -> Tensor:
    """The bases of a date (4, B, C) in parts of `BASIS_ONE`, whole numbers in float64."""
    return torch.from_numpy(side.context_bases.astype(np.float64))


def see(symbols: Tensor, date: DateInputs) -> Seen:
    """A date whose symbols (C, 256, P), whole numbers in float64, are known."""
    bases = integer_bases(date.side).to(symbols)
    bands = symbols.new_zeros(bases.shape[1], *symbols.shape[1:], dtype=torch.float32)
    live = date.live()
    used = date.side.live.any(0)
    # Channels that are predicted and not sent are not among those of the side information.
    used[network_channels()[live] % FREQUENCIES] = True
    for zone, frequencies in enumerate(ZONES):
        chosen = torch.from_numpy(frequencies[used[frequencies]]).to(symbols.device)
        if len(chosen):
            turned = to_bands(symbols[None, :, chosen], bases[zone][None])[0]
            bands[:, chosen] = limit_bands(turned, chosen).float()
    return Seen(bands, date.side.step, live, date.size)


def _earlier_bands(dates: list[DateInputs], device: torch.device) -> Tensor:
    """Bands of earlier dates, float32 (N, K, B, 256, P), in eighths of each date's step."""
    out = []
    every = torch.arange(FREQUENCIES, device=device)
    for date in dates:
        for seen in date.context:
            # Whole numbers: they are the same on every device.
            bands = seen.bands.to(device)
            if seen.step != date.side.step:
                ratio = seen.step / date.side.step
                bands = limit_bands(bands.double() * ratio, every).float()
            out.append(bands)
    return torch.stack(out).unflatten(0, (len(dates), -1))


def _past(earlier: Tensor, bases: Tensor, channels: Tensor) -> Tensor:
    """Earlier dates (N, K, B, 256, P) in today's bases: `channels` (n,) of them in steps, float64
    (N, K, P, n)."""
    n, dates = earlier.shape[:2]
    positions = earlier.shape[-1]
    component = channels // FREQUENCIES
    frequency = channels % FREQUENCIES
    zones = torch.from_numpy(ZONE).to(channels.device)[frequency]
    out = earlier.new_empty(n, dates, positions, len(channels), dtype=torch.float64)
    for zone in range(len(ZONES)):
        chosen = (zones == zone).nonzero()[:, 0]
        if not len(chosen):
            continue
        used, where = torch.unique(frequency[chosen], return_inverse=True)
        source = earlier[:, :, :, used].double().transpose(1, 2).flatten(2, 3)  # (N, B, K F, P)
        turned = to_components(source, bases[:, zone]).unflatten(2, (dates, len(used)))
        picked = turned[:, component[chosen], :, where]  # (n', N, K, P)
        out[..., chosen] = picked.permute(1, 2, 3, 0)
    return out


def _condition(date: DateInputs) -> np.ndarray:
    """The condition (50,) of a date."""
    energies = np.full((len(ZONES), COMPONENTS), DEAD, np.float64)
    known = min(COMPONENTS, date.side.energies.shape[1])
    energies[:, :known] = date.side.energies[:, :known]
    log_rms = energies.ravel() * (math.log(2) / 8)
    position = math.log(COARSE_STEP / date.side.step) / math.log(COARSE_STEP / FINE_STEP)
    return np.concatenate([log_rms, [(position - 0.5) * 3, float(bool(date.context))]])


def _unit(date: DateInputs, channels: np.ndarray) -> np.ndarray:
    """Rms expected (n,) of a symbol of each channel."""
    component = channels // FREQUENCIES
    frequency = channels % FREQUENCIES
    known = np.minimum(component, date.side.energies.shape[1] - 1)
    energies = np.where(component == known, date.side.energies[ZONE[frequency], known], DEAD)
    return np.exp2((2 * energies + known_spread()[component, frequency]) / 8)


def prepare(
    dates: list[DateInputs], device: torch.device
) -> tuple[Given, BandRegression | None, np.ndarray]:
    """What the network is given of like-sized dates with as many earlier ones each, and the
    selected channels (n,).

    Channels are selected that are live in any of the dates.
    """
    live = np.stack([date.live() for date in dates])
    selection = Selection.of(torch.from_numpy(live.any(0)))
    channels = network_channels()[live.any(0)]
    unit = np.stack([_unit(date, channels) for date in dates])
    condition = np.stack([_condition(date) for date in dates])
    size = dates[0].size
    depth = len(dates[0].context)
    chosen = torch.from_numpy(channels).to(device)
    regression = None
    past = torch.empty(len(dates), 0, *size, len(channels), dtype=torch.float64, device=device)
    if depth:
        bases = torch.stack([integer_bases(date.side) for date in dates]).to(device)
        earlier = _earlier_bands(dates, device)
        own = torch.from_numpy(live[:, live.any(0)]).to(device)
        past = _past(earlier, bases, chosen) * own[:, None, None]
        past = past.unflatten(2, size)
        per_group = group_channels(chosen, selection.counts)
        regression = BandRegression(earlier.flatten(1, 2), bases, per_group, own, size)
    given = Given(
        condition=torch.from_numpy(condition).to(device),
        live=torch.from_numpy(live).to(device, torch.float64),
        unit=torch.from_numpy(unit).to(device),
        past=past,
        past_valid=torch.ones(len(dates), depth, dtype=torch.float64, device=device),
        component=chosen // FREQUENCIES,
        selection=selection,
        size=size,
    )
    return given, regression, channels
