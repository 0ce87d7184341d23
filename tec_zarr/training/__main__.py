"""Train the shipped codec's prior, or a codec of a published family.

    python -m tec_zarr.training --data FOLDER --out FOLDER

Run again with the same folders it resumes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import pathlib

import torch

from tec_zarr.models import prior_weights
from tec_zarr.models.bands import L2A
from tec_zarr.models.published import checkpoint
from tec_zarr.models.published.config import PRIORS, ModelConfig, TemporalConfig, TransformConfig
from tec_zarr.models.published.families import build
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.prior.network import Prior
from tec_zarr.training.augment import Crops
from tec_zarr.training.corpus import Location, load_folder
from tec_zarr.training.loop import Budget, Run, train
from tec_zarr.training.series_crops import SeriesCrops
from tec_zarr.training.stages import CURRICULA
from tec_zarr.training.stages.dates import DatesStage

SHIPPED = "tec-tt"
PUBLISHED = {f"published-{family}": family for family in CURRICULA}
"""Names of the published families here, as a family may be called as the shipped codec is."""

STEPS = {"dates": 6000, "transforms": 11000, "image": 4000, "prior": 4000, "refine": 3000}
"""Steps of each stage, unless told otherwise."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tec_zarr.training", description=__doc__)
    parser.add_argument("--model", choices=[SHIPPED, *PUBLISHED], default=SHIPPED)
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        required=True,
        help="folder of *.zip corpus files or *.zarr stores",
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        required=True,
        help="folder for checkpoints, logs and the weights",
    )
    parser.add_argument(
        "--start", type=pathlib.Path, metavar="FILE", help=f"weights of {SHIPPED} to start from"
    )
    parser.add_argument(
        "--hold-out", nargs="*", default=[], metavar="NAME", help="locations to follow progress on"
    )
    parser.add_argument(
        "--steps", nargs="+", type=int, metavar="N", help="steps of each stage in turn"
    )
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="of each stage at most, pauses not counted"
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="train in bfloat16 where it is enough"
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="of published families",
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def start_network(file: pathlib.Path | None) -> Prior:
    """The network of the shipped codec, untrained or as in a weights file."""
    network = Prior()
    if file is not None:
        network.load_state_dict(prior_weights.parse(file.read_bytes()).state_dict())
    return network


def start_model(family: str) -> TransformCodec:
    """An untrained codec of a published family."""
    prior = TemporalConfig(repack=True) if family == "flextec" else PRIORS[family]()
    return build(ModelConfig(family, TransformConfig(bands=L2A), prior))


def split(args: argparse.Namespace) -> tuple[list[Location], list[Location]]:
    """Locations to train on, and those to follow progress on: the held-out ones, or all where
    there are none."""
    locations = load_folder(args.data)
    unknown = set(args.hold_out) - {place.name for place in locations}
    if unknown:
        raise SystemExit(f"--hold-out names no location of {args.data}: {sorted(unknown)}")
    kept = [place for place in locations if place.name not in args.hold_out]
    held_out = [place for place in locations if place.name in args.hold_out]
    return kept, held_out or kept


def budgets(args: argparse.Namespace, stages: list[str]) -> list[Budget]:
    """The budget of each stage."""
    steps = args.steps or [STEPS[name] for name in stages]
    if len(steps) != len(stages):
        raise SystemExit(
            f"--steps takes {len(stages)} numbers here, for {', '.join(stages)}; got {steps}"
        )
    return [Budget(count, args.minutes) for count in steps]


def train_shipped(args: argparse.Namespace) -> bytes:
    """Train the prior over dates; its weights file."""
    (budget,) = budgets(args, [DatesStage.name])
    kept, held_out = split(args)
    crops = SeriesCrops(kept, args.seed)
    fixed = SeriesCrops(held_out, args.seed + 1)
    stage = DatesStage(start_network(args.start))
    trained = train(stage, crops, fixed, Run(args.out, args.bfloat16), budget)
    return prior_weights.dump(trained.network.state_dict())


def train_published(args: argparse.Namespace) -> bytes:
    """Train a codec of a published family, stage by stage; its weights file."""
    family = PUBLISHED[args.model]
    curriculum = CURRICULA[family]
    each = budgets(args, [kind.name for kind in curriculum])
    kept, held_out = split(args)
    crops = Crops(kept, args.seed)
    fixed = Crops(held_out, args.seed + 1)
    model = start_model(family)
    for kind, budget in zip(curriculum, each, strict=True):
        stage = kind(model)
        stage.start(crops)
        model = train(
            stage.to(args.device), crops, fixed, Run(args.out, args.bfloat16), budget
        ).model
    return checkpoint.dump(model)


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    data = train_shipped(args) if args.model == SHIPPED else train_published(args)
    weights = args.out / f"{args.model}.safetensors"
    weights.write_bytes(data)
    print(f"{weights}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
