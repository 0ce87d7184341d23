"""Bits of a FlexTEC whose scales are coded as trained, against the published coder, which maps them twice.

    python benchmarks/scales_once.py --data CORPUS_FOLDER

The published coder (PyPI's terracodec 0.3.1) maps the network's s to a scale, 1 + s for s > 0 and else 1 / (1 - s), and maps
the result again, so that it codes no scale below 1. Compared are ideal code lengths of the same latents under normal
distributions of both scales. Latents are those of real imagery that the shipped FlexTEC quantizes at some qualities, with
the means and scales that its prior predicts of them; the published checkpoint would say how much it is for its own.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np
import torch

from tec_zarr.codec import runtime
from tec_zarr.models.bands import L2A, L2A_MEAN, L2A_STD
from tec_zarr.models.coding.temporal import distributions
from tec_zarr.models.patching import pad_to_blocks, to_blocks
from tec_zarr.training.corpus import read_corpus_file

MODEL = "flextec-s2"
FLOOR = 2.0**-20
"""Least probability of a symbol; an escape costs no more than some 20 bits."""


def code_length(values: np.ndarray, means: np.ndarray, scales: np.ndarray) -> float:
    """Bits of integers under normal distributions."""
    values, means, scales = (torch.from_numpy(part) for part in (values, means, scales))
    off = (values - means).abs()
    probability = torch.special.ndtr((0.5 - off) / scales) - torch.special.ndtr((-0.5 - off) / scales)
    return float(-torch.log2(probability.clamp(min=FLOOR)).sum())


def doubled(scales: np.ndarray) -> np.ndarray:
    """What the second of the published coder's two maps makes of scales, which are positive."""
    return 1 + scales


@torch.inference_mode()
def measure(x: np.ndarray, quality: float, model: str = MODEL) -> tuple[float, float, float]:
    """Bits a latent with scales mapped once and twice, and the median scale, of standardized frames x."""
    loaded = runtime.load(model, "cpu")
    condition = loaded.model.condition(torch.tensor([quality], dtype=torch.float64))
    y = torch.cat([loaded.model.analyze(torch.from_numpy(frame)[None], condition.float()) for frame in x]).round().double()
    means, scales = distributions(loaded.exact, pad_to_blocks(y)[None], condition)
    values = loaded.exact.prior.arrange(to_blocks(pad_to_blocks(y))).numpy().reshape(means.shape)
    bits = (code_length(values, means, s) / values.size for s in (scales, doubled(scales)))
    return (*bits, float(np.median(scales)))


def read_series(folder: pathlib.Path) -> list[np.ndarray]:
    """The series of SSL4EO-S12 in a folder, standardized, (times, 12, 256, 256)."""
    mean, std = (np.array(part, np.float32)[:, None, None] for part in (L2A_MEAN, L2A_STD))
    cubes = []
    for file in sorted(folder.glob("l2a_ts_ssl4eo_*.zip")):
        found, meta = read_corpus_file(file)
        cube = found[:, [meta["bands"].index(b) for b in L2A], :256, :256].astype(np.float32)
        cubes.append((cube - mean) / std)
    return cubes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--qualities", type=float, nargs="+", default=[25, 50, 75, 95])
    args = parser.parse_args()
    cubes = read_series(args.data)
    print(f"{len(cubes)} series of real imagery; bits a latent")
    for quality in args.qualities:
        once, twice, median = np.mean([measure(x, quality) for x in cubes], axis=0)
        saved = f"saved {1 - once / twice:6.1%}  median scale {median:.3f}"
        print(f"quality {quality:3.0f}  once {once:.4f}  twice {twice:.4f}  {saved}")


if __name__ == "__main__":
    main()
