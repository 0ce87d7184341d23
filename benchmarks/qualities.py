"""A picture of one date at three qualities: original, decoded, error.

python benchmarks/qualities.py --data ../shared/data/val --out docs/qualities.jpg
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

from tec_zarr.codec import metrics
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.training.corpus import read_corpus_file

QUALITIES = (15.0, 35.0, 55.0)
TRUE_COLOR = ("B04", "B03", "B02")
MOST_DN = 300
"""Error that is shown brightest."""


def draw(dn: np.ndarray, bands: list[str], path: pathlib.Path) -> None:
    """Draw the last date of a series (time, band, y, x)."""
    from matplotlib.figure import Figure

    shown = [bands.index(band) for band in TRUE_COLOR]
    dark, bright = np.percentile(dn[-1, shown], (1, 99))

    def color(frame: np.ndarray) -> np.ndarray:
        stretched = (frame[shown].astype(np.float64) - dark) / (bright - dark)
        return np.clip(np.moveaxis(stretched, 0, -1), 0, 1)

    figure = Figure(figsize=(12, 6.4), layout="constrained", dpi=90)
    axes = figure.subplots(2, 1 + len(QUALITIES))
    axes[0, 0].imshow(color(dn[-1]))
    axes[0, 0].set_title("original\n16 bits a sample", fontsize=10)
    for (top, bottom), quality in zip(axes.T[1:], QUALITIES, strict=True):
        data = encode_chunk(dn, Settings(quality=quality))
        decoded = decode_chunk(data)
        psnr = metrics.psnr(dn, decoded, dn != 0)
        bits = metrics.bppb(len(data), dn.size)
        top.imshow(color(decoded[-1]))
        top.set_title(f"quality {quality:g}: {psnr:.1f} dB\n{bits:.3g} bits a sample", fontsize=10)
        difference = decoded[-1].astype(np.float64) - dn[-1]
        error = np.sqrt((difference**2).mean(0))  # (y, x)
        drawn = bottom.imshow(error, vmin=0, vmax=MOST_DN, cmap="magma")
    for axis in axes.flat:
        axis.set_axis_off()
    label = "RMSE over bands of each pixel, DN (10,000 is reflectance 1)"
    figure.colorbar(drawn, ax=axes[1, 1:], location="bottom", shrink=0.6, label=label)
    figure.savefig(path, pil_kwargs={"quality": 85})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip")
    parser.add_argument("--place", default="l2a_ts_ssl4eo_0080717")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    dn, meta = read_corpus_file(args.data / f"{args.place}.zip")
    draw(np.ascontiguousarray(dn[:4, :, :256, :256]), meta["bands"], args.out)


if __name__ == "__main__":
    main()
