"""Clouds out of cubes: masks as people have them, windows of a cube through the model, lazily where the cube is."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from tec_zarr.clouds import regression
from tec_zarr.codec.settings import Settings
from tec_zarr.cubes.cubes import DIM_ALIASES, NAME, described, from_cube, to_cube
from tec_zarr.errors import InpaintingWarning, InvalidInputError
from tec_zarr.models import registry

SCL_CLASSES = (0, 3, 8, 9, 10)
"""Classes of SCL that are masked: no data, cloud shadow, clouds of medium and high probability, thin cirrus."""

CORE = 256
"""Side in pixels, about, of the windows that a cube is worked on in."""

STEP = 64
"""Pixels of a token block: windows begin at multiples of it."""

MARGIN = 64
"""Pixels about a window that it is predicted with: fits and contexts see them."""

FADE = 32
"""Pixels on either side of where two windows meet over which the one goes over into the other."""

ORIGINS = {
    "clear": regression.CLEAR, "fitted": regression.FITTED, "interpolated": regression.INTERPOLATED,
    "continued": regression.CONTINUED, "unfilled": regression.UNFILLED, "nodata": regression.NODATA,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class _Work:
    """What all windows of a cube share."""

    settings: Settings
    model: str
    days: np.ndarray
    dates: tuple[str, ...]
    mode: str
    feather: int
    device: str


def inpaint_cube(
    data: xr.Dataset | xr.DataArray,
    mask: xr.DataArray | str = "SCL",
    *,
    classes: Sequence[int] = SCL_CLASSES,
    threshold: float | None = None,
    dilate: int = 0,
    mode: str = "bidirectional",
    feather: int = 0,
    details: bool = False,
    bands: Iterable[str] | None = None,
    offset_dn: int | None = None,
    scale: float | None = None,
    nodata: Any = "auto",
    model: str = registry.INPAINTING,
    device: str = "auto",
) -> Any:
    """`data`, any cube that `to_cube` takes, with what `mask` hides predicted from its other dates and from what is clear.

    Samples outside of the mask, and nodata, come back bit for bit; names, dims, coordinates, attributes and dtype stay. A
    cube of Dask arrays stays lazy, and is worked on in windows of about 256 pixels, with 64 about them.

    Parameters
    ----------
    mask
        (time, y, x), or a name among the variables of `data`: bool, True where it hides; integers, the `classes` of which
        hide (those of SCL: 3 shadow, 8, 9, 10 clouds, 0 no data); or, with `threshold`, numbers of which those above it
        hide.
    dilate
        Pixels, in all directions, that the mask grows by.
    mode
        "bidirectional": from dates before and after. "causal": from those before alone, as in TerraCodec (arXiv 2510.12670).
    feather
        Pixels from the edge of the mask inwards over which to go from what is clear to what is predicted.
    details
        Also return a Dataset (time, y, x): `origin` (0 clear, 1 fitted to other dates, 2 between dates and unadjusted, 3
        continued from around, 4 left as it was, 255 nodata), `date` (index of the date that tells most of a pixel, -1 for
        none) and `error` (RMSE over bands to be expected, in the cube's own units).
    bands, offset_dn, scale, nodata
        What attributes do not tell; see `to_cube` and `TerraCodec`.
    model, device
        Weights with a temporal prior, shipped or those of a published TEC-TT or FlexTEC, and where they run.

    Warns
    -----
    InpaintingWarning
        When values are computed: of dates with so little clear that they could not be adjusted to themselves, and of pixels
        that are clear in no date. They are filled plausibly, but hold nothing that was measured at that time. Dates of which
        nothing at all is known are left as they were.

    Raises
    ------
    InvalidInputError
        Where `data` holds no cube, the mask does not fit it, or an argument is not allowed.
    """
    from tec_zarr.clouds.arrays import band_indices, temporal

    cube = to_cube(data, bands)
    array = cube[NAME]
    _check(mode, feather, dilate)
    hidden = _dilated(_hidden(data, mask, array, classes, threshold), dilate)
    settings = Settings(**described(cube, offset_dn, scale, nodata))
    band_indices(settings.bands, array.sizes["band"], temporal(model, device))
    days, dates = _times(array)
    parts = _windows(array, hidden, _Work(settings, model, days, dates, mode, feather, device))
    if not dask.is_dask_collection(array.data):
        parts = dask.compute(*parts, scheduler="synchronous")
    values, *told = parts
    painted = cube.assign({NAME: array.copy(data=_as_chunked(values, array.data))})
    result = painted if data is cube else from_cube(painted)
    return (result, _details(array, told)) if details else result


def _check(mode: str, feather: int, dilate: int) -> None:
    if mode not in ("bidirectional", "causal"):
        raise InvalidInputError(f'mode must be "bidirectional" or "causal"; got {mode!r}')
    for name, value in (("feather", feather), ("dilate", dilate)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidInputError(f"{name} must be a number of pixels, 0 or more; got {value!r}")


def _hidden(
    data: xr.Dataset | xr.DataArray,
    mask: xr.DataArray | str,
    array: xr.DataArray,
    classes: Sequence[int],
    threshold: float | None,
) -> xr.DataArray:
    """The mask as bool (time, y, x), on the grid of `array`."""
    if isinstance(mask, str):
        there = data if isinstance(data, xr.Dataset) else xr.Dataset()
        if mask not in there:
            raise InvalidInputError(f"mask={mask!r} names no variable of the cube; it has {list(there)}. Give a DataArray")
        mask = there[mask]
    if not isinstance(mask, xr.DataArray):
        raise InvalidInputError(
            f"mask must be a DataArray (time, y, x) or the name of a variable; got {type(mask).__name__}"
        )
    mask = mask.rename({d: DIM_ALIASES[d] for d in mask.dims if d in DIM_ALIASES})
    mask = mask.squeeze("band", drop=True) if mask.sizes.get("band") == 1 else mask
    if array.sizes["time"] == 1 and "time" not in mask.dims:
        mask = mask.expand_dims("time")
    _check_grid(mask, array)
    mask = mask.transpose("time", "y", "x")
    if threshold is not None:
        return mask > threshold
    if mask.dtype.kind == "b":
        return mask
    if mask.dtype.kind in "iu":
        return mask.isin(list(classes))
    raise InvalidInputError(
        f"a mask of {mask.dtype} needs threshold=: what is above it is hidden. Bool masks and classes (integers) do not"
    )


def _check_grid(mask: xr.DataArray, array: xr.DataArray) -> None:
    sizes = {d: array.sizes[d] for d in ("time", "y", "x")}
    if dict(mask.sizes) != sizes:
        raise InvalidInputError(
            f"the mask has {dict(mask.sizes)}, the cube {sizes}: bring it to the cube's grid first, for example "
            'scl.interp_like(cube, method="nearest")'
        )
    for d in sizes:
        if d in mask.coords and d in array.coords and not np.array_equal(mask[d].values, array[d].values):
            raise InvalidInputError(f"mask and cube have other coordinates along {d}: align them first, as with xr.align")


def _dilated(hidden: xr.DataArray, pixels: int) -> xr.DataArray:
    """Grown by a disk."""
    if not pixels:
        return hidden

    def grow(planes: np.ndarray) -> np.ndarray:
        from scipy.ndimage import distance_transform_edt

        return np.stack([distance_transform_edt(~p) <= pixels if p.any() else p for p in planes])

    if dask.is_dask_collection(hidden.data):
        around = {1: pixels, 2: pixels}
        return hidden.copy(data=da.map_overlap(grow, hidden.data, depth=around, boundary=False, dtype=bool))
    return hidden.copy(data=grow(hidden.values))


def _times(array: xr.DataArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Days, and names for people, of the dates; without a coordinate of time they are a day apart."""
    if "time" in array.coords and np.issubdtype(array["time"].dtype, np.datetime64):
        times = array["time"].values
        return times.astype("datetime64[s]").astype(np.float64) / 86400, tuple(str(t)[:10] for t in times)
    return np.arange(array.sizes["time"], dtype=np.float64), tuple(f"date {t}" for t in range(array.sizes["time"]))


@dataclasses.dataclass(frozen=True)
class _Span:
    """Pixels of a window along an axis: those it is for, those it is kept on to fade into its neighbors, those it reads."""

    core: tuple[int, int]
    kept: tuple[int, int]
    read: tuple[int, int]

    @classmethod
    def make(cls, start: int, stop: int, size: int) -> _Span:
        kept, read = ((max(0, start - more), min(size, stop + more)) for more in (FADE, MARGIN))
        return cls((start, stop), kept, read)

    def weights(self) -> np.ndarray:
        """How much the window counts in each pixel that it is kept on; with its neighbors' that is 1."""
        at = np.arange(*self.kept) + 0.5
        rise = np.ones(len(at)) if self.kept[0] == self.core[0] else (at - self.core[0] + FADE) / (2 * FADE)
        fall = np.ones(len(at)) if self.kept[1] == self.core[1] else (self.core[1] + FADE - at) / (2 * FADE)
        return np.clip(rise, 0, 1) * np.clip(fall, 0, 1)


def _spans(size: int) -> list[_Span]:
    count = max(1, round(size / CORE))
    edges = [*(round(i * size / count / STEP) * STEP for i in range(count)), size]
    return [_Span.make(*edge, size) for edge in itertools.pairwise(edges)]


def _windows(array: xr.DataArray, hidden: xr.DataArray, work: _Work) -> list[da.Array]:
    """Values, origin, date and error of the whole cube, a block a window."""
    values, cloudy = (v if dask.is_dask_collection(v) else da.from_array(v, chunks=-1) for v in (array.data, hidden.data))
    kinds = (array.dtype, np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.float32))
    rows, columns = (_spans(array.sizes[d]) for d in ("y", "x"))
    made = {}
    for (i, y), (j, x) in itertools.product(enumerate(rows), enumerate(columns)):
        place = (slice(*y.read), slice(*x.read))
        made[i, j] = dask.delayed(_window, pure=False)(values[..., *place], cloudy[:, *place], y, x, work)
    blocks: list[list[list[da.Array]]] = [[[] for _ in rows] for _ in kinds]
    for (i, y), (j, x) in itertools.product(enumerate(rows), enumerate(columns)):
        beside = [(a, b) for a in (i - 1, i, i + 1) for b in (j - 1, j, j + 1) if (a, b) in made and (a, b) != (i, j)]
        joined = dask.delayed(_joined, pure=False)(
            made[i, j], (y, x), [made[p] for p in beside], [(rows[a], columns[b]) for a, b in beside], work.settings
        )
        size = (y.core[1] - y.core[0], x.core[1] - x.core[0])
        for k, (block, kind) in enumerate(zip(blocks, kinds, strict=True)):
            shape = (*array.shape[: 2 if k == 0 else 1], *size)
            block[i].append(da.from_delayed(joined[k], shape, kind))
    return [da.block(block) for block in blocks]


