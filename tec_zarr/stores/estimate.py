"""Size and error to expect of a cube, without writing it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import xarray as xr

from tec_zarr.errors import InvalidInputError
from tec_zarr.stores.options import Options, Plan, plan
from tec_zarr.stores.sampling import SAMPLE, ChunkSample, Estimate

PRECISION = 0.03
"""Relative standard error of bytes and RMSE from which on no more chunks are coded."""


def estimate_cube(
    data: xr.Dataset | xr.DataArray,
    options: Options,
    *,
    sample: int | None = SAMPLE,
    precision: float = PRECISION,
) -> Estimate:
    """What writing `data` would give. See `ds.tec.estimate`."""
    _check_sample(sample)
    return _estimate(plan(data, options), sample, precision)


def _check_sample(sample: int | None) -> None:
    is_number = isinstance(sample, int) and not isinstance(sample, bool)
    if sample is not None and not (is_number and sample >= 1):
        raise InvalidInputError(
            f"sample must be a number of chunks, 1 or more, or None for all; got {sample!r}"
        )


def _estimate(planned: Plan, sample: int | None, precision: float) -> Estimate:
    settings = planned.settings()
    chunks = ChunkSample(planned)
    found = chunks.expect(settings, sample, errors=True)
    while found.spread > precision:
        found = chunks.expect(settings, 2 * found.sampled, errors=True)
    return found


def rate_distortion(
    data: xr.Dataset | xr.DataArray,
    options: Options,
    qualities: Iterable[float],
    *,
    sample: int | None,
    ax: Any = None,
) -> xr.Dataset:
    """Bits a sample, ratio, PSNR and RMSE over quality. See `ds.tec.rd_curve`."""
    _check_sample(sample)
    planned = plan(data, options)
    try:
        listed = list(qualities)
    except TypeError:
        listed = []
    if not listed:
        raise InvalidInputError(
            f"qualities must be several numbers, 1 to 100, such as (10, 50, 90); got {qualities!r}"
        )
    found = []
    for quality in listed:
        found.append(_estimate(planned.at_quality(quality), sample, math.inf))
    columns = {}
    for name in ("bppb", "ratio", "psnr", "rmse"):
        columns[name] = ("quality", [getattr(estimate, name) for estimate in found])
    curve = xr.Dataset(columns, {"quality": listed})
    if ax is not None:
        ax.plot(curve["bppb"], curve["psnr"], marker="o")
        ax.set_xscale("log")
        ax.set_xlabel("bits a sample")
        ax.set_ylabel("PSNR (dB)")
    return curve
