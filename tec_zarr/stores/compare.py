"""How far one cube is from another, in the terms that users of imagery have."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tec_zarr.codec.metrics import PEAK_DN
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError

WINDOW = 7
"""Side of the windows of SSIM, in pixels."""


def compare_cubes(
    original: xr.Dataset | xr.DataArray,
    decoded: xr.Dataset | xr.DataArray,
    *,
    scale: float | None = None,
    offset_dn: int = 0,
    nodata: float | None = 0,
) -> xr.Dataset:
    """Errors of `decoded` over the samples that are finite and not `nodata` in `original`.

    A Dataset of psnr (dB, peak 10,000 DN), rmse, max_error (the cubes' units) and ssim a band,
    psnr_all and rmse_all over all bands, sam (mean spectral angle in degrees over pixels with all
    bands), ndvi_rmse (where B04 and B08 are there), worst (the place of the worst sample along each
    dim), and error (y, x): the RMSE of each pixel.

    `scale` is the value of one DN: 1 for integers, 1e-4 for floats, unless given; NDVI takes
    `offset_dn` into account. SSIM is that of Wang et al. (IEEE Trans. Image Processing 2004) with
    uniform windows of 7 x 7 pixels that are wholly valid.

    Raises InvalidInputError where shapes or bands differ.
    """
    first, second = (to_cube(data)[NAME] for data in (original, decoded))
    if first.shape != second.shape or list(first["band"].values) != list(second["band"].values):
        raise InvalidInputError(
            f"cubes of one shape and the same bands are wanted; got {first.sizes} and "
            f"{second.sizes}"
        )
    scale = (1e-4 if first.dtype.kind == "f" else 1.0) if scale is None else scale
    a, b = (c.values.astype(np.float64) for c in (first, second))
    valid = np.isfinite(a) & np.isfinite(b)
    if nodata is not None:
        valid &= a != nodata
    error = np.where(valid, a - b, np.nan)
    bands = [str(n) for n in first["band"].values]
    rmse = np.array([_rms(error[:, i]) for i in range(len(bands))])
    out = xr.Dataset(
        {
            "psnr": ("band", _psnr(rmse, scale)),
            "rmse": ("band", rmse),
            "max_error": ("band", [_largest(error[:, i]) for i in range(len(bands))]),
            "ssim": (
                "band",
                [_ssim(a[:, i], b[:, i], valid[:, i], PEAK_DN * scale) for i in range(len(bands))],
            ),
            "psnr_all": _psnr(np.array(_rms(error)), scale),
            "rmse_all": _rms(error),
            "sam": _spectral_angle(a, b, valid),
            "error": (("y", "x"), _rms_map(error)),
        },
        {"band": bands, **{d: first[d] for d in ("y", "x") if d in first.coords}},
    )
    if {"B04", "B08"} <= set(bands):
        red = bands.index("B04")
        infrared = bands.index("B08")
        offset = offset_dn if first.dtype.kind != "f" else 0
        both = valid[:, red] & valid[:, infrared]
        out["ndvi_rmse"] = _rms(
            (_ndvi(a + offset, red, infrared) - _ndvi(b + offset, red, infrared))[both]
        )
    if valid.any():
        place = np.unravel_index(np.nanargmax(np.abs(error)), error.shape)
        named = [
            first[d].values[i] if d in first.coords else i
            for d, i in zip(first.dims, place, strict=True)
        ]
        out["worst"] = ("dim", np.array([str(v) for v in named], object))
        out = out.assign_coords(dim=list(first.dims))
    return out


def _rms(error: np.ndarray) -> float:
    found = error[np.isfinite(error)]
    return float(np.sqrt(np.mean(found**2))) if found.size else float("nan")


def _largest(error: np.ndarray) -> float:
    found = error[np.isfinite(error)]
    return float(np.abs(found).max()) if found.size else float("nan")


def _psnr(rmse: np.ndarray, scale: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return 20 * np.log10(PEAK_DN * scale / rmse)


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
