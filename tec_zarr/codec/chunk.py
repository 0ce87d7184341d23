"""One chunk: array to bytes, bytes to array. Any thread may call; networks run in the service
thread."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Header, Target
from tec_zarr.codec import metrics, samples
from tec_zarr.codec.choice import reconstruct
from tec_zarr.codec.quality import DEFAULT_QUALITY, as_quality
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.targets import make_goal, search
from tec_zarr.codec.trial import Trial, Work
from tec_zarr.errors import DamagedChunkError, TargetError, TargetWarning

SMALL_CHUNK = 2**15
"""Samples, below which what is no symbol (50 to 150 bytes) can alone be more than a size that
larger chunks reach."""


def encode_chunk(array: np.ndarray, settings: Settings, device: str = "auto") -> bytes:
    """Encode `array` (time, band, y, x), which is not changed, to the bytes of one chunk (format
    version 2, *stable*).

    Raises InvalidInputError where shape, dtype or values cannot be encoded with these settings,
    TargetError where no quality gives their target.
    """
    work = Work(array, settings, device)
    if settings.quality is not None:
        return work.at(settings.quality).data
    if settings.target is None:
        return work.smallest().data
    if not work.gathered.coded:
        return work.at(DEFAULT_QUALITY).data
    if settings.target.name in ("psnr", "rmse"):
        return _toward_error(work, settings.target)
    return _toward_size(work, settings.target)


def _toward_error(work: Work, target: Target) -> bytes:
    scale = work.gathered.header.scale
    goal = make_goal(target, scale, work.gathered.array.itemsize)
    trial = work.toward_psnr(goal.value)
    psnr = metrics.psnr_of_rmse(trial.rmse / scale)
    if goal.reached(psnr):
        return trial.data
    value = psnr if target.name == "psnr" else trial.rmse
    return _missed(work, trial, target, value)


def _toward_size(work: Work, target: Target) -> bytes:
    array = work.gathered.array
    trials: dict[float, Trial] = {}

    def measure(quality: float) -> float:
        trials[quality] = work.at(as_quality(quality))
        return math.log(metrics.bppb(len(trials[quality].data), array.size))

    quality, met = search(measure, make_goal(target, 1.0, array.itemsize))
    trial = trials[quality]
    if met:
        return trial.data
    is_mostly_headers = trial.is_empty or array.size < SMALL_CHUNK
    if is_mostly_headers:
        # The chunk is as small as chunks are, and says so: one at the edge of an array must not
        # fail all of it.
        return trial.marked(dataclasses.replace(target, met=False))
    ratio = array.nbytes / len(trial.data)
    value = metrics.bppb(len(trial.data), array.size) if target.name == "bppb" else ratio
    return _missed(work, trial, target, value)


def _missed(work: Work, trial: Trial, target: Target, value: float) -> bytes:
    """The nearest there is, with a warning, where the settings want that; else raise
    TargetError."""
    said = (
        f"{target.name}={target.value:g} cannot be met in a chunk of shape "
        f"{work.gathered.array.shape}: the nearest is {value:.6g}, at quality {trial.quality:.4g}"
    )
    if not work.settings.best_effort:
        raise TargetError(
            f"{said}. Ask for another value, larger chunks, or best_effort=True to take the nearest"
        )
    warnings.warn(f"{said}; it was taken", TargetWarning, stacklevel=4)
    return trial.marked(dataclasses.replace(target, met=False))


def decode_chunk(data: bytes | memoryview, device: str = "auto") -> np.ndarray:
    """The array (time, band, y, x) of a chunk, C-contiguous, of the dtype that was encoded.

    Raises DamagedChunkError, UnsupportedVersionError, DesyncError or WeightsError; never returns
    damaged data.
    """
    header, sections = container.parse(data)
    frames = [Frame.parse(section) for section in sections]
    _check(header, frames)
    return samples.restore(reconstruct(header, frames, device), frames, header)


def _check(header: Header, frames: list[Frame]) -> None:
    """Raise DamagedChunkError where undamaged parts do not go together."""
    bases = {bound.base for bound in header.bounds or ()}
    for frame in frames:
        is_coded = frame.coded is not None
        has_values = is_coded or bool(frame.residual)
        if bool(frame.residual) != (bool(bases - {Base.NONE}) and has_values):
            raise DamagedChunkError("a frame has a residual just where the header says so")
        if not is_coded and frame.residual and bases & {Base.NONE, Base.LEARNED}:
            raise DamagedChunkError(
                "a frame without the learned layer that its header says its residual is behind"
            )
