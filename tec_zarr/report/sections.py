"""What a report says, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.report import charts, page, pictures
from tec_zarr.report.sample import Sample, evenly, ndvi

MAPS = 3
"""Dates that are drawn at most."""


def figures(sample: Sample, told: Mapping[str, Any] | None) -> str:
    """The few figures at the top."""
    found = sample.found
    shown = []
    if told is not None:
        shown.append((f"{told['ratio']:.1f} ×", f"smaller: {size(told['bytes'])} stored"))
        shown.append((f"{told['bppb']:.3f}", "bits a sample"))
    shown.append((_psnr(found["psnr_all"]), "PSNR (dB, peak 10,000 DN)"))
    shown.append((number(found["rmse_all"]), "RMSE, in the cube's units"))
    shown.append((number(found["max_error"].max()), "greatest error"))
    if "ndvi_rmse" in found:
        shown.append((number(found["ndvi_rmse"]), "RMSE of NDVI"))
    return page.stats(shown)


def maps(sample: Sample, pins: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Dates before and after, their errors, and a detail around the worst sample."""
    stretch = pictures.stretch_of(sample)
    errors = [pictures.error_of(sample, date) for date in range(len(sample.before))]
    known = np.concatenate([error[np.isfinite(error)] for error in errors])
    top = float(np.percentile(known, 99.5)) if known.size else 1.0
    top = top or 1.0
    height, width = errors[0].shape
    yield page.heading(
        "Before and after",
        "The error of a pixel is the RMSE over its bands. All dates share one scale of colors and "
        "one of errors.",
    )
    yield page.color_scale(pictures.gradient(), "no error", f"{number(top)} and more")
    places = [((row + 0.5) / height, (column + 0.5) / width) for row, column in pins]
    for date in evenly(len(errors), MAPS):
        label = date_of(sample.before, date)
        before = sample.units.of(sample.before.values[date])
        before = np.where(sample.valid[date], before, np.nan)
        after = np.where(
            sample.valid[date], sample.units.of(sample.after.values[date]), np.nan
        )  # fmt: skip
        rmse = float(np.sqrt(np.nanmean(errors[date] ** 2))) if known.size else float("nan")
        yield page.maps([
            page.picture(pictures.png(stretch.image(before)), f"{label}, before", places),
            page.picture(pictures.png(stretch.image(after)), f"{label}, after"),
            page.picture(
                pictures.png(pictures.error_image(errors[date], top)),
                f"error: RMSE {number(rmse)}",
            ),
        ])  # fmt: skip
    yield from _detail(sample, stretch, top)


def _detail(sample: Sample, stretch: pictures.Stretch, top: float) -> Iterator[str]:
    """Pixels around the worst sample."""
    error = np.abs(sample.after.values.astype(np.float64) - sample.before.values)
    error = np.where(sample.valid & np.isfinite(error), error, -1)
    date, band, row, column = np.unravel_index(error.argmax(), error.shape)
    worst = error[date, band, row, column]
    if worst <= 0:
        return
    height, width = error.shape[2:]
    window = (slice(None), pictures.around(row, height), pictures.around(column, width))
    valid = sample.valid[date][window]
    images = []
    for cube in (sample.before, sample.after):
        values = np.where(valid, sample.units.of(cube.values[date][window]), np.nan)
        images.append(pictures.png(stretch.image(values)))
    errors = pictures.error_image(pictures.error_of(sample, int(date))[window[1:]], top)
    label = date_of(sample.before, int(date))
    yield page.heading(
        "Where it is worst",
        f"The greatest error is {number(worst)}, in {sample.bands[band]} on {label}. Here are "
        f"{len(valid[0])} × {len(valid[0][0])} pixels around it.",
    )
    yield page.maps([
        page.picture(images[0], "before"),
        page.picture(images[1], "after"),
        page.picture(pictures.png(errors), "error"),
    ])  # fmt: skip


def bands(sample: Sample) -> Iterator[str]:
    """The table by band."""
    found = sample.found
    yield page.heading("By band", "Over all samples that are measurements.")
    rows = []
    for band in found["band"].values:
        one = found.sel(band=band)
        rows.append(
            (
                str(band),
                _psnr(one["psnr"]),
                number(one["rmse"]),
                number(one["max_error"]),
                _ssim(one["ssim"]),
            )
        )
    rows.append(
        (
            "all",
            _psnr(found["psnr_all"]),
            number(found["rmse_all"]),
            number(found["max_error"].max()),
            _ssim(found["ssim"].mean()),
        )
    )
    yield page.table(("band", "PSNR (dB)", "RMSE", "max error", "SSIM"), rows, has_sum=True)
    if int(found["lost"]):
        yield page.note(f"{int(found['lost']):,} samples are lost: NaN or infinite after.")


