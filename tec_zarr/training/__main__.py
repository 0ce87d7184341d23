"""Train a TEC-TT: `python -m tec_zarr.training --data FOLDER --out FOLDER`. Run again, it resumes."""

from __future__ import annotations

import argparse
import hashlib
import pathlib

import torch
from torch import nn

from tec_zarr.models import checkpoint
from tec_zarr.models.bands import L2A
from tec_zarr.models.config import ModelConfig, PriorConfig, TransformConfig
from tec_zarr.models.tec_tt import TecTT
from tec_zarr.training.augment import Crops
from tec_zarr.training.corpus import load_folder
from tec_zarr.training.loop import train
from tec_zarr.training.stages import PriorStage, SynthesisStage, TransformStage

STAGES = ((TransformStage, 1e-3), (PriorStage, 1e-3), (SynthesisStage, 2e-4))
"""Each stage with its peak learning rate."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tec_zarr.training", description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip corpus files or *.zarr stores")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for checkpoints, logs and the weights")
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="NAME", help="locations to follow progress on")
    parser.add_argument("--steps", nargs=3, type=int, default=(11000, 4000, 4000), metavar="N", help="steps of each stage")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    locations = load_folder(args.data)
    if unknown := set(args.hold_out) - {place.name for place in locations}:
        raise SystemExit(f"--hold-out names no location of {args.data}: {sorted(unknown)}")
    kept = [place for place in locations if place.name not in args.hold_out]
    held_out = [place for place in locations if place.name in args.hold_out] or kept
    crops, fixed = Crops(kept, args.seed), Crops(held_out, args.seed + 1)

    model = TecTT(ModelConfig(TransformConfig(bands=L2A), PriorConfig()))
    for (kind, peak), steps in zip(STAGES, args.steps, strict=True):
        stage: nn.Module = kind(model)
        stage.start(crops)
        model = train(stage, crops, fixed, args.out, steps, peak).model
    weights = args.out / "tec-tt.safetensors"
    checkpoint.save(model, weights)
    print(f"{weights}: {weights.stat().st_size} bytes, SHA-256 {hashlib.sha256(weights.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
