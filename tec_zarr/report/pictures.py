"""Maps as PNG, for the page itself."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np

from tec_zarr.report.sample import Sample

COLORS = ("B04", "B03", "B02")
BRIGHTEST = 0.35
"""Reflectance that is shown as white at most: clouds do not make the ground black."""

GAMMA = 0.8
CMAP = "magma"
DETAIL = 48
"""Side of the detail around the worst sample."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Bands that are shown as red, green and blue, and their values for black and white."""

    bands: tuple[int, ...]
    low: float
    high: float

    def image(self, values: np.ndarray) -> np.ndarray:
        """RGBA (y, x, 4) of values (band, y, x); transparent where there are none."""
        rgb = np.moveaxis(values[list(self.bands)], 0, -1)
        is_known = np.isfinite(rgb).all(-1, keepdims=True)
        level = np.clip((np.nan_to_num(rgb) - self.low) / (self.high - self.low), 0, 1)
        return np.concatenate([level**GAMMA, is_known], -1)


def stretch_of(sample: Sample) -> Stretch:
    """True color where its bands are there, else the first band as gray."""
    bands = sample.bands
    has_color = set(COLORS) <= set(bands)
    shown = tuple(bands.index(name) for name in COLORS) if has_color else (0, 0, 0)
    values = sample.shown(sample.before)[:, list(dict.fromkeys(shown))]
    known = values[np.isfinite(values)]
    if not known.size:
        return Stretch(shown, 0.0, 1.0)
    low, high = np.percentile(known, (1, 98))
    if has_color and sample.units.is_reflectance:
        low, high = 0.0, min(max(high, 0.1), BRIGHTEST)
    return Stretch(shown, float(low), float(max(high, low + 1e-9)))


def error_of(sample: Sample, date: int) -> np.ndarray:
    """RMSE over bands of each pixel (y, x) of a date, in the cube's units; NaN where nothing was
    measured."""
    before = sample.before.values[date].astype(np.float64)
    error = np.where(sample.valid[date], sample.after.values[date] - before, np.nan)
    count = np.isfinite(error).sum(0)
    total = np.nansum(error**2, 0)
    return np.sqrt(np.where(count > 0, total, np.nan) / np.maximum(count, 1))


def error_image(error: np.ndarray, top: float) -> np.ndarray:
    """RGBA of errors, black at 0 and bright from `top` on."""
    from matplotlib import colormaps

    image = colormaps[CMAP](np.clip(np.nan_to_num(error) / top, 0, 1))
    image[..., 3] = np.isfinite(error)
    return image


def gradient() -> str:
    """The colors of errors as a gradient of CSS."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    stops = [to_hex(colormaps[CMAP](place)) for place in np.linspace(0, 1, 9)]
    return f"linear-gradient(to right, {', '.join(stops)})"


def around(center: int, length: int) -> slice:
    """`DETAIL` pixels about one, within `length`."""
    start = max(0, min(center - DETAIL // 2, length - DETAIL))
    return slice(start, min(length, start + DETAIL))


def png(image: np.ndarray) -> str:
    """RGBA (y, x, 4), 0 to 1, as the address of an image that holds it."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, (image * 255).round().astype(np.uint8), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
