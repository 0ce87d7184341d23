"""A cube in windows that fade into each other, each through the model."""

from __future__ import annotations

import dataclasses
import itertools
import warnings

import dask
import dask.array as da
import numpy as np
import xarray as xr

from tec_zarr.clouds import regression
from tec_zarr.clouds.spans import Span, spans_of, within
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import InpaintingWarning

ORIGINS = {
    "clear": regression.CLEAR, "fitted": regression.FITTED, "interpolated": regression.INTERPOLATED,
    "continued": regression.CONTINUED, "unfilled": regression.UNFILLED, "nodata": regression.NODATA,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    """What all windows of a cube share."""

    settings: Settings
    model: str
    days: np.ndarray
    dates: tuple[str, ...]
    mode: str
    feather: int
    device: str


def inpaint_windows(array: xr.DataArray, hidden: xr.DataArray, work: Work) -> list[da.Array]:
    """Values, origin, date and error of the whole cube, a block a window."""
    values, cloudy = (
        v if dask.is_dask_collection(v) else da.from_array(v, chunks=-1)
        for v in (array.data, hidden.data)
    )
    kinds = (array.dtype, np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.float32))
    rows, columns = (spans_of(array.sizes[d]) for d in ("y", "x"))
    made = {}
    for (i, y), (j, x) in itertools.product(enumerate(rows), enumerate(columns)):
        place = (slice(*y.read), slice(*x.read))
        made[i, j] = dask.delayed(_window, pure=False)(
            values[..., *place], cloudy[:, *place], y, x, work
        )
    blocks: list[list[list[da.Array]]] = [[[] for _ in rows] for _ in kinds]
    for (i, y), (j, x) in itertools.product(enumerate(rows), enumerate(columns)):
        beside = [
            (a, b)
            for a in (i - 1, i, i + 1)
            for b in (j - 1, j, j + 1)
            if (a, b) in made and (a, b) != (i, j)
        ]
        joined = dask.delayed(_joined, pure=False)(
            made[i, j],
            (y, x),
            [made[p] for p in beside],
            [(rows[a], columns[b]) for a, b in beside],
            work.settings,
        )
        size = (y.core[1] - y.core[0], x.core[1] - x.core[0])
        for k, (block, kind) in enumerate(zip(blocks, kinds, strict=True)):
            shape = (*array.shape[: 2 if k == 0 else 1], *size)
            block[i].append(da.from_delayed(joined[k], shape, kind))
    return [da.block(block) for block in blocks]


def _window(
    array: np.ndarray, cloudy: np.ndarray, y: Span, x: Span, work: Work
) -> tuple[np.ndarray, ...]:
    """Values, origin, date and error on the pixels that a window is kept on."""
    from tec_zarr.clouds.arrays import inpaint_array

    values = np.ascontiguousarray(array)
    options = (work.mode, work.feather, work.device, work.model)
    made = inpaint_array(values, cloudy, work.days, work.settings, *options)
    kept = within((y.kept, x.kept), (y.read, x.read))
    parts = tuple(
        np.ascontiguousarray(part[..., *kept])
        for part in (made.array, made.origin, made.date, made.error)
    )
    _warn(parts[1][..., *within((y.core, x.core), (y.kept, x.kept))], work.dates)
    return parts


def _joined(
    own: tuple[np.ndarray, ...],
    place: tuple[Span, Span],
    others: list[tuple[np.ndarray, ...]],
    places: list[tuple[Span, Span]],
    settings: Settings,
) -> tuple[np.ndarray, ...]:
    """A window on the pixels it is for, its predictions faded into those of the windows beside
    it."""
    core = [s.core for s in place]
    kept = [s.kept for s in place]
    values, origin, date, error = (
        np.ascontiguousarray(part[..., *within(core, kept)]) for part in own
    )
    total = np.zeros(values.shape)
    weights = np.zeros(origin.shape)
    for made, spans in ((own, place), *zip(others, places, strict=True)):
        there = within(core, [s.kept for s in spans])
        here = within([s.kept for s in spans], core)
        weight = np.multiply.outer(*(s.weights() for s in spans)) * (made[1] != regression.UNFILLED)
        total[..., *here] += (weight[:, None] * made[0])[..., *there]
        weights[..., *here] += weight[..., *there]
    faded = total / np.where(weights > 0, weights, 1)[:, None]
    faded = (np.rint(faded) if values.dtype.kind in "iu" else faded).astype(values.dtype)
    predicted = np.isin(origin, (regression.FITTED, regression.INTERPOLATED, regression.CONTINUED))[
        :, None
    ]
    keep = predicted & np.isfinite(faded)
    if settings.nodata is not None:
        keep &= faded != float(settings.nodata)
    return np.where(keep, faded, values), origin, date, error


def _warn(origin: np.ndarray, dates: tuple[str, ...]) -> None:
    """Say of which dates something was filled that no measurement supports."""
    said = {
        "interpolated": "too little of them is clear to adjust other dates to them",
        "unfilled": "nothing is clear of them nor of the dates that may be used, and they were "
        "left as they were",
        "continued": "some of their pixels are clear in no date that may be used, and were "
        "continued from around them",
    }
    for name, why in said.items():
        found = (origin == ORIGINS[name]).any((1, 2))
        if found.any():
            listed = ", ".join(d for d, bad in zip(dates, found, strict=True) if bad)
            warnings.warn(
                f"{listed}: {why}; see details=True for which pixels, and their error",
                InpaintingWarning,
                stacklevel=2,
            )
