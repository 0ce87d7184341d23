"""Dates through the network, in the service thread; dates of chunks that wait together go side
by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import Future

import numpy as np

from tec_zarr.entropy.symbols import Stream
from tec_zarr.prior.coding import CodedDate, DateCoder
from tec_zarr.prior.dates import DateInputs, Seen, context_dates
from tec_zarr.runtime.loading import PriorModel
from tec_zarr.runtime.service import service_of
from tec_zarr.transform.side import Side

BLOCKS_A_SIDE = 4
"""Positions along a side of what counts as one in the cost of a job: 64 x 64 pixels."""


class Context:
    """The dates of a chunk that the next one may be predicted from, as they come by."""

    def __init__(self, seen: Iterable[Seen] = ()) -> None:
        self._seen = list(seen)

    def inputs(self, side: Side, size: tuple[int, int], groups: int, key: bool) -> DateInputs:
        """What the prior needs to know of the next date; a key date forgets those before it."""
        if key:
            self._seen.clear()
        # A date whose blocks lie otherwise tells nothing position by position.
        like = [seen for seen in self._seen if seen.size == size]
        return DateInputs(side, size, tuple(like[: context_dates(side.bands)]), groups)

    def add(self, coded: CodedDate) -> None:
        """A date that was coded."""
        self._seen.insert(0, coded.seen)

    def seen(self, bands: int) -> tuple[Seen, ...]:
        """The dates that the next one, of so many bands, can look at."""
        return tuple(self._seen[: context_dates(bands)])


@dataclasses.dataclass(frozen=True, eq=False)
class _Job:
    coder: DateCoder
    date: DateInputs
    given: np.ndarray | Stream
    effort: int = 0
    reconstruct: bool = True


def encode_date(
    model: PriorModel, date: DateInputs, coefficients: np.ndarray, effort: int, reconstruct: bool
) -> Future[CodedDate]:
    """Code a date, of coefficients (C, 256, P) in steps.

    Without `reconstruct` values are symbols, without the network's correction.
    """
    return _submit(model, _encode_batch, _Job(model.coder, date, coefficients, effort, reconstruct))


def decode_date(model: PriorModel, date: DateInputs, stream: Stream) -> Future[CodedDate]:
    """Undo `encode_date`; the future raises DamagedChunkError or DesyncError."""
    return _submit(model, _decode_batch, _Job(model.coder, date, stream))


def _submit(
    model: PriorModel, run: Callable[[list[_Job]], list[CodedDate]], job: _Job
) -> Future[CodedDate]:
    date = job.date
    height, width = date.size
    alike = (
        id(job.coder),
        date.size,
        date.side.bands,
        len(date.context),
        job.effort,
        job.reconstruct,
    )
    cost = -(-height // BLOCKS_A_SIDE) * -(-width // BLOCKS_A_SIDE)
    return service_of(model.device, by_core=True).submit(run, alike, job, cost)


def _encode_batch(jobs: list[_Job]) -> list[CodedDate]:
    first = jobs[0]
    dates = [job.date for job in jobs]
    return first.coder.encode(dates, [job.given for job in jobs], first.effort, first.reconstruct)


def _decode_batch(jobs: list[_Job]) -> list[CodedDate]:
    return jobs[0].coder.decode([job.date for job in jobs], [job.given for job in jobs])
