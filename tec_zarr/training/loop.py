"""The training loop: rates, gradient clipping, moving average of the weights, checkpoints."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pathlib
import time
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

EMA_DECAY = 0.999
WARM_UP = 300
SAVE_EVERY_S = 120.0
REPORT_EVERY = 200


class Crops(Protocol):
    """Training data, random ones of a seed."""

    random: np.random.Generator


class Stage(Protocol):
    """A part of a curriculum, an `nn.Module`: what it trains, and for what loss."""

    name: str
    peak: float

    def loss(self, crops: Crops) -> tuple[Tensor, dict[str, float]]:
        """Loss and figures of a random batch."""

    def report(self, held_out: Crops) -> dict[str, dict[str, float]]:
        """Figures of the same crops each time."""

    def slow_parameters(self) -> list[nn.Parameter]:
        """Those that learn at a tenth of the rate."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """When training ends: after so many steps, or so many minutes where these are over before."""

    steps: int
    minutes: float = math.inf

    def used(self, step: int, seconds: float) -> float:
        """The share of it that is used up, 0 to 1."""
        return min(1.0, max(step / self.steps, seconds / (60 * self.minutes)))


def learning_rate(step: int, used: float) -> float:
    """Share of the peak rate: a linear warm-up, then a cosine to 2 % over the budget."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * used)))


def optimizer(stage: Stage) -> torch.optim.Optimizer:
    """Adam with a tenth of the peak rate for the convolutions that start from PCA."""
    slow = {id(p) for p in stage.slow_parameters()}
    trained = [p for p in stage.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in slow], "peak": stage.peak},
        {"params": [p for p in trained if id(p) in slow], "peak": stage.peak / 10},
    ]
    filled = [group for group in groups if group["params"]]
    return torch.optim.AdamW(filled, lr=stage.peak, weight_decay=0.0, betas=(0.9, 0.99))


@torch.no_grad()
def _average(ema: nn.Module, stage: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (step + 1) / (step + 10))
    for kept, new in zip(ema.state_dict().values(), stage.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)


@dataclasses.dataclass(frozen=True)
class Run:
    """Where a run keeps its files, and whether it trains in bfloat16 where that is enough."""

    out: pathlib.Path
    bfloat16: bool


@dataclasses.dataclass
class State:
    """All that resuming needs: stage, moving average, optimizer, steps done, seconds spent."""

    stage: Stage
    ema: Stage
    opt: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, stage: Stage, crops: Crops, checkpoint: pathlib.Path) -> State:
        """From `checkpoint` where it exists; then `crops` go on where they were."""
        state = cls(stage, copy.deepcopy(stage), optimizer(stage))
        if checkpoint.exists():
            saved = torch.load(checkpoint, weights_only=True)
            for name in ("stage", "ema", "opt"):
                getattr(state, name).load_state_dict(saved[name])
            state.step = saved["step"]
            state.seconds = saved["seconds"]
            crops.random.bit_generator.state = json.loads(saved["random"])
        return state

    def save(self, crops: Crops, checkpoint: pathlib.Path) -> None:
        """Write all that `begin` reads, whole or not at all."""
        random = json.dumps(crops.random.bit_generator.state)
        parts = {name: getattr(self, name).state_dict() for name in ("stage", "ema", "opt")}
        partial = checkpoint.with_suffix(".partial")
        torch.save({**parts, "step": self.step, "seconds": self.seconds, "random": random}, partial)
        partial.replace(checkpoint)


def train(stage: Stage, crops: Crops, held_out: Crops, run: Run, budget: Budget) -> Stage:
    """Train `stage` until `budget` is used; return the moving average of its weights.

    It resumes from `<out>/<stage>.pt` where that exists.
    Progress goes to `<out>/<stage>.jsonl`, a line each `REPORT_EVERY` steps, with held-out figures.
    """
    checkpoint = run.out / f"{stage.name}.pt"
    log = run.out / f"{stage.name}.jsonl"
    state = State.begin(stage, crops, checkpoint)
    began = saved = time.monotonic() - state.seconds
    sums: dict[str, float] = {}
    bar = tqdm(total=budget.steps, initial=state.step, desc=stage.name, unit="step")
    while budget.used(state.step, state.seconds) < 1:
        for key, value in _step(state, crops, budget, run.bfloat16).items():
            sums[key] = sums.get(key, 0.0) + value / REPORT_EVERY
        state.seconds = time.monotonic() - began
        bar.update()
        last = budget.used(state.step, state.seconds) >= 1
        if state.step % REPORT_EVERY == 0 or last:
            with log.open("a") as file:
                figures = {**_report(state, sums), "held_out": _held_out(state.ema, held_out)}
                file.write(json.dumps(figures) + "\n")
            bar.set_postfix({key: f"{value:.4g}" for key, value in sums.items()})
            sums = {}
        if state.seconds - saved + began > SAVE_EVERY_S or last:
            state.save(crops, checkpoint)
            saved = state.seconds + began
    bar.close()
    return state.ema


def _step(state: State, crops: Crops, budget: Budget, bfloat16: bool) -> dict[str, float]:
    stage = state.stage
    opt = state.opt
    rate = learning_rate(state.step, budget.used(state.step, state.seconds))
    for group in opt.param_groups:
        group["lr"] = group["peak"] * rate
    precision = torch.autocast(stage.device.type, torch.bfloat16, enabled=bfloat16)
    with precision, sdpa_kernel(SDPBackend.MATH):
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
    return {"step": state.step, "seconds": round(state.seconds), **_rounded(sums)}


@torch.no_grad()
def _held_out(ema: Stage, crops: Crops) -> dict[str, dict[str, float]]:
    return {quality: _rounded(figures) for quality, figures in ema.report(crops).items()}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in figures.items()}
