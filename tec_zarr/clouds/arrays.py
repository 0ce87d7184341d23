"""An array without its clouds: filled from other dates, refined by the temporal prior, pasted under
the mask. Plain arrays.

array, cloudy -> DN, usable -> each date filled -> the prior's refinement -> the array's own
numbers, under the mask alone
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.ndimage import distance_transform_edt

from tec_zarr.clouds.latents import Masked, refine
from tec_zarr.clouds.regression import CLEAR, NODATA, UNFILLED, Filled, fill_date
from tec_zarr.codec import samples
from tec_zarr.codec.dn import from_dn, off_nodata
from tec_zarr.codec.gaps import fill
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.standardize import reconstructed_dn, standardized
from tec_zarr.errors import InvalidInputError
from tec_zarr.models import registry
from tec_zarr.models.published.coding.temporal import TemporalCoder
from tec_zarr.runtime import loading
from tec_zarr.runtime.service import service_of

QUALITY = 75.0
"""Quality, in the terms of the shipped weights for inpainting, that latents are looked at in."""


@dataclasses.dataclass(frozen=True, eq=False)
class Inpainted:
    """`array` as it was but under the mask; where each pixel came from (`origin`, see
    `codec.filling`, and `date`, an index or -1, both (time, y, x)); `error` float32 (time, y,
    x), the RMSE over bands to be expected in the array's own units, 0 where clear and NaN where
    there is nodata."""

    array: np.ndarray
    origin: np.ndarray
    date: np.ndarray
    error: np.ndarray


def inpaint_array(
    array: np.ndarray,
    cloudy: np.ndarray,
    days: np.ndarray,
    settings: Settings,
    mode: str = "bidirectional",
    feather: int = 0,
    device: str = "auto",
    model: str = registry.INPAINTING,
) -> Inpainted:
    """`array` (time, band, y, x) with the samples under `cloudy`, bool (time, y, x), replaced;
    `days` (time,) is the time of each.

    `settings` tell what the array's numbers are, and `model` names the weights that predict.

    What is not a measurement stays as it is and tells nothing. In mode "causal" a date is predicted
    from those before it, in mode "bidirectional" also from those after it. Within `feather` pixels
    of a cloud's edge the result goes over from a smooth continuation of what is clear.

    Raises InvalidInputError where the array does not fit the settings or the model, or this has
    no temporal prior.
    """
    loaded = temporal(model, device)
    gathered = _gather(array, settings, loaded)
    nodata = gathered.invalid.any(1)
    origin = np.where(nodata, np.uint8(NODATA), np.uint8(CLEAR))
    date = np.where(nodata, -1, np.arange(len(array))[:, None, None]).astype(np.int16)
    error = np.where(nodata, np.nan, 0).astype(np.float32)
    out = array.copy()
    wanted = cloudy & ~gathered.invalid.all(1)
    if wanted.any():
        order = _fillable(sorted(gathered.coded, key=lambda t: days[t]), ~cloudy & ~nodata, mode)
        for t in set(gathered.coded) - set(order):
            origin[t][wanted[t]], date[t][wanted[t]], error[t][wanted[t]] = UNFILLED, -1, np.nan
    if wanted.any() and order:
        frames = {t: gathered.filled[gathered.coded.index(t)] for t in order}
        filled = _fill(frames, (~cloudy & ~nodata)[order], days[order], mode)
        added, ratio = _refine(loaded, gathered, order, filled, wanted[order], mode)
        for i, t in enumerate(order):
            here = wanted[t]
            if here.any():
                dn = _feathered(filled[i].dn + added[i], ~here, feather)
                values = off_nodata(from_dn(dn, gathered.header), gathered.header)
                out[t] = np.where(here & ~gathered.invalid[t], values, array[t])
                origin[t][here] = filled[i].origin[here]
                date[t][here] = np.array([*order, -1], np.int16)[filled[i].date[here]]
                error[t][here] = (filled[i].error * np.sqrt(ratio[i]) * gathered.header.scale)[here]
    return Inpainted(out, origin, date, error)


def temporal(model: str, device: str) -> loading.Loaded:
    """The model called `model`; raises InvalidInputError where it cannot predict a date from
    others."""
    entry = registry.find(model)
    learned = entry.published is not None or entry.name == registry.INPAINTING
    loaded = loading.load(model, device) if learned else None
    if loaded is None or not isinstance(loaded.exact, TemporalCoder):
        raise InvalidInputError(
            f"inpainting needs {registry.INPAINTING} or a published TEC-TT or FlexTEC, which "
            f"predict a date from others; got model={model!r}"
        )
    return loaded


def band_indices(
    bands: tuple[str, ...] | None, count: int, loaded: loading.Loaded
) -> tuple[int, ...] | None:
    """Where the `count` bands of an array stand among those of a model; None where they are the
    model's own.

    Raises InvalidInputError where the model does not know them, or needs more.
    """
    known = loaded.model.config.transforms.bands
    named = known if bands is None else bands
    fits = len(named) == count and set(named) <= set(known)
    if not fits or (len(named) < len(known) and not loaded.model.config.conditions):
        some = "" if loaded.model.config.conditions == 0 else "some of "
        raise InvalidInputError(
            f"these weights predict {some}the bands {', '.join(known)}, named with bands= where "
            f"they are not all there in this order; got {count} bands, bands={bands}"
        )
    return None if named == known else tuple(known.index(band) for band in named)


def _gather(array: np.ndarray, settings: Settings, loaded: loading.Loaded) -> samples.Gathered:
    """What is known of an array, with a header that says where its bands stand among the
    model's."""
    gathered = samples.gather(array, settings)
    bands = band_indices(settings.bands, array.shape[1], loaded)
    header = dataclasses.replace(gathered.header, quality=QUALITY, bands=bands)
    return dataclasses.replace(gathered, header=header)


