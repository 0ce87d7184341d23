"""Quality, 1 to 100, and the quantization step that it stands for."""

from __future__ import annotations

import math
import numbers
import struct

from tec_zarr.errors import InvalidInputError

MIN_QUALITY = 1.0
MAX_QUALITY = 100.0
DEFAULT_QUALITY = 35.0

COARSEST_STEP = 16_384.0
FINEST_STEP = 2.0
"""Steps in DN of quality 1 and of quality 100; between them a step of quality is always the same
factor."""

_LOG_RANGE = math.log(FINEST_STEP / COARSEST_STEP)


def step_of(quality: float) -> float:
    """The quantization step in DN of a quality, as the float32 that the stream holds."""
    position = (quality - MIN_QUALITY) / (MAX_QUALITY - MIN_QUALITY)
    return as_float32(COARSEST_STEP * math.exp(_LOG_RANGE * position))


def quality_of(step: float) -> float:
    """The quality, 1 to 100, that comes nearest to a quantization step in DN."""
    position = math.log(step / COARSEST_STEP) / _LOG_RANGE
    quality = MIN_QUALITY + position * (MAX_QUALITY - MIN_QUALITY)
    return min(max(quality, MIN_QUALITY), MAX_QUALITY)


def as_float32(value: float) -> float:
    """As the float32 that the stream holds, so that encoder and decoder compute with the same
    number."""
    return struct.unpack(">f", struct.pack(">f", value))[0]


def as_quality(value: object) -> float:
    """A quality as the stream holds it; raises InvalidInputError where it is none."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not MIN_QUALITY <= value <= MAX_QUALITY:
        raise InvalidInputError(
            f"quality must be 1 (smallest) to 100 (most faithful); got {value!r}"
        )
    return as_float32(value)
