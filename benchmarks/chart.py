"""A chart of the curves of all codecs."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping, Sequence

COLORS = ("#4477aa", "#0b2f5c", "#ccbb44", "#66ccee", "#999999", "#aa66cc", "#5b1a78", "#66aa55", "#00501e", "#555555")
MARKERS = "os^vDPX<>*"
OURS = ("#d62728", "#ff7f0e", "#8c1515", "#e377c2")


def draw(curves: Mapping[str, Sequence[dict]], ours: set[str], title: str, path: pathlib.Path) -> None:
    """PSNR over bppb on a logarithmic axis; `ours` are thick and listed first, others by their bits."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    styles = {
        True: itertools.cycle(zip(OURS, "oooo", strict=True)),
        False: itertools.cycle(zip(COLORS, MARKERS, strict=True)),
    }
    for name, points in sorted(curves.items(), key=lambda item: item[0] not in ours):
        mine = name in ours
        color, marker = next(styles[mine])
        rate, psnr = ([p[key] for p in points] for key in ("bppb", "psnr"))
        width, size = (2.8, 6) if mine else (1.4, 4.5)
        axes.plot(rate, psnr, color=color, marker=marker, lw=width, ms=size, label=name, zorder=3 if mine else 2)
    axes.set(
        xscale="log", xlabel="bits a sample (bppb), all bytes counted", ylabel="PSNR in dB (peak 10,000 DN)", title=title
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.grid(visible=True, which="major", alpha=0.4)
    axes.grid(visible=True, which="minor", alpha=0.15)
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(path, dpi=120)
