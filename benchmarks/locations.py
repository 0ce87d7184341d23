"""Locations of a folder of corpus files, or of any other folder in that format."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import sys
from typing import NamedTuple

import numpy as np

from tec_zarr.codec import metrics
from tec_zarr.codec.gaps import fill
from tec_zarr.models.bands import L2A
from tec_zarr.training.corpus import read_corpus_file


class Cut(NamedTuple):
    """The first `pixels` each way of the first `dates`, of `bands`.

    None stands for all, and of bands for the twelve of L2A.
    """

    pixels: int | None = None
    dates: int | None = None
    bands: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Location:
    """`cube` uint16 (time, band, y, x) as published, of `bands`."""

    name: str
    cube: np.ndarray
    bands: tuple[str, ...]
    offset_dn: int
    nodata: int | None

    @functools.cached_property
    def valid(self) -> np.ndarray:
        return metrics.measured(self.cube, self.nodata)

    @functools.cached_property
    def filled(self) -> np.ndarray:
        """The cube with gaps that continue their surroundings.

        Peers code this and need not restore the gaps.
        """
        if self.valid.all():
            return self.cube
        filled = self.cube.astype(np.float32)
        for t, b in np.ndindex(*self.cube.shape[:2]):
            valid = self.valid[t, b]
            others = self.cube[:, b][self.valid[:, b]]
            filled[t, b] = fill(filled[t, b], valid, float(others.mean()) if others.size else 0.0)
        return np.rint(filled).astype(np.uint16)


def find(folder: pathlib.Path, names: list[str] | None) -> list[pathlib.Path]:
    """The corpus files of `folder`, only `names` where given, by name."""
    paths = sorted(folder.glob("*.zip"))
    if missing := set(names or ()) - {p.stem for p in paths}:
        there = ", ".join(path.stem for path in paths)
        raise SystemExit(
            f"{folder} has no {', '.join(sorted(missing))}; it has {there or 'no *.zip'}"
        )
    return [p for p in paths if not names or p.stem in names]


@functools.lru_cache(maxsize=2)
def load(path: pathlib.Path, cut: Cut) -> Location:
    """What `cut` leaves of a file; raises ValueError where there is nothing to measure."""
    data, meta = read_corpus_file(path)
    wanted = cut.bands or L2A
    bands = tuple(b for b in wanted if b in meta["bands"])
    if not bands:
        raise ValueError(f"none of its bands {meta['bands']} is one of {', '.join(wanted)}")
    chosen = [meta["bands"].index(b) for b in bands]
    cube = np.ascontiguousarray(data[: cut.dates, chosen, : cut.pixels, : cut.pixels])
    offset_dn = int(meta.get("offset_dn") or 0)
    location = Location(path.stem, cube, bands, offset_dn, meta.get("nodata", 0))
    if not location.valid.any():
        raise ValueError("no valid sample")
    return location


def usable(paths: list[pathlib.Path], cut: Cut) -> list[pathlib.Path]:
    """The files that can be read and have something to measure; says why of the others."""
    kept = []
    for path in paths:
        try:
            load(path, cut)
        except (OSError, ValueError) as error:
            print(f"left out {path.stem}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        kept.append(path)
    return kept
