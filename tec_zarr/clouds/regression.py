"""What a cloud hides, as far as other dates and the clear surroundings tell: regression across
dates. Plain arrays, no torch.

For each date, its clear pixels are fitted by those of the dates that tell most of it, and the
fit is applied under the cloud; what it leaves at the cloud's edge is continued into the cloud. A
pixel is predicted from all chosen dates that are clear in it. After Zhang et al., Gap-fill of
SLC-off Landsat ETM+ (Remote Sensing of Environment, 2007), with all bands of several dates and
their surroundings as regressors.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from tec_zarr.codec.gaps import fill

SOURCES = 3
"""Dates that a pixel is predicted from at a time."""

NEAREST = 16
"""Dates, the nearest in time, that are looked at for one."""

MIN_CLEAR = 400
"""Pixels clear in a date and its sources below which no fit is made."""

MAX_FITTED = 20_000
"""Pixels that a fit uses at most."""

SURROUNDINGS = 9
"""Side in pixels of the surroundings whose mean is a regressor."""

EDGE_SIGMAS = ((2.0, 1.0), (6.0, 0.1), (20.0, 0.003))
"""Widths in pixels, and weights, of the kernels that continue what a fit leaves at the edge of a
cloud."""

CLEAR = 0
FITTED = 1
INTERPOLATED = 2
CONTINUED = 3
UNFILLED = 4
NODATA = 255
"""Where a pixel came from: itself; a fit to other dates; between dates, unadjusted; its
surroundings alone; left as it was, as nothing is clear; never measured."""


@dataclasses.dataclass(frozen=True, eq=False)
class Filled:
    """A date without its clouds: `dn` (band, y, x), that of clear pixels as it was; `origin`
    uint8 (y, x) as above; `date` int16 (y, x), the date that tells most of each pixel, -1 for
    none; `error` (y, x), the RMSE in DN to be expected, 0 where clear; `fit` (band, y, x), what
    the fit says of pixels, clear ones too, NaN where it says nothing, or None."""

    dn: np.ndarray
    origin: np.ndarray
    date: np.ndarray
    error: np.ndarray
    fit: np.ndarray | None


def fill_date(
    dn: Sequence[np.ndarray], usable: np.ndarray, t: int, days: np.ndarray, sources: Sequence[int]
) -> Filled:
    """Date `t` of frames `dn` (band, y, x) each with all pixels outside of `usable` (time, y, x)
    replaced.

    `days` (time,) is the time of each date; `sources` are the dates that may be used. What is
    not `usable` is never read; some pixel of the date or its sources is.
    """
    gap = ~usable[t]
    out = np.where(gap, np.float32(0), dn[t])
    origin = np.where(gap, np.uint8(CONTINUED), np.uint8(CLEAR))
    date = np.where(gap, np.int16(-1), np.int16(t))
    error = np.zeros(gap.shape, np.float32)
    near = sorted((s for s in sources if s != t), key=lambda s: abs(days[s] - days[t]))
    todo = gap.copy()
    whole = None
    for pattern, fit in _fits(dn, usable, t, near[:NEAREST], gap):
        covered = usable[list(pattern)].all(0)
        here = todo & covered
        out[:, here], origin[here], date[here], error[here] = (
            fit.predicted[:, here],
            FITTED,
            pattern[0],
            fit.rmse,
        )
        todo &= ~here
        whole = np.where(covered, fit.bare, np.nan) if whole is None else whole
    if todo.any():
        between, nearest = interpolate(dn, usable, t, days, near)
        here = todo & (nearest >= 0)
        out[:, here], origin[here], date[here] = between[:, here], INTERPOLATED, nearest[here]
        if here.any():
            error[here] = _change(dn, usable, near)
        todo &= ~here
    if todo.any():
        out[:, todo] = np.stack([fill(band, ~todo, 0.0) for band in out])[:, todo]
        error[todo] = _spread(dn, usable, t)
    return Filled(out, origin, date, error, whole)


@dataclasses.dataclass(frozen=True, eq=False)
class _Fit:
    """What a fit says of every pixel, `bare`, and with what it leaves at the edges continued;
    its RMSE over clear pixels."""

    predicted: np.ndarray
    bare: np.ndarray
    rmse: float


def _fits(
    dn: Sequence[np.ndarray], usable: np.ndarray, t: int, candidates: Sequence[int], gap: np.ndarray
) -> Iterator[tuple[tuple[int, ...], _Fit]]:
    """Fits of date `t` to sets of dates, the best first, until every pixel of `gap` is covered
    or none is left."""
    ranked = _ranked(dn, usable, t, candidates)
    todo = gap.copy()
    while todo.any():
        chosen = [s for s in ranked if (usable[s] & todo).any()][:SOURCES]
        if not chosen:
            return
        regressors = {s: _regressors(dn[s], usable[s]) for s in chosen}
        sets = (c for k in range(len(chosen), 0, -1) for c in itertools.combinations(chosen, k))
        for pattern in sets:
            covered = usable[list(pattern)].all(0)
            if (covered & todo).any() and (
                fit := _fit(dn[t], usable[t], covered, [regressors[s] for s in pattern])
            ):
                yield pattern, fit
                todo &= ~covered
        ranked = [s for s in ranked if s not in chosen]


def _ranked(
    dn: Sequence[np.ndarray], usable: np.ndarray, t: int, candidates: Sequence[int]
) -> list[int]:
    """Candidates by how well their bands alone explain those of date `t`, on a sample of pixels;
    best first."""
    errors = {}
    for s in candidates:
        both = np.flatnonzero(usable[s] & usable[t])
        if len(both) >= MIN_CLEAR:
            chosen = both[:: -(-len(both) // 4000)]
            errors[s] = _solve(_at(dn[s], chosen), _at(dn[t], chosen))[1].mean()
    return sorted(errors, key=errors.__getitem__)


def _at(planes: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return planes.reshape(len(planes), -1)[:, pixels].astype(np.float64)


def _regressors(frame: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The bands, their means over usable surroundings, and products of their three main
    components."""
    share = uniform_filter(usable.astype(np.float32), SURROUNDINGS)
    known = np.where(usable, frame, 0)
    around = np.stack([uniform_filter(band, SURROUNDINGS) for band in known]) / np.maximum(
        share, 1e-6
    )
    centered = known - known.sum((1, 2), keepdims=True) / max(usable.sum(), 1)
    pixels = centered.reshape(len(frame), -1)[:, usable.ravel()]
    axes = np.linalg.eigh(pixels @ pixels.T)[1][:, :-4:-1]
    main = np.tensordot(axes.T, centered, 1) / 1000
    products = [main[i] * main[j] for i in range(len(main)) for j in range(i + 1)]
    return np.concatenate([known, around, np.stack(products)]).astype(np.float32)


