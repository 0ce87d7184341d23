"""Windows along an axis: pixels that a window is for, and those about it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np

CORE = 256
"""Side in pixels, about, of the windows that a cube is worked on in."""

STEP = 64
"""Pixels of a token block: windows begin at multiples of it."""

MARGIN = 64
"""Pixels about a window that it is predicted with: fits and contexts see them."""

FADE = 32
"""Pixels on either side of where two windows meet over which the one goes over into the other."""


@dataclasses.dataclass(frozen=True)
class Span:
    """Pixels of a window along an axis: those it is for, those it is kept on to fade into its
    neighbors, those it reads."""

    core: tuple[int, int]
    kept: tuple[int, int]
    read: tuple[int, int]

    @classmethod
    def make(cls, start: int, stop: int, size: int) -> Span:
        kept, read = ((max(0, start - more), min(size, stop + more)) for more in (FADE, MARGIN))
        return cls((start, stop), kept, read)

    def weights(self) -> np.ndarray:
        """How much the window counts in each pixel that it is kept on; with its neighbors' that
        is 1."""
        at = np.arange(*self.kept) + 0.5
        rise = (
            np.ones(len(at))
            if self.kept[0] == self.core[0]
            else (at - self.core[0] + FADE) / (2 * FADE)
        )
        fall = (
            np.ones(len(at))
            if self.kept[1] == self.core[1]
            else (self.core[1] + FADE - at) / (2 * FADE)
        )
        return np.clip(rise, 0, 1) * np.clip(fall, 0, 1)


def spans_of(size: int) -> list[Span]:
    count = max(1, round(size / CORE))
    edges = [*(round(i * size / count / STEP) * STEP for i in range(count)), size]
    return [Span.make(*edge, size) for edge in itertools.pairwise(edges)]


def within(
    parts: Iterable[tuple[int, int]], wholes: Iterable[tuple[int, int]]
) -> tuple[slice, ...]:
    """Where spans of pixels lie in others, as far as they do."""
    both = zip(parts, wholes, strict=True)
    return tuple(
        slice(max(a - first, 0), max(min(b, last) - first, 0)) for (a, b), (first, last) in both
    )