def pixels(
    sample: Sample,
    picked: Sequence[tuple[int, int]],
    before: xr.DataArray,
    after: xr.DataArray,
) -> Iterator[str]:
    """Spectra and series of pixels (pixel, time, band)."""
    is_green = ndvi(np.zeros((1, len(sample.bands))), sample.bands) is not None
    name = "NDVI" if is_green else sample.bands[-1]
    yield page.heading(
        "Pixels",
        f"Spectra of one date and series of {name}, at the numbers on the maps: from the least "
        "green to the greenest, where nothing else was asked for.",
    )
    yield page.legend()
    unit = "reflectance" if sample.units.is_reflectance else "value"
    for pixel, (row, column) in enumerate(picked):
        one = _measured(sample, before, pixel)
        two = np.where(np.isfinite(one), sample.units.of(after.values[pixel]), np.nan)
        clear = np.isfinite(one).all(1)
        if not clear.any():
            continue
        date = _typical(one, clear)
        lines = [ndvi(values, sample.bands) if is_green else values[:, -1] for values in (one, two)]
        label = f"Pixel {pixel + 1}: row {row}, column {column}; spectrum of "
        yield page.charts(
            label + date_of(before, date),
            [
                charts.spectrum(sample.bands, one[date], two[date], unit),
                charts.series(_times(before), lines[0], lines[1], name),
            ],
        )


def _measured(sample: Sample, before: xr.DataArray, pixel: int) -> np.ndarray:
    """Values (time, band) of a pixel; NaN where nothing was measured."""
    values = before.values[pixel]
    valid = np.isfinite(values)
    if sample.nodata is not None:
        valid &= values != sample.nodata
    return np.where(valid, sample.units.of(values), np.nan)


def _typical(values: np.ndarray, clear: np.ndarray) -> int:
    """The date that is nearest to the median of its pixel: no cloud, no shadow."""
    off = np.abs(values - np.nanmedian(values[clear], 0)).sum(1)
    return int(np.nanargmin(np.where(clear, off, np.nan)))


def curve(found: xr.Dataset, told: Mapping[str, Any] | None, sample: Sample) -> Iterator[str]:
    """The curve of rate and distortion."""
    here = None
    if told is not None:
        here = (float(told["bppb"]), float(sample.found["psnr_all"]))
    yield page.heading(
        "Rate and distortion",
        "Estimated from some chunks of what is shown; the numbers are qualities.",
    )
    rows = []
    for quality in found["quality"].values:
        one = found.sel(quality=quality)
        bits = number(one["bppb"])
        rows.append((f"{quality:g}", number(one["ratio"]), bits, _psnr(one["psnr"])))
    listed = page.table(("quality", "× smaller", "bits", "PSNR (dB)"), rows)
    yield page.cards([page.card(charts.rate_distortion(found, here)), listed])


def settings(told: Mapping[str, Any] | None) -> Iterator[str]:
    """Sizes and settings of the store."""
    if told is None:
        return
    yield page.heading("Sizes and settings", "What the store says of itself.")
    raw = told["bytes"] * told["ratio"]
    rows = [
        ("raw", size(raw)),
        ("stored", f"{size(told['bytes'])}, {told['ratio']:.1f} times smaller"),
    ]
    shapes = {"shape": "shape", "chunk_shape": "chunks"}
    for key, name in shapes.items():
        rows.append((name, " × ".join(map(str, told[key]))))
    skipped = {"bytes", "ratio", "bppb", "chunks", *shapes}
    for key, value in told.items():
        if key in skipped or value is None or value == []:
            continue
        if isinstance(value, (str, int, float, bool)):
            rows.append((key.replace("_", " "), str(value)))
        elif isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
            rows.append((key.replace("_", " "), " ".join(value)))
    yield page.settings(rows)


def date_of(array: xr.DataArray, index: int) -> str:
    """A date for people; its number where there is none."""
    times = _times(array)
    return str(times[index])[:10] if times.dtype.kind == "M" else f"date {times[index]}"


def _times(array: xr.DataArray) -> np.ndarray:
    return array["time"].values if "time" in array.coords else np.arange(array.sizes["time"])


def number(value: Any) -> str:
    """Four digits, without an exponent."""
    value = float(value)
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _psnr(value: Any) -> str:
    value = float(value)
    return "exact" if value == np.inf else "–" if np.isnan(value) else f"{value:.2f}"


def _ssim(value: Any) -> str:
    return "–" if np.isnan(float(value)) else f"{float(value):.4f}"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
