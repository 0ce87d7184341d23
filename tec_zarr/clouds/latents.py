"""Masked latents as the temporal prior predicts them: what is known of a date, weighed against what
the dates about it say.

filled frames -> g_a -> y                                 an observation of masked latents, as
                                                          uncertain as the filling is
prior over the dates, forward and reversed -> mu, sigma          two predictions of each of them
their mean by precision -> y', x_hat(y') - x_hat(y)             what is added to the filled pixels

So the prior changes masked pixels as far as it is surer than the filling, and no texture is lost
to the transforms. In TerraCodec (arXiv 2510.12670) masked latents become the prior's means: the
same, with a filling of which nothing is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tec_zarr.models.published.coding.temporal import distributions
from tec_zarr.models.published.patching import from_blocks, pad_to_blocks
from tec_zarr.runtime.loading import Loaded
from tec_zarr.runtime.network import analyze, synthesize

INFLATION = 6.0
"""How many times its variances the squared errors of the prior count as: it is sure too often,
and where its context was filled its errors go along with the filling's. Chosen on training
series."""

JUDGED = 4
"""Latents of a date, of each channel, below which nothing is read from them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Masked:
    """A series in order of time, to be refined.

    x
        Standardized frames with masked pixels filled, float32 (time, bands, y, x).
    fits
        For each date, what its filling says of every pixel, standardized (bands, y, x), or None.
    share
        Of masked pixels under each latent, (time, h, w).
    judged
        Latents (time, h, w), all of whose pixels are clear and have a fit: where the filling's
        errors can be seen.
    condition
        Float64 condition of the model.
    backward
        Whether later dates tell of earlier ones.
    """

    x: np.ndarray
    fits: Sequence[np.ndarray | None]
    share: np.ndarray
    judged: np.ndarray
    condition: Tensor
    backward: bool


@torch.inference_mode()
def refine(loaded: Loaded, masked: Masked) -> tuple[np.ndarray, np.ndarray]:
    """What the prior adds to the frames, float32 (time, bands, y, x), zero in dates without a
    masked latent; and how many times the filling's own expected squared error remains of each
    latent, (time, h, w), 1 where nothing is masked."""
    size = masked.x.shape[2:]
    condition = masked.condition.to(loaded.device)
    share = torch.from_numpy(masked.share)[:, None].double()
    hidden = share > 0
    observed = torch.cat([analyzed(loaded, frame, condition) for frame in masked.x])
    fitted = [None if fit is None else analyzed(loaded, fit, condition)[0] for fit in masked.fits]
    whole = _variance(masked, observed, fitted)
    variance = (whole * share).clamp(min=1e-9)
    gains = loaded.model.gains(condition[None].float()).double().cpu()[..., None, None]
    y = observed
    left = variance
    for _ in range(_iterations(hidden)):
        said = _said(loaded, y, condition, masked.backward)
        mean, spread = _combined([(observed, variance), *said])
        earned = _earned(masked, observed, fitted, whole, said, gains)
        y = torch.where(hidden, observed + earned * (mean - observed), observed)
        left = earned * spread + (1 - earned) * variance
    ratio = (left / gains**2).sum(1) / (variance / gains**2).sum(1)
    added = np.zeros_like(masked.x)
    for t in np.flatnonzero(hidden.flatten(1).any(1)):
        after, before = (synthesized(loaded, v[t][None], condition, size) for v in (y, observed))
        added[t] = after - before
    return added, torch.where(hidden[:, 0], ratio, 1.0).numpy()


def _iterations(hidden: Tensor) -> int:
    """Two where a masked latent has none but masked ones in the dates before it, so that its
    context is predicted first."""
    none = torch.zeros_like(hidden[:1])
    last = torch.cat([none, hidden[:-1]])
    last_but_one = torch.cat([none, hidden[:1], hidden[:-2]])[: len(hidden)]
    return 2 if (hidden & last & last_but_one).any() else 1


def _said(
    loaded: Loaded, y: Tensor, condition: Tensor, backward: bool
) -> list[tuple[Tensor, Tensor]]:
    """What the prior says of each latent of series `y`, (means, variances) of each direction;
    infinite of its first date."""
    said = []
    for dims in ((), (0,)) if backward else ((),):
        means, scales = (part.flip(dims) for part in predict(loaded, y.flip(dims), condition))
        spread = INFLATION * (2 if backward else 1) * scales**2
        spread[-1 if dims else 0] = torch.inf
        said.append((means, spread))
    return said


