"""One chunk: array to bytes, bytes to array. Any thread may call; the network runs in the service thread."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Header, Target
from tec_zarr.codec import cube, jobs, metrics, runtime
from tec_zarr.codec.layout import check_layout
from tec_zarr.codec.settings import DEFAULT_QUALITY, Settings, as_quality
from tec_zarr.codec.targets import make_goal, psnr_of, search
from tec_zarr.codec.trial import Trial, Work
from tec_zarr.errors import DamagedChunkError, TargetError, TargetWarning
from tec_zarr.models.config import TOKENS


def encode_chunk(array: np.ndarray, settings: Settings, device: str = "auto") -> bytes:
    """Encode `array` (time, band, y, x), which is not changed, to the bytes of one chunk (format version 1, *stable*).

    Raises InvalidInputError where shape, dtype or values cannot be encoded with these settings, TargetError where no
    quality gives their target.
    """
    check_layout(array.shape, array.dtype, settings.bands)
    work = Work(array, settings, device)
    if settings.quality is not None:
        return work.at(settings.quality).data
    if settings.target is None:
        return work.smallest().data
    if not work.gathered.coded:
        return work.at(DEFAULT_QUALITY).data
    return _search(work, settings.target)


def _search(work: Work, target: Target) -> bytes:
    array, scale = work.gathered.array, work.gathered.header.scale
    trials: dict[float, Trial] = {}

    def measure(quality: float) -> float:
        trials[quality] = trial = work.at(as_quality(quality))
        if target.name in ("psnr", "rmse"):
            return psnr_of(trial.rmse / scale)
        return math.log(metrics.bppb(len(trial.data), array.size))

    quality, met = search(measure, make_goal(target, scale, array.itemsize))
    trial = trials[quality]
    if met:
        return trial.data
    reached = {
        "psnr": lambda: psnr_of(trial.rmse / scale),
        "rmse": lambda: trial.rmse,
        "bppb": lambda: metrics.bppb(len(trial.data), array.size),
        "ratio": lambda: array.nbytes / len(trial.data),
    }[target.name]()
    said = (
        f"{target.name}={target.value:g} cannot be met in a chunk of shape {array.shape}: the nearest is {reached:.6g}, at "
        f"quality {quality:.4g}"
    )
    if not work.settings.best_effort:
        raise TargetError(f"{said}. Ask for another value, larger chunks, or best_effort=True to take the nearest")
    warnings.warn(f"{said}; it was taken", TargetWarning, stacklevel=3)
    return trial.marked(dataclasses.replace(target, met=False))


def decode_chunk(data: bytes | memoryview, device: str = "auto") -> np.ndarray:
    """The array (time, band, y, x) of a chunk, C-contiguous, of the dtype that was encoded.

    Raises DamagedChunkError, UnsupportedVersionError, DesyncError or WeightsError; never returns damaged data.
    """
    header, sections = container.parse(data)
    frames = [Frame.parse(section) for section in sections]
    loaded = runtime.load_for(header.model, header.weights, device)
    _check(header, frames, loaded)
    return cube.restore(jobs.reconstruct(loaded, frames, header), frames, header, loaded.statistics)


def _check(header: Header, frames: list[Frame], loaded: runtime.Loaded) -> None:
    """Raise DamagedChunkError where undamaged parts do not go together."""
    latents = [frame.latents for frame in frames if frame.latents is not None]
    if header.shape[1] != loaded.bands if header.bands is None else max(header.bands) >= loaded.bands:
        raise DamagedChunkError(f"{header.shape[1]} bands, indices {header.bands}, where {loaded.bands} are known")
    if not loaded.exact.tokens and any(frame.tokens != TOKENS for frame in latents):
        raise DamagedChunkError(f"a frame without all of its tokens, where {header.model} has none to drop")
    bases = {bound.base for bound in header.bounds or ()}
    for frame in frames:
        coded = frame.latents is not None or bool(frame.residual)
        if bool(frame.residual) != (bool(bases - {Base.NONE}) and coded):
            raise DamagedChunkError("a frame has a residual just where the header says so")
        if frame.latents is None and frame.residual and bases & {Base.NONE, Base.LEARNED}:
            raise DamagedChunkError("a frame without the latents that its header says its residual is behind")
