"""Which sections of a chunk a date needs.

Sections are coded one after the other. Each may look back as far as the last key section, so that
a key and what follows it, up to the next key, is a run; a section needs those of its run that come
before it, and no others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tec_zarr.bitstream.container import Entry, Section

Listed = Sequence[Entry] | Sequence[Section]


def shown(listed: Listed) -> dict[int, int]:
    """Which section counts of each date that has one: the last."""
    return {each.time: index for index, each in enumerate(listed)}


def runs(listed: Listed) -> list[range]:
    """The runs, in order. What comes before the first key is one, too."""
    starts = [index for index, each in enumerate(listed) if each.key or index == 0]
    ends = [*starts[1:], len(listed)] if starts else []
    return [range(*both) for both in zip(starts, ends, strict=True)]


def needed(listed: Listed, times: Collection[int]) -> list[range]:
    """Of each run that dates `times` are in, the sections up to the last of these."""
    wanted = {index for time, index in shown(listed).items() if time in times}
    found = []
    for run in runs(listed):
        inside = [index for index in run if index in wanted]
        if inside:
            found.append(range(run.start, inside[-1] + 1))
    return found


def keep(listed: Sequence[Section], times: Collection[int]) -> list[Section]:
    """Of all sections those that dates `times` need."""
    kept: list[Section] = []
    for run in needed(listed, times):
        kept += [listed[index] for index in run]
    return kept
