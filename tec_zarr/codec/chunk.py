"""One chunk: array to bytes, bytes to array. Any thread may call; networks run in the service
thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.container import Contents, Section
from tec_zarr.bitstream.runs import keep
from tec_zarr.codec.exact import used_dates
from tec_zarr.codec.known import note, recall
from tec_zarr.codec.layer import START, State
from tec_zarr.codec.layout import check_layout
from tec_zarr.codec.reaching import reach, smallest
from tec_zarr.codec.reading import (
    assembled,
    coded_in_last_run,
    decode_dates,
    remember,
    state_after,
)
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.task import Part, Task
from tec_zarr.codec.trial import Trial, Work
from tec_zarr.runtime.counters import COUNTERS
from tec_zarr.runtime.fallback import with_fallback


def encode_chunk(array: np.ndarray, settings: Settings, device: str = "auto") -> bytes:
    """Encode `array` (time, band, y, x), which is not changed, to the bytes of one chunk (format
    version 3, *stable*).

    Dates that this process has just decoded, and that have not changed since, keep their bytes.

    Raises InvalidInputError where shape, dtype or values cannot be encoded with these settings,
    TargetError where no quality gives their target.
    """
    check_layout(array.shape, array.dtype, settings.bands)
    before, known = recall(array, settings)
    dates = used_dates(array)
    parts = {}
    for time in range(dates):
        if time not in known:
            parts[time] = Part(array[time], None)
    sections = before.sections if before is not None else ()
    header = before.header if before is not None else None
    # Dates that pad the chunk at the end of an array need no section.
    fill = array[-1:, -1:, -1:, -1:].tobytes()
    stays = [time for time in known if time < dates]
    return encode_parts(
        parts, Contents(header, sections, fill), stays, array.shape, settings, device
    )


def encode_parts(
    parts: Mapping[int, Part],
    before: Contents,
    stays: Collection[int],
    shape: tuple[int, int, int, int],
    settings: Settings,
    device: str,
) -> bytes:
    """The bytes of a chunk of `shape` whose dates `stays` are as they were before, and whose
    dates in `parts` are coded anew; raises as `encode_chunk` does."""
    kept = keep(before.sections, stays)
    if not parts:
        return container.pack(Contents(before.header, tuple(kept), before.fill))

    def run(device: str) -> Trial:
        return _encode(_task(parts, before, kept, shape, settings, device), settings, device)

    trial = with_fallback(run, device)
    COUNTERS.add("chunks encoded")
    COUNTERS.add("dates encoded", len(parts))
    COUNTERS.add("bytes encoded", sum(part.values.nbytes for part in parts.values()))
    dates = {section.time for section in kept} | set(parts)
    if len(dates) < shape[0] and trial.state.coded:
        # More dates will come, and will want to know what came before.
        remember(trial.header, trial.sections, trial.state)
    return trial.data


def _task(
    parts: Mapping[int, Part],
    before: Contents,
    kept: list[Section],
    shape: tuple[int, int, int, int],
    settings: Settings,
    device: str,
) -> Task:
    return Task(
        parts=dict(sorted(parts.items())),
        shape=shape,
        fill=before.fill,
        kept=tuple(kept),
        state=_state(parts, before, kept, settings, device),
        header=before.header if kept else None,
    )


def _state(
    parts: Mapping[int, Part],
    before: Contents,
    kept: list[Section],
    settings: Settings,
    device: str,
) -> State:
    """What the first of the dates in `parts` may be predicted from."""
    hidden = {section.time for section in kept} & set(parts)
    # Where dates that stay follow from one that is written anew, its bytes stay, too, and a new
    # run begins.
    if not kept or hidden or settings.is_published:
        return START
    [begins_run] = settings.key_dates(1, coded_in_last_run(kept))
    return START if begins_run else state_after(before.header, kept, device)


def _encode(task: Task, settings: Settings, device: str) -> Trial:
    work = Work(task, settings, device)
    if settings.quality is not None:
        return work.at(settings.quality)
    if settings.target is not None:
        return reach(work, settings.target)
    return smallest(work)


def decode_chunk(
    data: bytes | memoryview, device: str = "auto", settings: Settings | None = None
) -> np.ndarray:
    """The array (time, band, y, x) of a chunk, C-contiguous, of the dtype that was encoded.

    With the `settings` that it was coded with, it keeps its bytes where it is coded again.

    Raises DamagedChunkError, UnsupportedVersionError, DesyncError or WeightsError; never returns
    damaged data.
    """
    contents = container.parse(data)
    times = range(contents.header.shape[0])
    dates = decode_dates(contents, times, device, hold=False)
    array = assembled(contents, times, dates)
    if settings is not None:
        note(contents, times, array, settings)
    return array