def _window(array: np.ndarray, cloudy: np.ndarray, y: _Span, x: _Span, work: _Work) -> tuple[np.ndarray, ...]:
    """Values, origin, date and error on the pixels that a window is kept on."""
    from tec_zarr.clouds.arrays import inpaint_array

    values = np.ascontiguousarray(array)
    options = (work.mode, work.feather, work.device, work.model)
    made = inpaint_array(values, cloudy, work.days, work.settings, *options)
    kept = _within((y.kept, x.kept), (y.read, x.read))
    parts = tuple(np.ascontiguousarray(part[..., *kept]) for part in (made.array, made.origin, made.date, made.error))
    _warn(parts[1][..., *_within((y.core, x.core), (y.kept, x.kept))], work.dates)
    return parts


def _within(parts: Iterable[tuple[int, int]], wholes: Iterable[tuple[int, int]]) -> tuple[slice, ...]:
    """Where spans of pixels lie in others, as far as they do."""
    both = zip(parts, wholes, strict=True)
    return tuple(slice(max(a - first, 0), max(min(b, last) - first, 0)) for (a, b), (first, last) in both)


def _joined(
    own: tuple[np.ndarray, ...],
    place: tuple[_Span, _Span],
    others: list[tuple[np.ndarray, ...]],
    places: list[tuple[_Span, _Span]],
    settings: Settings,
) -> tuple[np.ndarray, ...]:
    """A window on the pixels it is for, its predictions faded into those of the windows beside it."""
    core, kept = [s.core for s in place], [s.kept for s in place]
    values, origin, date, error = (np.ascontiguousarray(part[..., *_within(core, kept)]) for part in own)
    total, weights = np.zeros(values.shape), np.zeros(origin.shape)
    for made, spans in ((own, place), *zip(others, places, strict=True)):
        there, here = _within(core, [s.kept for s in spans]), _within([s.kept for s in spans], core)
        weight = np.multiply.outer(*(s.weights() for s in spans)) * (made[1] != regression.UNFILLED)
        total[..., *here] += (weight[:, None] * made[0])[..., *there]
        weights[..., *here] += weight[..., *there]
    faded = total / np.where(weights > 0, weights, 1)[:, None]
    faded = (np.rint(faded) if values.dtype.kind in "iu" else faded).astype(values.dtype)
    predicted = np.isin(origin, (regression.FITTED, regression.INTERPOLATED, regression.CONTINUED))[:, None]
    keep = predicted & np.isfinite(faded)
    if settings.nodata is not None:
        keep &= faded != float(settings.nodata)
    return np.where(keep, faded, values), origin, date, error


