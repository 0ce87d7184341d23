"""Where the first date of a chunk begins: bases over bands, and how likely channels are to be live.

    python -m tec_zarr.training.start_values --data FOLDER --out FOLDER

Both are part of the format: the files that this writes, `bases.npz` and `live.npz`, take the
place of those in `tec_zarr.transform` only in a release that reads no older chunks.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

from tec_zarr.models.bands import L2A, LEVELS
from tec_zarr.prior.live import live_channels
from tec_zarr.prior.static import expected_rms
from tec_zarr.training.corpus import Location, load_folder
from tec_zarr.training.series_crops import CLEAR, LEAST_SIDE, SUBSETS
from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.basis import ONE
from tec_zarr.transform.frequencies import BLOCK, FREQUENCIES, ZONE
from tec_zarr.transform.live_table import LIVE_BUCKETS, LIVE_CONTEXTS
from tec_zarr.transform.side import Side
from tec_zarr.transform.spread import spread_of

SIDES = (128, 256)
SERIES_A_PLACE = 2
DATES = 4

STEPS_A_SERIES = 4
LEAST_STEP = 8.0
MOST_STEP = 9000.0

ASSUMED = 4.0
"""Channels that a context counts as seen at the start, dead by a logistic curve of its bucket."""


def spectra(locations: list[Location], rng: np.random.Generator) -> list[list[Spectrum]]:
    """Spectra of a few dates each of random windows."""
    out = []
    for place in locations:
        if min(place.dn.shape[-2:]) < LEAST_SIDE:
            continue
        for _ in range(SERIES_A_PLACE):
            window = _window(place.dn.shape[-2:], rng)
            clear = place.valid[window].mean((1, 2)) > CLEAR
            dates = np.flatnonzero(clear)[:DATES]
            if len(dates):
                dn = place.dn[dates][window].astype(np.float32)
                out.append([Spectrum.of(np.ascontiguousarray(date)) for date in dn])
    return out


def _window(size: tuple[int, int], rng: np.random.Generator) -> tuple:
    """A window at even offsets."""
    height, width = size
    most = min(height // BLOCK * BLOCK, width // BLOCK * BLOCK)
    side = min(most, int(rng.choice(SIDES)))
    y = rng.integers(height - side + 1) // 2 * 2
    x = rng.integers(width - side + 1) // 2 * 2
    return np.s_[..., y : y + side, x : x + side]


def bases(series: list[list[Spectrum]]) -> dict[str, np.ndarray]:
    """Bases int32 in 2**30ths by number of bands: those of the coarsest frequencies of all
    dates."""
    covariance = np.zeros((len(L2A), len(L2A)))
    for dates in series:
        for spectrum in dates:
            own = spectrum.covariances[0]
            covariance += own / np.trace(own)
    out = {f"bands{len(L2A)}": _principal(covariance)}
    for count, names in SUBSETS.items():
        chosen = [L2A.index(name) for name in names]
        out[f"bands{count}"] = _principal(covariance[np.ix_(chosen, chosen)])
    out["bands13"] = _with_b10(out[f"bands{len(L2A)}"])
    return out


def _principal(covariance: np.ndarray) -> np.ndarray:
    _, vectors = np.linalg.eigh(covariance)
    strongest_first = vectors[:, ::-1]
    signs = np.where(strongest_first.sum(0) < 0, -1, 1)
    return np.rint(strongest_first * signs * ONE).astype(np.int32)


def _with_b10(basis: np.ndarray) -> np.ndarray:
    """A basis of L1C's 13 bands, with B10, which sees no ground, as the last component."""
    names = LEVELS["s2l1c"].bands
    alone = names.index("B10")
    rows = [i for i in range(len(names)) if i != alone]
    out = np.zeros((len(names), len(names)), np.int32)
    out[np.ix_(rows, range(len(rows)))] = basis
    out[alone, -1] = ONE
    return out


def live_zeros(series: list[list[Spectrum]], rng: np.random.Generator) -> np.ndarray:
    """Probability of a dead channel (contexts,) uint16 in 2**16ths, by the side's contexts."""
    dead = np.zeros(LIVE_CONTEXTS)
    total = np.zeros(LIVE_CONTEXTS)
    for dates in series:
        for log_step in rng.uniform(np.log(LEAST_STEP), np.log(MOST_STEP), STEPS_A_SERIES):
            step = float(np.float32(np.exp(log_step)))
            before = None
            for spectrum in dates:
                before = _count(spectrum, step, before, dead, total)
    bucket = np.arange(LIVE_BUCKETS).repeat(LIVE_CONTEXTS // LIVE_BUCKETS)
    log_rms = (2 * bucket - LIVE_BUCKETS) / 8
    assumed = 1 - 1 / (1 + np.exp(-2 * (log_rms + 2)))
    share = (dead + ASSUMED * assumed) / (total + ASSUMED)
    return np.clip(np.rint(share * 65536), 48, 65488).astype(np.uint16)


def _count(
    spectrum: Spectrum, step: float, before: Side | None, dead: np.ndarray, total: np.ndarray
) -> Side:
    """Add a date's channels to the counts; its side information."""
    side, coefficients = spectrum.at(step, before)
    flat = coefficients.reshape(*coefficients.shape[:2], -1)
    live = live_channels(flat, expected_rms(side), effort=1)
    side = side.with_live(live)
    expected = 2 * side.energies[ZONE].T + spread_of(len(live))
    bucket = np.clip((expected + LIVE_BUCKETS) >> 1, 0, LIVE_BUCKETS - 1)
    earlier = np.zeros(live.shape, int) if before is None else 1 + before.live
    context = (bucket * 3 + earlier) * 3 + _neighbors(live)
    asked = np.arange(len(live))[:, None] < np.array(side.counts)[ZONE][None]
    np.add.at(total, context[asked], 1)
    np.add.at(dead, context[asked], ~live[asked])
    return side


def _neighbors(live: np.ndarray) -> np.ndarray:
    """How many of the two next lower frequencies of each channel are live, (C, 256); beyond the
    edge all are."""
    grid = live.reshape(-1, BLOCK, BLOCK)
    padded = np.pad(grid, ((0, 0), (1, 0), (1, 0)), constant_values=True).astype(int)
    return (padded[:, 1:, :-1] + padded[:, :-1, 1:]).reshape(-1, FREQUENCIES)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tec_zarr.training.start_values", description=__doc__
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        required=True,
        help="folder of *.zip corpus files or *.zarr stores",
    )
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    series = spectra(load_folder(args.data), rng)
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / "bases.npz", **bases(series))
    np.savez_compressed(args.out / "live.npz", zeros=live_zeros(series, rng))


if __name__ == "__main__":
    main()
