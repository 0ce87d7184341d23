"""Series to dates as the prior is given them when it codes, with the symbols to predict."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from tec_zarr.prior.channels import GROUPS, group_of_frequency
from tec_zarr.prior.dates import DateInputs, Seen, context_dates, prepare, see
from tec_zarr.prior.given import Given
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.regression import BandRegression
from tec_zarr.prior.rounding import cheaper, quantize
from tec_zarr.prior.static import expected_rms
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.frequencies import FREQUENCIES
from tec_zarr.transform.side import Side


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingDate:
    """A date: its inputs, and its coefficients in steps and symbols, both float32 (C, 256, P)."""

    inputs: DateInputs
    coefficients: np.ndarray
    symbols: np.ndarray


def make_dates(
    dn: np.ndarray,
    step: float,
    dead_zone: float | None,
    last_groups: int = GROUPS,
) -> list[TrainingDate]:
    """The dates of a series `dn` float32 (T, B, y, x) at a step in DN, rounded with a dead zone, or
    where that is None by rate and distortion under static scales.

    Of the last date `last_groups` groups are sent.
    """
    out = []
    seen: list[Seen] = []
    before = None
    for time, frame in enumerate(dn):
        groups = last_groups if time == len(dn) - 1 else GROUPS
        spectrum = Spectrum.of(frame)
        side, coefficients = spectrum.at(step, before)
        flat = coefficients.reshape(*coefficients.shape[:2], -1)
        sent = group_of_frequency() < groups
        live = live_channels(flat, expected_rms(side), effort=1) & sent
        side = side.with_live(live)
        like = [date for date in seen if date.size == spectrum.frame.positions]
        context = tuple(like[: context_dates(side.bands)])
        inputs = DateInputs(side, spectrum.frame.positions, context, groups)
        # What is not sent has its symbols all the same: the network learns to predict them.
        symbols = _rounded(flat, side, dead_zone) * (live | ~sent)[..., None]
        out.append(TrainingDate(inputs, flat, symbols))
        seen.insert(0, see(torch.from_numpy(symbols * live[..., None]).double(), inputs))
        before = side
    return out


def _rounded(coefficients: np.ndarray, side: Side, dead_zone: float | None) -> np.ndarray:
    """Symbols, float32 (C, 256, P)."""
    if dead_zone is not None:
        return quantize(coefficients, dead_zone)
    scales = np.broadcast_to(expected_rms(side)[..., None], coefficients.shape)
    weighed = cheaper(coefficients, np.zeros(coefficients.shape), scales)
    return weighed.astype(np.float32)


class FrozenRegression:
    """The regression over dates as training sees it: in float32, and without gradients."""

    def __init__(self, inner: BandRegression):
        self._inner = inner

    @torch.no_grad()
    def predict(self, group: int) -> tuple[Tensor, Tensor]:
        """See `tec_zarr.prior.network.Regression`."""
        with torch.autocast("cpu", enabled=False):
            predicted, fit = self._inner.predict(group)
        return predicted.float(), fit.float()

    @torch.no_grad()
    def add(self, group: int, symbols: Tensor) -> None:
        """See `tec_zarr.prior.network.Regression`."""
        with torch.autocast("cpu", enabled=False):
            self._inner.add(group, symbols.double())


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Like-sized dates with as many earlier ones each.

    numbers
        Where they stand among the dates that they were taken from.
    symbols, coefficients
        float32 (N, P, n) of the selected channels, in steps.
    sent
        bool (N, groups).
    """

    numbers: list[int]
    given: Given
    regression: FrozenRegression | None
    symbols: Tensor
    coefficients: Tensor
    sent: Tensor


def batches(dates: list[TrainingDate]) -> list[Batch]:
    """The dates in batches, those without any channel left out."""
    alike = defaultdict(list)
    for number, date in enumerate(dates):
        inputs = date.inputs
        alike[len(inputs.context), inputs.size, inputs.side.bands].append(number)
    out = []
    for numbers in alike.values():
        batch = _batch(numbers, [dates[number] for number in numbers])
        if batch.symbols.shape[2]:
            out.append(batch)
    return out


def _batch(numbers: list[int], dates: list[TrainingDate]) -> Batch:
    given, regression, channels = prepare([date.inputs for date in dates], torch.device("cpu"))
    component = channels // FREQUENCIES
    frequency = channels % FREQUENCIES
    symbols = [date.symbols[component, frequency].T for date in dates]  # (P, n) each
    coefficients = [date.coefficients[component, frequency].T for date in dates]
    floats = {}
    for name in ("condition", "live", "unit", "past", "past_valid"):
        floats[name] = getattr(given, name).float()
    return Batch(
        numbers=numbers,
        given=dataclasses.replace(given, **floats),
        regression=None if regression is None else FrozenRegression(regression),
        symbols=torch.from_numpy(np.stack(symbols)).float(),
        coefficients=torch.from_numpy(np.stack(coefficients)).float(),
        sent=torch.arange(GROUPS) < torch.tensor([[date.inputs.groups] for date in dates]),
    )