def _fit(
    frame: np.ndarray, usable: np.ndarray, covered: np.ndarray, regressors: list[np.ndarray]
) -> _Fit | None:
    """`frame` everywhere from regressors (n, y, x) of sources; None where too few pixels are
    clear in all."""
    clear = usable & covered
    pixels = np.flatnonzero(clear)
    if len(pixels) < MIN_CLEAR:
        return None
    chosen = pixels[:: -(-len(pixels) // MAX_FITTED)]
    apply, squared = _solve(
        np.concatenate([_at(r, chosen) for r in regressors]), _at(frame, chosen)
    )
    everywhere = np.concatenate([r.reshape(len(r), -1) for r in regressors])
    bare = apply(everywhere).reshape(frame.shape)
    return _Fit(bare + _continued(frame - bare, clear), bare, float(np.sqrt(squared.mean())))


def _solve(x: np.ndarray, y: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Ridge regression of y (bands, n) on x (regressors, n): what applies it, within the ranges
    seen, and the mean squared error of each band."""
    mean = x.mean(1, keepdims=True)
    spread = x.std(1, keepdims=True) + 1e-6
    level = y.mean(1, keepdims=True)
    n = x.shape[1]
    z = (x - mean) / spread
    ridge = 1e-3 + 0.2 * len(z) / n
    weights = np.linalg.solve(z @ z.T / n + ridge * np.eye(len(z)), z @ (y - level).T / n)
    scaled = (weights / spread).T.astype(np.float32)
    shift = (level - scaled.astype(np.float64) @ mean).astype(np.float32)
    squared = ((y - level - weights.T @ z) ** 2).mean(1)
    seen, limits = (np.stack([v.min(1), v.max(1)])[..., None].astype(np.float32) for v in (x, y))
    return lambda regressors: np.clip(scaled @ np.clip(regressors, *seen) + shift, *limits), squared


def _continued(residual: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """What a fit leaves, continued from clear pixels and fading to zero far from them."""
    total = np.zeros_like(residual)
    weight = np.full(clear.shape, 1e-4, np.float32)
    known = np.where(clear, residual, 0)
    share = clear.astype(np.float32)
    for sigma, factor in EDGE_SIGMAS:
        total += factor * gaussian_filter(known, sigma, axes=(-2, -1), truncate=3)
        weight += factor * gaussian_filter(share, sigma, truncate=3)
    return total / weight


def interpolate(
    dn: Sequence[np.ndarray], usable: np.ndarray, t: int, days: np.ndarray, sources: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Date `t` linearly in time between the nearest usable dates before and after each pixel,
    the nearest where there is only one side; and the nearer of the two, -1 where there is none."""
    before, after = (np.full(usable.shape[1:], -1, np.int16) for _ in range(2))
    for s in sorted(sources, key=lambda s: days[s]):
        if days[s] < days[t]:
            before[usable[s]] = s
    for s in sorted(sources, key=lambda s: -days[s]):
        if days[s] >= days[t] and s != t:
            after[usable[s]] = s
    times = np.append(days, np.nan)
    since = days[t] - times[before]
    until = times[after] - days[t]
    share = np.where(
        before < 0, 1.0, np.where(after < 0, 0.0, since / np.maximum(since + until, 1e-9))
    )
    nearest = np.where((after >= 0) & ((before < 0) | (until < since)), after, before)
    out = np.zeros_like(dn[t])
    for s in {int(v) for v in np.unique([before, after])} - {-1}:
        weight = np.where(before == s, 1 - share, 0) + np.where(after == s, share, 0)
        out += np.where(weight > 0, dn[s], 0) * weight
    return out, nearest


def _change(dn: Sequence[np.ndarray], usable: np.ndarray, near: Sequence[int]) -> float:
    """The RMSE that interpolation in time is to be expected to have: how far the nearest dates
    are apart."""
    for one, other in itertools.combinations(near[:4], 2):
        both = usable[one] & usable[other]
        if both.sum() >= MIN_CLEAR:
            return float(np.sqrt(((dn[one] - dn[other])[:, both] ** 2).mean()))
    return _spread(dn, usable, near[0])


def _spread(dn: Sequence[np.ndarray], usable: np.ndarray, t: int) -> float:
    """Standard deviation of bands over the usable pixels of a date; NaN where there is none."""
    return float(np.sqrt(dn[t][:, usable[t]].var(1).mean())) if usable[t].any() else float("nan")
