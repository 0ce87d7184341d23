"""The classical codecs that are compared, and their settings."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence

import numpy as np
from cases import JPEG2000_BANDS, JPEG2000_DATES, KLT_BANDS, KLT_DATES, PCA_X265
from locations import Location

DECIBELS = (*range(28, 48), 49, 51)
"""PSNR that JPEG 2000 is asked for; what it comes to may be further apart."""

COMPONENT_QUANTIZERS = (62, 60, 57, 54, 51, 48, 45, 42, 39, 36, 33, 30, 27, 24, 20)
"""Quantization parameters, where a step of 12 bits is 1 DN."""

Coder = tuple[Callable[[Location, object], bytes], Callable[[bytes], np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Peer:
    """A codec of the folder `peers`.

    Attributes
    ----------
    name
        By which its curves are kept.
    settings
        From the fewest bits to the most.
    module
        Of `peers`.
    what
        Its functions are `encode_<what>` and `decode_<what>`.
    """

    name: str
    settings: Sequence[int]
    module: str
    what: str

    def coder(self) -> Coder:
        """Functions that encode a location at a setting, and decode the bytes.

        Raises ImportError where a library is missing.
        """
        module = importlib.import_module(f"peers.{self.module}")
        encode_cube = getattr(module, f"encode_{self.what}")
        decode = getattr(module, f"decode_{self.what}")

        def encode(location: Location, setting: object) -> bytes:
            return encode_cube(location.filled, setting)

        return encode, decode


PEERS = (
    Peer(KLT_BANDS, DECIBELS, "klt", "bands"),
    Peer(KLT_DATES, DECIBELS, "klt", "dates"),
    Peer(PCA_X265, COMPONENT_QUANTIZERS, "x265", "components"),
    Peer(JPEG2000_BANDS, DECIBELS, "jpeg2000", "bands"),
    Peer(JPEG2000_DATES, DECIBELS, "jpeg2000", "frames"),
)
