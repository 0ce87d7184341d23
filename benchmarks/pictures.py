"""Pictures of what methods made of clouds."""

from __future__ import annotations

import pathlib

import clouds
import numpy as np

TRUE_COLOR = ("B04", "B03", "B02")
WORST_DN = 1000


def draw(
    series: clouds.Series,
    case: dict,
    record: dict,
    made: dict[str, np.ndarray],
    names: list[str],
    path: pathlib.Path,
) -> None:
    """What was given and the truth, then what four methods made of it above their errors."""
    from matplotlib.figure import Figure

    shown = [series.bands.index(band) for band in TRUE_COLOR]
    truth = series.dn[case["t"]]
    hidden = case["hidden"][case["t"]]
    white = np.percentile(truth[shown], 98)

    def color(frame: np.ndarray) -> np.ndarray:
        return np.clip(np.moveaxis(frame[shown], 0, -1) / white, 0, 1)

    figure = Figure(figsize=(12, 5), layout="constrained", dpi=80)
    axes = figure.subplots(2, 1 + len(names))
    axes[0, 0].imshow(np.where(hidden[..., None], 1, color(truth)))
    axes[0, 0].set_title("given")
    axes[1, 0].imshow(color(truth))
    axes[1, 0].set_title("truth")
    for (top, bottom), name in zip(axes.T[1:], names, strict=True):
        figures = record["scores"][name]["masked"]
        top.imshow(color(made[name]))
        top.set_title(f"{name}\n{figures['psnr']:.1f} dB, {figures['sam']:.1f}°", fontsize=10)
        off = np.sqrt(((made[name] - truth) ** 2).mean(axis=0))  # (y, x)
        drawn = bottom.imshow(off, vmin=0, vmax=WORST_DN, cmap="magma")
    for axis in axes.flat:
        axis.set_axis_off()
    scale = "RMSE of each pixel in DN"
    figure.colorbar(drawn, ax=axes[1, 1:], location="bottom", shrink=0.5, label=scale)
    figure.savefig(path, pil_kwargs={"quality": 85})
