"""How far one cube is from another, in the terms that users of imagery have."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.codec.metrics import PEAK_DN, psnr_of_rmse
from tec_zarr.cubes.align import aligned
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.empty import check_not_empty
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import AUTO, check_offsets, units_of
from tec_zarr.errors import InvalidInputError

WINDOW = 7
"""Side of the windows of SSIM, in pixels."""

OTHER_UNITS = 50
"""No decoded cube is so many times as large as the original; percent are 100 times reflectance."""


def compare_cubes(
    original: xr.Dataset | xr.DataArray,
    decoded: xr.Dataset | xr.DataArray,
    *,
    bands: Iterable[str] | None = None,
    scale: float | None = None,
    offset_dn: int | None = None,
    nodata: Any = AUTO,
) -> xr.Dataset:
    """Errors of `decoded` over the samples that are measurements in `original`. See
    `ds.tec.compare`.

    SSIM is that of Wang et al. (IEEE Trans. Image Processing 2004) with uniform windows of 7 x 7
    pixels that are wholly valid.
    """
    asked = list(bands) if isinstance(bands, Iterator) else bands
    cube = to_cube(original, asked)
    check_not_empty(cube)
    first = cube[NAME]
    other = to_cube(decoded, asked)
    second = aligned(other[NAME], first, first.dims, "the cubes")
    if offset_dn is None:
        check_offsets(cube, other)
    units = units_to_compare(cube, scale, offset_dn, nodata)
    scale = units.get("scale", 1.0)
    names = [str(name) for name in first["band"].values]
    a = first.values.astype(np.float64)
    b = second.values.astype(np.float64)
    measured = np.isfinite(a)
    if units["nodata"] is not None:
        # In the array's own dtype, which may not have the number that was told exactly.
        measured &= first.values != first.dtype.type(units["nodata"])
    valid = measured & np.isfinite(b)
    lost = int(measured.sum() - valid.sum())
    if lost:
        warnings.warn(
            f"{lost / measured.sum():.1%} of the samples are lost: they are measurements in the "
            "original and NaN or infinite in the other, and no error counts them",
            stacklevel=4,
        )
    _check_sizes(a[valid], b[valid])
    error = np.where(valid, a - b, np.nan)
    rmse = [_rms(error[:, i]) for i in range(len(names))]
    ssim = [_ssim(a[:, i], b[:, i], valid[:, i], PEAK_DN * scale) for i in range(len(names))]
    out = xr.Dataset(
        {
            "psnr": ("band", [psnr_of_rmse(value / scale) for value in rmse]),
            "rmse": ("band", rmse),
            "max_error": ("band", [_largest(error[:, i]) for i in range(len(names))]),
            "ssim": ("band", ssim),
            "psnr_all": psnr_of_rmse(_rms(error) / scale),
            "rmse_all": _rms(error),
            "lost": lost,
            "sam": _spectral_angle(a, b, valid),
            "error": (("y", "x"), _rms_map(error)),
        },
        {"band": names, **{d: first[d] for d in ("y", "x") if d in first.coords}},
    )
    if {"B04", "B08"} <= set(names):
        red = names.index("B04")
        infrared = names.index("B08")
        offset = units.get("offset_dn", 0)
        both = valid[:, red] & valid[:, infrared]
        before = _ndvi(a + offset, red, infrared)
        after = _ndvi(b + offset, red, infrared)
        out["ndvi_rmse"] = _rms((before - after)[both])
    if valid.any():
        place = np.unravel_index(np.nanargmax(np.abs(error)), error.shape)
        named = []
        for dim, index in zip(first.dims, place, strict=True):
            named.append(str(first[dim].values[index] if dim in first.coords else index))
        out["worst"] = ("dim", np.array(named, object))
        out = out.assign_coords(dim=list(first.dims))
    return out


def _check_sizes(a: np.ndarray, b: np.ndarray) -> None:
    """Raise InvalidInputError where values of the same samples are as far from each other as those
    in two units are."""
    with np.errstate(invalid="ignore"):
        one, other = (np.median(np.abs(values)) if values.size else 0.0 for values in (a, b))
    if min(one, other) > 0 and max(one, other) > OTHER_UNITS * min(one, other):
        raise InvalidInputError(
            f"the cubes are in other units: half of the values of the one are up to {one:.4g}, of "
            f"the other up to {other:.4g}. Bring both to one first, such as DN to reflectance with "
            "(dn + offset_dn) * 1e-4"
        )


def units_to_compare(
    cube: xr.Dataset, scale: float | None, offset_dn: int | None, nodata: Any
) -> dict[str, Any]:
    """As writing finds them; what nothing tells is 0 here."""
    with warnings.catch_warnings():
        # What writing warns of is no matter here.
        warnings.simplefilter("ignore")
        units = units_of(cube, offset_dn, scale, nodata)
    if isinstance(nodata, str) and units["nodata"] is None:
        units["nodata"] = 0
    return units


def _rms(error: np.ndarray) -> float:
    found = error[np.isfinite(error)]
    return float(np.sqrt(np.mean(found**2))) if found.size else float("nan")


def _largest(error: np.ndarray) -> float:
    found = error[np.isfinite(error)]
    return float(np.abs(found).max()) if found.size else float("nan")


def _rms_map(error: np.ndarray) -> np.ndarray:
    count = np.isfinite(error).sum((0, 1))
    total = np.nansum(error**2, (0, 1))
    return np.sqrt(np.where(count > 0, total, np.nan) / np.maximum(count, 1))


def _ndvi(cube: np.ndarray, red: int, infrared: int) -> np.ndarray:
    total = cube[:, infrared] + cube[:, red]
    return np.where(
        total == 0, np.nan, (cube[:, infrared] - cube[:, red]) / np.where(total == 0, 1, total)
    )


def _spectral_angle(a: np.ndarray, b: np.ndarray, valid: np.ndarray) -> float:
    whole = valid.all(1)
    one, other = (np.moveaxis(c, 1, -1)[whole] for c in (a, b))
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosine = (one * other).sum(-1)[lengths > 0] / lengths[lengths > 0]
    return (
        float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()) if cosine.size else float("nan")
    )


def _ssim(a: np.ndarray, b: np.ndarray, valid: np.ndarray, peak: float) -> float:
    """Mean over dates (time, y, x) and windows."""
    if min(a.shape[1:]) < WINDOW:
        return float("nan")
    a, b = (np.where(valid, c, 0) for c in (a, b))
    whole = _mean(valid.astype(np.float64)) > 1 - 0.5 / WINDOW**2
    mean_a = _mean(a)
    mean_b = _mean(b)
    var_a = _mean(a * a) - mean_a**2
    var_b = _mean(b * b) - mean_b**2
    covariance = _mean(a * b) - mean_a * mean_b
    c1 = (0.01 * peak) ** 2
    c2 = (0.03 * peak) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    likeness /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(likeness[whole].mean()) if whole.any() else float("nan")


def _mean(images: np.ndarray) -> np.ndarray:
    """Of every window that lies inside of images (time, y, x)."""
    for axis in (1, 2):
        images = np.lib.stride_tricks.sliding_window_view(images, WINDOW, axis).mean(-1)
    return images
