"""Charts of PSNR over bits a sample."""

from __future__ import annotations

import math
import pathlib
from typing import TYPE_CHECKING

import cases
import curves

if TYPE_CHECKING:
    from tables import Result

COLUMNS = 3
FLOOR_DB = 29
CEILING_DB = 52
OURS = "tec_zarr"
STYLES = {
    OURS: {"color": "#d62728", "marker": "o", "linewidth": 2.4, "zorder": 3},
    cases.KLT_BANDS: {"color": "#66aa55", "marker": "^"},
    cases.KLT_DATES: {"color": "#00501e", "marker": "v"},
    cases.PCA_X265: {"color": "#5b1a78", "marker": "s"},
    cases.JPEG2000_BANDS: {"color": "#4477aa", "marker": "D"},
    cases.JPEG2000_DATES: {"color": "#66ccee", "marker": "P"},
    cases.FIRST_DESIGN: {"color": "#ff9f40", "marker": "o"},
}


def draw(found: list[Result], path: pathlib.Path) -> None:
    """A panel for each case, bits on a logarithmic axis."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    columns = min(COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    figure = Figure(figsize=(5 * columns, 3.6 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, result in zip(panels, found, strict=False):
        for name, curve in {OURS: result.ours, **result.peers}.items():
            bits, decibels = zip(*curves.best_points(curve), strict=True)
            panel.plot(bits, decibels, label=name, markersize=4, **STYLES[name])
        panel.set(xscale="log", ylim=(FLOOR_DB, CEILING_DB), title=result.case.name)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.grid(visible=True, alpha=0.3)
        panel.set(xlabel="bits a sample, all bytes counted", ylabel="PSNR in dB")
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=columns, frameon=False)
    figure.savefig(path, dpi=110)
