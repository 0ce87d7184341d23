"""A budget of a whole cube: the one quality of all chunks that meets it, so that bits go where
the content needs them."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Self

from tec_zarr.bitstream.header import Target
from tec_zarr.codec.targets import make_goal, search
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError, TargetError, TargetWarning
from tec_zarr.stores.options import Plan
from tec_zarr.stores.sampling import SAMPLE, ChunkSample, Estimate

PRECISION = 0.015
"""Relative standard error of bytes from which on no more chunks are coded."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """`total_bytes`, `bppb` (bits a sample) or `ratio` (times smaller), and whether the nearest
    is taken where there is none."""

    name: str
    value: float
    best_effort: bool

    @classmethod
    def make(
        cls,
        total_bytes: float | None,
        bppb: float | None,
        ratio: float | None,
        best_effort: bool,
    ) -> Self | None:
        """The budget that was given; None where there is none.

        Raises InvalidInputError where there are several, or one is no positive number.
        """
        given = {}
        for name, value in (("total_bytes", total_bytes), ("bppb", bppb), ("ratio", ratio)):
            if value is not None:
                given[name] = value
        if not given:
            return None
        if len(given) > 1:
            raise InvalidInputError(f"give one of total_bytes, bppb and ratio at most; got {given}")
        [(name, value)] = given.items()
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            raise InvalidInputError(f"{name} must be a positive number; got {value!r}")
        return cls(name, value, best_effort)

    def bits(self, planned: Plan) -> float:
        """Bits a sample that may be spent."""
        array = planned.cube[NAME]
        if self.name == "total_bytes":
            return 8 * self.value / array.size
        if self.name == "ratio":
            return 8 * array.dtype.itemsize / self.value
        return self.value


def affordable_quality(planned: Plan, budget: Budget) -> float:
    """The quality at which a cube takes what its budget allows, found on a sample of its chunks.

    Raises TargetError where no quality does, InvalidInputError where the settings decide on
    quality, too.
    """
    decided = {"quality", "psnr", "rmse"}
    clash = sorted(name for name in decided if planned.codec.get(name) is not None)
    if clash:
        raise InvalidInputError(
            f"a budget of the whole cube decides on quality; leave out {', '.join(clash)}"
        )
    planned.settings()
    bits = budget.bits(planned)
    sample = ChunkSample(planned)
    goal = make_goal(Target("bppb", bits), 1.0, 2)
    count = SAMPLE
    found: dict[float, Estimate] = {}

    def measure(quality: float) -> float:
        found[quality] = sample.expect(planned.at_quality(quality).settings(), count)
        return math.log(found[quality].bppb)

    quality, met = search(measure, goal)
    while met and found[quality].spread > PRECISION:
        # The sample says too little: search again on twice as many, from where it ended.
        count *= 2
        off = measure(quality) - goal.value
        nearer = dataclasses.replace(goal, first=quality - off / goal.slope)
        quality, met = search(measure, nearer)
    if not met:
        _miss(bits, found[quality].bppb, quality, budget.best_effort)
    return quality


def _miss(bits: float, nearest: float, quality: float, best_effort: bool) -> None:
    said = (
        f"{bits:.4g} bits a sample cannot be met: the nearest is {nearest:.4g}, at quality "
        f"{quality:.4g}"
    )
    if not best_effort:
        raise TargetError(
            f"{said}. Ask for another budget, or best_effort=True to take the nearest"
        )
    warnings.warn(f"{said}; it was taken", TargetWarning, stacklevel=5)