def _warn(origin: np.ndarray, dates: tuple[str, ...]) -> None:
    """Say of which dates something was filled that no measurement supports."""
    said = {
        "interpolated": "too little of them is clear to adjust other dates to them",
        "unfilled": "nothing is clear of them nor of the dates that may be used, and they were left as they were",
        "continued": "some of their pixels are clear in no date that may be used, and were continued from around them",
    }
    for name, why in said.items():
        found = (origin == ORIGINS[name]).any((1, 2))
        if found.any():
            listed = ", ".join(d for d, bad in zip(dates, found, strict=True) if bad)
            warnings.warn(
                f"{listed}: {why}; see details=True for which pixels, and their error", InpaintingWarning, stacklevel=2
            )


def _as_chunked(values: Any, like: Any) -> Any:
    return values.rechunk(like.chunks) if dask.is_dask_collection(like) else values


def _details(array: xr.DataArray, told: Sequence[Any]) -> xr.Dataset:
    dims = ("time", "y", "x")
    flags = {"flag_values": list(ORIGINS.values()), "flag_meanings": " ".join(ORIGINS)}
    attrs = (
        flags,
        {"long_name": "index of the date that tells most, -1 for none"},
        {"long_name": "expected RMSE over bands"},
    )
    named = zip(("origin", "date", "error"), told, attrs, strict=True)
    coords = {n: c for n, c in array.coords.items() if set(c.dims) <= set(dims)}
    return xr.Dataset({name: (dims, values, of) for name, values, of in named}, coords)
