"""One chunk: array to bytes, bytes to array. Any thread may call; networks run in the service
thread."""

from __future__ import annotations

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Header
from tec_zarr.codec import samples
from tec_zarr.codec.choice import reconstruct
from tec_zarr.codec.reaching import reach, smallest
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.trial import Work
from tec_zarr.errors import DamagedChunkError


def encode_chunk(array: np.ndarray, settings: Settings, device: str = "auto") -> bytes:
    """Encode `array` (time, band, y, x), which is not changed, to the bytes of one chunk (format
    version 2, *stable*).

    Raises InvalidInputError where shape, dtype or values cannot be encoded with these settings,
    TargetError where no quality gives their target.
    """
    work = Work(array, settings, device)
    if settings.quality is not None:
        return work.at(settings.quality).data
    if settings.target is not None:
        return reach(work, settings.target)
    return smallest(work)


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
