"""The training loop: warm-up and cosine, gradient clipping, moving average of the weights, resumable checkpoints."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pathlib
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from tec_zarr.training.augment import Crops
from tec_zarr.training.stages.base import Stage

EMA_DECAY = 0.999
WARM_UP = 300
SAVE_EVERY_S = 120.0
REPORT_EVERY = 200


def learning_rate(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up, then a cosine to 2 %."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def optimizer(stage: Stage) -> torch.optim.Optimizer:
    """Adam with a tenth of the peak rate for the convolutions that start from PCA."""
    slow = {id(p) for p in stage.slow_parameters()}
    trained = [p for p in stage.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in slow], "peak": stage.peak},
        {"params": [p for p in trained if id(p) in slow], "peak": stage.peak / 10},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=stage.peak, weight_decay=0.0, betas=(0.9, 0.99))


@torch.no_grad()
def _average(ema: nn.Module, stage: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (step + 1) / (step + 10))
    for kept, new in zip(ema.state_dict().values(), stage.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)


@dataclasses.dataclass(frozen=True)
class Run:
    """Where a training run keeps its files, and whether it trains in bfloat16 where that is enough."""

    out: pathlib.Path
    bfloat16: bool


@dataclasses.dataclass
class State:
    """All that resuming needs: the stage, its moving average, the optimizer, steps done and seconds spent."""

    stage: Stage
    ema: Stage
    opt: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, stage: Stage, checkpoint: pathlib.Path) -> State:
        """From `checkpoint` where it exists."""
        state = cls(stage, copy.deepcopy(stage), optimizer(stage))
        if checkpoint.exists():
            saved = torch.load(checkpoint, weights_only=True)
            for name in ("stage", "ema", "opt"):
                getattr(state, name).load_state_dict(saved[name])
            state.step, state.seconds = saved["step"], saved["seconds"]
        return state

    def save(self, checkpoint: pathlib.Path) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("stage", "ema", "opt")}
        partial = checkpoint.with_suffix(".partial")
        torch.save({**parts, "step": self.step, "seconds": self.seconds}, partial)
        partial.replace(checkpoint)


def train(stage: Stage, crops: Crops, held_out: Crops, run: Run, steps: int) -> Stage:
    """Train `stage` for `steps`, resuming from `<out>/<stage>.pt` where it exists; return its moving average.

    Progress goes to `<out>/<stage>.jsonl`, a line each `REPORT_EVERY` steps, with the held-out figures of the average.
    """
    checkpoint, log = run.out / f"{stage.name}.pt", run.out / f"{stage.name}.jsonl"
    state = State.begin(stage, checkpoint)
    began = saved = time.monotonic() - state.seconds
    sums: dict[str, float] = {}
    bar = tqdm(total=steps, initial=state.step, desc=stage.name, unit="step", mininterval=1.0)
    while state.step < steps:
        for key, value in _step(state, crops, steps, run.bfloat16).items():
            sums[key] = sums.get(key, 0.0) + value / REPORT_EVERY
        state.seconds = time.monotonic() - began
        bar.update()
        last = state.step == steps
        if state.step % REPORT_EVERY == 0 or last:
            with log.open("a") as file:
                file.write(json.dumps({**_report(state, sums), "held_out": _held_out(state.ema, held_out)}) + "\n")
            bar.set_postfix({key: f"{value:.4g}" for key, value in sums.items()})
            sums = {}
        if state.seconds - saved + began > SAVE_EVERY_S or last:
            state.save(checkpoint)
            saved = state.seconds + began
    bar.close()
    return state.ema


def _step(state: State, crops: Crops, steps: int, bfloat16: bool) -> dict[str, float]:
    stage, opt = state.stage, state.opt
    for group in opt.param_groups:
        group["lr"] = group["peak"] * learning_rate(state.step, steps)
    with torch.autocast(stage.device.type, torch.bfloat16, enabled=bfloat16), sdpa_kernel(SDPBackend.MATH):
        loss, figures = stage.loss(crops)
    opt.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(stage.parameters(), 1.0)
    if torch.isfinite(norm):
        opt.step()
    _average(state.ema, stage, state.step)
    state.step += 1
    return {"loss": loss.item(), "norm": norm.item(), **figures}


def _report(state: State, sums: dict[str, float]) -> dict[str, float]:
    return {"step": state.step, "seconds": round(state.seconds), **{k: round(v, 5) for k, v in sums.items()}}


@torch.no_grad()
def _held_out(ema: Stage, crops: Crops) -> dict[str, dict[str, float]]:
    return {q: {k: round(v, 5) for k, v in figures.items()} for q, figures in ema.report(crops).items()}
