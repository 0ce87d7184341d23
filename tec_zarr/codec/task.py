"""What there is to do: dates to be coded, and the chunk that they come into."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.bitstream.container import Section
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.layer import START, State
from tec_zarr.codec.settings import Settings


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A date to be coded: its samples (band, y, x), and which of them nobody ever wrote (bool,
    alike); None where nobody knows."""

    values: np.ndarray
    absent: np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Dates to be coded into a chunk.

    Parameters
    ----------
    parts
        The dates, by their place in the chunk, in order.
    shape
        Of the chunk (time, band, y, x).
    fill
        Value (bytes) of the chunk's dates that nobody ever wrote; empty where there are none.
    kept
        Sections of the chunk that stay as they are.
    state
        Where the last run of these stands, or what begins a new one.
    header
        Of the chunk so far; None where nothing of it stays.
    """

    parts: dict[int, Part]
    shape: tuple[int, int, int, int]
    fill: bytes = b""
    kept: tuple[Section, ...] = ()
    state: State = START
    header: Header | None = None

    @property
    def times(self) -> list[int]:
        """Which dates of the chunk there are to code."""
        return list(self.parts)

    def array(self) -> np.ndarray:
        """All of them (dates, band, y, x)."""
        dates = [part.values for part in self.parts.values()]
        # Numpy would bring them to the byte order of the machine.
        return np.stack(dates, dtype=dates[0].dtype)

    def absent(self) -> np.ndarray | None:
        """Which samples nobody ever wrote, bool alike; None where nobody knows."""
        known = [part.absent for part in self.parts.values()]
        return None if known[0] is None else np.stack(known)

    def keys(self, settings: Settings, count: int) -> list[bool]:
        """Which of so many dates, those that have something to code, are key dates."""
        return settings.key_dates(count, self.state.coded)

    @property
    def kept_bytes(self) -> int:
        """Of the sections that stay."""
        return sum(len(section.data) for section in self.kept)