def _combined(observers: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Mean and variance of each latent, by precision, of what observers say, (means, variances)
    each.

    Where they contradict each other by more than they allow for, the variance grows by that
    (Birge, Physical Review, 1932).
    """
    total = sum(1 / spread for _, spread in observers)
    mean = sum(value / spread for value, spread in observers) / total
    excess = sum((value - mean) ** 2 / spread for value, spread in observers).mean(
        1, keepdim=True
    ) / (len(observers) - 1)
    return mean, excess.clamp(min=1) / total


def _earned(
    masked: Masked,
    observed: Tensor,
    fitted: Sequence[Tensor | None],
    whole: Tensor,
    said: Sequence[tuple[Tensor, Tensor]],
    gains: Tensor,
) -> Tensor:
    """The share (time, 1, 1, 1), 0 to 1, of the way from the filling to the combined mean that each
    date goes.

    What least squares give over its judged latents, whose truth is known: as far as the prior is
    right about this date. None where nothing can be judged of a fit; all of it where there is no
    fit to improve on.
    """
    shares = torch.ones(len(observed), 1, 1, 1, dtype=torch.float64)
    for t, (fit, judged) in enumerate(zip(fitted, torch.from_numpy(masked.judged), strict=True)):
        if fit is not None:
            mean, _ = _combined(
                [(fit[None], whole[t : t + 1]), *((m[t : t + 1], v[t : t + 1]) for m, v in said)]
            )
            step, error = (((v - fit) / gains[0])[:, judged] for v in (mean[0], observed[t]))
            usable = judged.sum() >= JUDGED and (step**2).sum() > 0
            shares[t] = ((error * step).sum() / (step**2).sum()).clamp(0, 1) if usable else 0
    return shares


def _variance(masked: Masked, observed: Tensor, fitted: Sequence[Tensor | None]) -> Tensor:
    """Mean squared errors (time, latents, 1, 1) of the filling's latents: of its fit over judged
    latents; without a fit, how far apart two dates about it are; without those, how far apart
    the latents of the date itself are."""
    found = []
    for t, (fit, judged) in enumerate(zip(fitted, torch.from_numpy(masked.judged), strict=True)):
        others = (s for s in range(len(observed) if masked.backward else t) if s != t)
        near = sorted(others, key=lambda s: abs(s - t))[:2]
        if fit is not None and judged.sum() >= JUDGED:
            error = (fit - observed[t])[:, judged]
        elif len(near) == 2:
            error = (observed[near[0]] - observed[near[1]]).flatten(1)
        else:
            error = observed[t].flatten(1) - observed[t].flatten(1).mean(1, keepdim=True)
        found.append((error**2).mean(1))
    return torch.stack(found)[..., None, None].clamp(min=1e-9)


def analyzed(loaded: Loaded, frame: np.ndarray, condition: Tensor) -> Tensor:
    """Latents (1, latents, h, w), float64 and not rounded, of a standardized frame (bands, y,
    x)."""
    return analyze(loaded, frame, condition.float()).cpu()


def synthesized(loaded: Loaded, y: Tensor, condition: Tensor, size: tuple[int, int]) -> np.ndarray:
    """The standardized frame (bands, y, x) of latents y (1, latents, h, w), without what the
    prior's features would add."""
    features = y.new_zeros(1, loaded.model.config.prior.width, *y.shape[-2:])
    both = (part.to(loaded.device) for part in (y, features))
    return synthesize(loaded, *both, condition[None].float(), size)[0]


def predict(loaded: Loaded, y: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """Means and scales, float64 (time, latents, h, w), that the prior has for the latents y of a
    series, each given the two dates before it and the tokens before it in its block."""
    height, width = y.shape[-2:]
    padded = pad_to_blocks(y.round())
    found = distributions(loaded.exact, padded[None].to(loaded.device), condition[None])
    arranged = (
        loaded.exact.prior.arrange(torch.from_numpy(part[0]).flatten(0, 1)) for part in found
    )
    means, scales = (
        from_blocks(part, *padded.shape[-2:])[..., :height, :width] for part in arranged
    )
    return means, scales
