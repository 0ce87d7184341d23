"""Dates out of a chunk: those that are asked for, and of the others what these need."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Collection, Sequence

import numpy as np

from tec_zarr.bitstream.container import Contents, Section
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Header
from tec_zarr.bitstream.runs import needed, runs, shown
from tec_zarr.codec import samples
from tec_zarr.codec.choice import reconstruct
from tec_zarr.codec.layer import START, CodedDate, State
from tec_zarr.codec.residual import exact_bands
from tec_zarr.errors import DamagedChunkError
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.runtime.fallback import with_fallback


@dataclasses.dataclass(frozen=True, eq=False)
class Date:
    """A date as decoded (band, y, x).

    kept
        bool, alike: samples that are kept beside what is coded, bit for bit.
    exact
        bool (band, 1, 1): bands that are coded without a loss.
    """

    values: np.ndarray
    kept: np.ndarray
    exact: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.values.nbytes + self.kept.nbytes


def decode_dates(
    contents: Contents, times: Collection[int], device: str, hold: bool
) -> dict[int, Date]:
    """The dates `times` of a chunk, those that it has a section of.

    Parameters
    ----------
    contents
        Of which only the runs of these dates are looked at.
    hold
        Whether what is decoded is kept for those who ask next.

    Raises
    ------
    DamagedChunkError, UnsupportedVersionError, DesyncError, WeightsError
    """
    found = {}
    sections = contents.sections
    wanted = {index: time for time, index in shown(sections).items() if time in times}
    for run in needed(sections, times):
        inside = [sections[index] for index in run]
        places = [index - run.start for index in run if index in wanted]
        decode = functools.partial(_decode_run, contents.header, inside, places, hold)
        dates = with_fallback(decode, device)
        for place, date in dates.items():
            found[wanted[run.start + place]] = date
    return found


def _decode_run(
    header: Header, sections: list[Section], places: list[int], hold: bool, device: str
) -> dict[int, Date]:
    return _Run(header, sections, device).decode(places, hold)


def assembled(contents: Contents, times: Sequence[int], dates: dict[int, Date]) -> np.ndarray:
    """The dates `times` as an array (time, band, y, x), C-contiguous; those that the chunk does
    not have are its fill value."""
    header = contents.header
    out = np.empty((len(times), *header.shape[1:]), header.dtype)
    for values, time in zip(out, times, strict=True):
        if time in dates:
            values[:] = dates[time].values
        else:
            values[:] = np.frombuffer(contents.fill, header.dtype)[0]
    return out


def coded_in_last_run(sections: Sequence[Section]) -> int:
    """How many dates of the last run have something that is coded."""
    count = 0
    for index in runs(sections)[-1]:
        count += Frame.parse(sections[index].data).has_values
    return count


def state_after(header: Header, sections: Sequence[Section], device: str) -> State:
    """Where the last run of these stands."""
    if not sections:
        return START
    last = runs(sections)[-1]
    return _Run(header, [sections[index] for index in last], device).state()


def remember(header: Header, sections: Sequence[Section], state: State) -> None:
    """Keep where the last run of these stands, for the date that comes next."""
    last = runs(sections)[-1]
    keys = _digests(header, [sections[index] for index in last])
    CACHE.put(b"state" + keys[-1], state, state.nbytes)


def _digests(header: Header, run: Sequence[Section]) -> list[bytes]:
    """For each section of a run a digest of all that it follows from."""
    digest = hashlib.blake2b(header.pack(), digest_size=20)
    found = []
    for section in run:
        digest.update(len(section.data).to_bytes(8, "big"))
        digest.update(section.data)
        found.append(digest.digest())
    return found


class _Run:
    """Sections that follow from each other, the first of them a key."""

    def __init__(self, header: Header, sections: Sequence[Section], device: str):
        self._header = header
        self._sections = sections
        self._device = device
        self._keys = _digests(header, sections)

    def decode(self, places: Collection[int], hold: bool) -> dict[int, Date]:
        """Those dates of the run that are at `places`."""
        with CACHE.alone(self._keys[0]):
            found = {}
            for place in places:
                date = CACHE.get(b"date" + self._keys[place])
                if date is not None:
                    found[place] = date
            missing = [place for place in places if place not in found]
            if missing:
                found |= self._decode_missing(missing, hold)
            return found

    def state(self) -> State:
        """Where the run stands after its last section."""
        with CACHE.alone(self._keys[0]):
            start, state = self._nearest_state(len(self._sections))
            if start < len(self._sections):
                _, state = self._walk(start, state, len(self._sections), ())
            return state

    def _decode_missing(self, missing: list[int], hold: bool) -> dict[int, Date]:
        start, state = self._nearest_state(missing[0])
        stop = missing[-1] + 1
        # Those who ask next may want what is decoded on the way.
        wanted = range(start, stop) if hold else missing
        dates, state = self._walk(start, state, stop, wanted)
        if hold:
            for place, date in dates.items():
                CACHE.put(b"date" + self._keys[place], date, date.nbytes)
            CACHE.put(b"state" + self._keys[stop - 1], state, state.nbytes)
        return {place: dates[place] for place in missing}

    def _nearest_state(self, place: int) -> tuple[int, State]:
        """The last section up to `place` before which it is known how the run stands."""
        for start in range(place, 0, -1):
            state = CACHE.get(b"state" + self._keys[start - 1])
            if state is not None:
                return start, state
        return 0, START

    def _walk(
        self, start: int, state: State, stop: int, wanted: Collection[int]
    ) -> tuple[dict[int, Date], State]:
        """Decode sections from `start` to `stop`; the dates that are `wanted`, and how the run
        stands then."""
        header = self._header
        frames = {place: Frame.parse(self._sections[place].data) for place in range(start, stop)}
        _check(header, frames.values())
        coded = []
        for place, frame in frames.items():
            if frame.coded is not None:
                key = self._sections[place].key
                coded.append(CodedDate(frame.coded, key, place in wanted))
        reconstructed, seen = reconstruct(header, coded, state.seen, self._device)
        COUNTERS.add("dates decoded", len(frames))
        remaining = iter(reconstructed)
        planes = state.planes
        count = state.coded
        dates = {}
        exact = np.array(exact_bands(header))[:, None, None]
        for place, frame in frames.items():
            if self._sections[place].key:
                planes = None
                count = 0
            count += frame.has_values
            dn = next(remaining) if frame.coded is not None else None
            if place in wanted:
                restored = samples.restore(dn, frame, header, planes)
                dates[place] = Date(restored.values, restored.exact, exact)
                planes = restored.planes
            else:
                planes = samples.skip(frame, header, planes)
        return dates, State(count, seen, planes)


def _check(header: Header, frames: Collection[Frame]) -> None:
    """Raise DamagedChunkError where undamaged parts do not go together."""
    bases = {bound.base for bound in header.bounds or ()}
    for frame in frames:
        is_coded = frame.coded is not None
        if bool(frame.residual) != (bool(bases - {Base.NONE}) and frame.has_values):
            raise DamagedChunkError("a frame has a residual just where the header says so")
        if not is_coded and frame.residual and bases & {Base.NONE, Base.LEARNED}:
            raise DamagedChunkError(
                "a frame without the learned layer that its header says its residual is behind"
            )
