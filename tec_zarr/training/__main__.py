"""Train a codec of the family: `python -m tec_zarr.training --model tec-tt --data FOLDER --out FOLDER`.

Run again with the same folders it resumes. With `--base` the transforms are those of other weights, which the new file
then refers to instead of holding them again.
"""

from __future__ import annotations

import argparse
import hashlib
import pathlib

import torch

from tec_zarr.models import checkpoint
from tec_zarr.models.bands import L2A
from tec_zarr.models.config import PRIORS, ModelConfig, TemporalConfig, TransformConfig
from tec_zarr.models.families import build
from tec_zarr.models.transform_codec import TransformCodec
from tec_zarr.training.augment import Crops
from tec_zarr.training.corpus import load_folder
from tec_zarr.training.loop import Run, train
from tec_zarr.training.stages import CURRICULA

STEPS = {"transforms": 11000, "image": 4000, "prior": 4000, "refine": 3000}
"""Steps of each stage, unless told otherwise."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tec_zarr.training", description=__doc__)
    parser.add_argument("--model", choices=sorted(CURRICULA), default="tec-tt", help="family of codecs")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of *.zip corpus files or *.zarr stores")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for checkpoints, logs and the weights")
    parser.add_argument("--base", type=pathlib.Path, metavar="FILE", help="weights whose transforms to keep")
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="NAME", help="locations to follow progress on")
    parser.add_argument("--steps", nargs="+", type=int, metavar="N", help="steps of each stage in turn")
    parser.add_argument("--bfloat16", action="store_true", help="train in bfloat16 where it is enough")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="a torch device")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def start_model(family: str, base: bytes | None) -> TransformCodec:
    """An untrained model, with the transforms of `base` where there is one."""
    prior = TemporalConfig(repack=True) if family == "flextec" else PRIORS[family]()
    if base is None:
        return build(ModelConfig(family, TransformConfig(bands=L2A), prior))
    known = checkpoint.parse(base)
    config = known.config
    model = build(ModelConfig(family, config.transforms, prior, config.knots, config.lmbda_range))
    for name in ("analysis", "synthesis", "gains"):
        getattr(model, name).load_state_dict(getattr(known, name).state_dict())
    for name, buffer in model.named_buffers(recurse=False):
        buffer.copy_(getattr(known, name))
    return model


def main() -> None:
    args = arguments()
    curriculum = CURRICULA[args.model][args.base is not None :]
    steps = args.steps or [STEPS[kind.name] for kind in curriculum]
    if len(steps) != len(curriculum):
        names = ", ".join(kind.name for kind in curriculum)
        raise SystemExit(f"--steps takes {len(curriculum)} numbers here, for {names}; got {steps}")
    torch.manual_seed(args.seed)
    locations = load_folder(args.data)
    if unknown := set(args.hold_out) - {place.name for place in locations}:
        raise SystemExit(f"--hold-out names no location of {args.data}: {sorted(unknown)}")
    kept = [place for place in locations if place.name not in args.hold_out]
    held_out = [place for place in locations if place.name in args.hold_out] or kept
    crops, fixed = Crops(kept, args.seed), Crops(held_out, args.seed + 1)
    args.out.mkdir(parents=True, exist_ok=True)

    base = None if args.base is None else args.base.read_bytes()
    model = start_model(args.model, base)
    for kind, count in zip(curriculum, steps, strict=True):
        stage = kind(model, base is not None)
        stage.start(crops)
        model = train(stage.to(args.device), crops, fixed, Run(args.out, args.bfloat16), count).model
    weights = args.out / f"{args.model}.safetensors"
    weights.write_bytes(checkpoint.dump(model, base))
    print(f"{weights}: {weights.stat().st_size} bytes, SHA-256 {hashlib.sha256(weights.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
