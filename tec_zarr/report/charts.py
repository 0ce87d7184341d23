"""Curves as SVG that takes its ink from the page, so that it reads on light and on dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

INK = "#010203"
"""Stands for the page's own ink, which replaces it."""

BEFORE = "#2f81d6"
AFTER = "#e0762f"

WAVELENGTHS = {
    "B01": 443,
    "B02": 490,
    "B03": 560,
    "B04": 665,
    "B05": 705,
    "B06": 740,
    "B07": 783,
    "B08": 842,
    "B8A": 865,
    "B09": 945,
    "B10": 1375,
    "B11": 1610,
    "B12": 2190,
}
"""Centers of the bands of Sentinel-2, in nanometers."""


def _axes(height: float = 2.5) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, height), layout="constrained")
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    figure.patch.set_alpha(0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
        axes.spines[side].set_alpha(0.4)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.grid(color=INK, alpha=0.12, linewidth=0.6)
    return figure, axes


def _svg(figure: Any, axes: Any, x: str, y: str, label: str) -> str:
    axes.set_xlabel(x, color=INK, fontsize=9)
    axes.set_ylabel(y, color=INK, fontsize=9)
    # Labels of ticks are known once they were drawn, and only then is there room for them.
    figure.draw_without_rendering()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return text.replace(INK, "currentColor")


def _pair(axes: Any, x: Any, before: np.ndarray, after: np.ndarray) -> None:
    axes.plot(x, before, color=BEFORE, marker="o", markersize=5, linewidth=2)
    axes.plot(
        x,
        after,
        color=AFTER,
        marker="o",
        markersize=3,
        linewidth=1.3,
        linestyle=(0, (4, 2)),
    )


def spectrum(bands: Sequence[str], before: np.ndarray, after: np.ndarray, unit: str) -> str:
    """Values over bands, at their wavelengths where they are known."""
    figure, axes = _axes()
    is_known = set(bands) <= set(WAVELENGTHS)
    if is_known:
        x: Any = np.array([WAVELENGTHS[band] for band in bands])
        order = np.argsort(x)
        _pair(axes, x[order], before[order], after[order])
    else:
        _pair(axes, np.arange(len(bands)), before, after)
        axes.set_xticks(np.arange(len(bands)), bands, rotation=45 if len(bands) > 5 else 0)
    return _svg(figure, axes, "wavelength (nm)" if is_known else "band", unit, "spectrum")


def series(times: np.ndarray, before: np.ndarray, after: np.ndarray, name: str) -> str:
    """Values over dates."""
    figure, axes = _axes()
    _pair(axes, times, before, after)
    is_dated = np.asarray(times).dtype.kind == "M"
    if is_dated:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.xaxis.get_offset_text().set_color(INK)
    return _svg(figure, axes, "date" if is_dated else "number of the date", name, f"{name} series")


def rate_distortion(curve: xr.Dataset, here: tuple[float, float] | None) -> str:
    """PSNR over bits a sample, and where the other cube is."""
    figure, axes = _axes(3.0)
    x = curve["bppb"].values
    y = curve["psnr"].values
    axes.plot(x, y, color=BEFORE, marker="o", markersize=5, linewidth=2)
    for bits, psnr, quality in zip(x, y, curve["quality"].values, strict=True):
        axes.annotate(
            f"{quality:g}",
            (bits, psnr),
            xytext=(6, -11),
            textcoords="offset points",
            color=INK,
            fontsize=8,
        )
    if here is not None and np.isfinite(here).all():
        axes.plot(*here, color=AFTER, marker="D", markersize=8)
        axes.annotate(
            "this store",
            here,
            xytext=(-8, 8),
            textcoords="offset points",
            ha="right",
            color=INK,
            fontsize=9,
        )
    axes.set_xscale("log")
    axes.margins(0.08, 0.12)
    return _svg(figure, axes, "bits a sample (log)", "PSNR (dB)", "rate and distortion")
