"""The training loop: warm-up and cosine, gradient clipping, moving average of the weights, resumable checkpoints."""

from __future__ import annotations

import copy
import json
import math
import pathlib
import time

import torch
from torch import nn

from tec_zarr.training.augment import Crops

EMA_DECAY = 0.999
WARM_UP = 300
SAVE_EVERY_S = 120.0
REPORT_EVERY = 200


def learning_rate(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up, then a cosine to 2 %."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def optimiser(stage: nn.Module, peak: float) -> torch.optim.Optimizer:
    """Adam with a tenth of the peak rate for the convolutions that start from PCA."""
    slow = {id(p) for p in stage.slow_parameters()}
    trained = [p for p in stage.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in slow], "peak": peak},
        {"params": [p for p in trained if id(p) in slow], "peak": peak / 10},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=peak, weight_decay=0.0, betas=(0.9, 0.99))


@torch.no_grad()
def _average(ema: nn.Module, stage: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (step + 1) / (step + 10))
    for kept, new in zip(ema.state_dict().values(), stage.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)


def train(stage: nn.Module, crops: Crops, held_out: Crops, out: pathlib.Path, steps: int, peak: float) -> nn.Module:
    """Train `stage` for `steps`, resuming from `out/<stage>.pt` where it exists; return its moving average.

    Progress goes to `out/<stage>.jsonl`, a line each `REPORT_EVERY` steps, with the held-out figures of the average.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, log = out / f"{stage.name}.pt", out / f"{stage.name}.jsonl"
    opt, ema, step, spent = optimiser(stage, peak), copy.deepcopy(stage), 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        stage.load_state_dict(state["stage"])
        ema.load_state_dict(state["ema"])
        opt.load_state_dict(state["opt"])
        step, spent = state["step"], state["seconds"]
    began = saved = time.monotonic()
    sums: dict[str, float] = {}
    while step < steps:
        for group in opt.param_groups:
            group["lr"] = group["peak"] * learning_rate(step, steps)
        loss, figures = stage.loss(crops)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(stage.parameters(), 1.0)
        if torch.isfinite(norm):
            opt.step()
        _average(ema, stage, step)
        step += 1
        for key, value in {"loss": loss.item(), "norm": norm.item(), **figures}.items():
            sums[key] = sums.get(key, 0.0) + value / REPORT_EVERY
        now = time.monotonic()
        if step % REPORT_EVERY == 0 or step == steps:
            line = {"step": step, "seconds": round(spent + now - began), **{k: round(v, 5) for k, v in sums.items()}}
            with torch.no_grad():
                line["held_out"] = ema.report(held_out)
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            sums = {}
        if now - saved > SAVE_EVERY_S or step == steps:
            state = {"stage": stage.state_dict(), "ema": ema.state_dict(), "opt": opt.state_dict()}
            partial = checkpoint.with_suffix(".partial")
            torch.save({**state, "step": step, "seconds": spent + now - began}, partial)
            partial.replace(checkpoint)
            saved = now
    return ema