def _fillable(order: list[int], usable: np.ndarray, mode: str) -> list[int]:
    """Of dates in order of time those that anything is known of: from the first on of which
    something is clear, where a date is predicted from those before it, else all or none."""
    first = next((i for i, t in enumerate(order) if usable[t].any()), len(order))
    return order[first:] if mode == "causal" or first == len(order) else order


def _fill(
    frames: dict[int, np.ndarray], usable: np.ndarray, days: np.ndarray, mode: str
) -> list[Filled]:
    """Every date of `frames`, in order of time, without clouds and gaps."""
    dn = list(frames.values())
    return [
        fill_date(dn, usable, t, days, range(t if mode == "causal" else len(dn)))
        for t in range(len(dn))
    ]


def _refine(
    loaded: loading.Loaded,
    gathered: samples.Gathered,
    order: list[int],
    filled: list[Filled],
    wanted: np.ndarray,
    mode: str,
) -> tuple[np.ndarray, np.ndarray]:
    """What the prior adds to filled dates in DN (time, band, y, x), and what remains of their
    squared error (time, y, x)."""

    def as_model_sees(frames: list[np.ndarray]) -> np.ndarray:
        like = dataclasses.replace(gathered, coded=order[: len(frames)], filled=frames)
        return standardized(like, loaded.statistics)

    x = as_model_sees([f.dn for f in filled])
    known = [None if f.fit is None else np.isfinite(f.fit[0]) & (f.origin == CLEAR) for f in filled]
    fits = [
        None if k is None else as_model_sees([np.where(np.isfinite(f.fit), f.fit, f.dn)])[0]
        for f, k in zip(filled, known, strict=True)
    ]
    stride = loaded.stride
    size = wanted.shape[1:]
    judged = np.stack(
        [_shares(np.zeros(size, bool) if k is None else k, stride) == 1 for k in known]
    )
    share = np.stack([_shares(here, stride) for here in wanted])
    job = Masked(x, fits, share, judged, loaded.condition(gathered.header), mode != "causal")
    added, ratio = (
        service_of(loaded.device).submit(_refine_batch, id(loaded), (loaded, job), x.size).result()
    )
    dn = [
        reconstructed_dn(one + more, gathered.header, loaded.statistics)
        - reconstructed_dn(one, gathered.header, loaded.statistics)
        for one, more in zip(x, added, strict=True)
    ]
    pixels = ratio.repeat(stride, 1).repeat(stride, 2)
    return np.stack(dn), pixels[:, : size[0], : size[1]]


def _refine_batch(jobs: list[tuple[loading.Loaded, Masked]]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [refine(*job) for job in jobs]


def _shares(plane: np.ndarray, stride: int) -> np.ndarray:
    """Of True in each cell of `stride` pixels each way, the last ones cut at the border."""
    padded = np.pad(plane, [(0, -n % stride) for n in plane.shape], mode="edge").astype(np.float64)
    return padded.reshape(padded.shape[0] // stride, stride, -1, stride).mean((1, 3))


def _feathered(dn: np.ndarray, clear: np.ndarray, feather: int) -> np.ndarray:
    if not feather or clear.all() or not clear.any():
        return dn
    weight = np.clip(1 - distance_transform_edt(~clear) / (feather + 1), 0, 1).astype(np.float32)
    continued = np.stack([fill(band, clear, 0.0) for band in dn])
    return np.where(clear, dn, weight * continued + (1 - weight) * dn)
