"""The dates of a chunk through the network, one after the other, and chunks that wait together side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tec_zarr.codec import runtime
from tec_zarr.codec.service import SERVICE
from tec_zarr.entropy.symbols import Stream
from tec_zarr.prior.coding import CodedDate, DateCoder
from tec_zarr.prior.dates import DateInputs, Seen, context_dates
from tec_zarr.transform.side import Side

BLOCKS_A_SIDE = 4
"""Positions along a side of what counts as one in the cost of a job: 64 x 64 pixels."""


@dataclasses.dataclass(frozen=True, eq=False)
class DatePlan:
    """A date before it is coded: its side information, positions (h, w), groups sent, whether it is a key date."""

    side: Side
    size: tuple[int, int]
    groups: int
    key: bool


@dataclasses.dataclass(frozen=True, eq=False)
class _Job:
    coder: DateCoder
    plans: list[DatePlan]
    given: list[np.ndarray] | list[Stream]
    effort: int
    reconstruct: bool


def encode_series(
    model: runtime.PriorModel,
    plans: list[DatePlan],
    coefficients: list[np.ndarray],
    effort: int,
    reconstruct: bool,
) -> list[CodedDate]:
    """Code the dates of a chunk; coefficients are (C, 256, P) in steps.

    Without `reconstruct` values are symbols, without the network's correction.
    """
    job = _Job(model.coder, plans, coefficients, effort, reconstruct)
    return SERVICE.submit(_encode_batch, _alike(job), job, _cost(plans)).result()


def decode_series(model: runtime.PriorModel, plans: list[DatePlan], streams: list[Stream]) -> list[CodedDate]:
    """Undo `encode_series`. Raises DamagedChunkError or DesyncError."""
    job = _Job(model.coder, plans, streams, 0, True)
    return SERVICE.submit(_decode_batch, _alike(job), job, _cost(plans)).result()


def _alike(job: _Job) -> tuple:
    """What jobs have in common that can run side by side."""
    shapes = tuple((plan.size, plan.key) for plan in job.plans)
    return id(job.coder), job.plans[0].side.bands, shapes, job.effort, job.reconstruct


def _cost(plans: list[DatePlan]) -> int:
    height, width = plans[0].size
    return len(plans) * -(-height // BLOCKS_A_SIDE) * -(-width // BLOCKS_A_SIDE)


def _encode_batch(jobs: list[_Job]) -> list[list[CodedDate]]:
    def encode(dates: list[DateInputs], time: int) -> list[CodedDate]:
        coefficients = [job.given[time] for job in jobs]
        return jobs[0].coder.encode(dates, coefficients, jobs[0].effort, jobs[0].reconstruct)

    return _in_turn(jobs, encode)


def _decode_batch(jobs: list[_Job]) -> list[list[CodedDate]]:
    def decode(dates: list[DateInputs], time: int) -> list[CodedDate]:
        return jobs[0].coder.decode(dates, [job.given[time] for job in jobs])

    return _in_turn(jobs, decode)


def _in_turn(
    jobs: list[_Job], code: Callable[[list[DateInputs], int], list[CodedDate]]
) -> list[list[CodedDate]]:
    """Go through the dates of like chunks side by side."""
    results: list[list[CodedDate]] = [[] for _ in jobs]
    seen: list[list[Seen]] = [[] for _ in jobs]
    for time in range(len(jobs[0].plans)):
        dates = []
        for job, context in zip(jobs, seen, strict=True):
            plan = job.plans[time]
            if plan.key:
                context.clear()
            # A date whose blocks lie otherwise tells nothing position by position.
            like = [date for date in context if date.size == plan.size]
            nearest = tuple(like[: context_dates(plan.side.bands)])
            dates.append(DateInputs(plan.side, plan.size, nearest, plan.groups))
        for coded, context, result in zip(code(dates, time), seen, results, strict=True):
            result.append(coded)
            context.insert(0, coded.seen)
    return results
