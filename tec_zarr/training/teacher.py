"""What stands in the coder's place in training: it tells the symbols, and counts their bits."""

from __future__ import annotations

import torch
from torch import Tensor

from tec_zarr.prior.channels import GROUP_SIZES
from tec_zarr.prior.rounding import BITS_PER_SQUARED_STEP, FIRST_DEAD_ZONE
from tec_zarr.training.dates import Batch
from tec_zarr.training.likelihood import bits


class Teacher:
    """A coder of the network's walk.

    What is not sent counts as if it were, so that its means come to be right.
    What is known of it later is its rounded mean.

    Parameters
    ----------
    weighs
        Whether symbols are rounded by rate and distortion under what the network says, as the codec
        rounds; else they are those of the batch.

    Attributes
    ----------
    bits
        For each step of the walk the bits (N,) of each date.
    shown
        (N, P, n): what is reconstructed from before the correction.
        Symbols, and the means of what is not sent.
    """

    def __init__(self, batch: Batch, weighs: bool):
        self._batch = batch
        self._weighs = weighs
        selection = batch.given.selection
        self._slices = selection.slices()
        live = batch.given.live.split(GROUP_SIZES, 1)
        self._live = []
        for part, local in zip(live, selection.local, strict=True):
            self._live.append(part if local is None else part[:, local])
        self.bits: list[Tensor] = []
        self.shown = batch.symbols.clone()

    def code(self, group: int, positions: Tensor | None, means: Tensor, scales: Tensor) -> Tensor:
        """See `tec_zarr.prior.network.Coder`."""
        own = self._slices[group]
        every = torch.arange(self.shown.shape[1])
        at = every if positions is None else positions
        truth = self._batch.symbols[:, at, own]
        live = self._live[group][:, None]
        with torch.autocast("cpu", enabled=False):
            if self._weighs:
                coefficients = self._batch.coefficients[:, at, own]
                truth = choose_cheaper(coefficients, means.float(), scales.float()) * live
            each = bits(truth, means.float(), scales.float()) * live
        self.bits.append(each.sum((1, 2)))
        sent = self._batch.sent[:, group, None, None]
        expected = means.float() * live
        shown = self.shown.clone()
        shown[:, at, own] = torch.where(sent, truth, expected)
        self.shown = shown
        return torch.where(sent, truth, torch.round(expected.detach()))

    def squared_error(self, correction: Tensor) -> Tensor:
        """Squared error (N,), in squared steps, of what is sent, after `correction` (N, h, w,
        n)."""
        parts = []
        for group, live in enumerate(self._live):
            parts.append(live * self._batch.sent[:, group, None])
        kept = torch.cat(parts, 1)[:, None]
        error = self._batch.coefficients - self.shown - correction.float().flatten(1, 2)
        return (error**2 * kept).sum((1, 2))


@torch.no_grad()
def choose_cheaper(coefficients: Tensor, means: Tensor, scales: Tensor) -> Tensor:
    """What `tec_zarr.prior.rounding.cheaper` decides, on tensors."""
    magnitude = torch.floor(coefficients.abs() + (0.5 - FIRST_DEAD_ZONE))
    upper = torch.copysign(magnitude, coefficients) + 0.0
    lower = upper - torch.sign(upper)
    costs = []
    for symbols in (upper, lower):
        error = (coefficients - symbols) ** 2
        costs.append(bits(symbols, means, scales) + BITS_PER_SQUARED_STEP * error)
    return torch.where(costs[1] < costs[0], lower, upper)
