"""The codecs that are compared and their settings: every shipped model and the peers."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence

import numpy as np
from locations import Location

QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
TOKENS = tuple(range(1, 17))
DECIBELS = (28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 51)
SPERR_DECIBELS = (6, 10, 14, 18, 22, 26, 30, 34, 38, 42)
JPEGXL_DISTANCES = (25, 12, 7, 4.5, 3, 2, 1.3, 0.9, 0.55, 0.35)
QUANTIZERS = (55, 54, 52, 48, 44, 40, 36, 32, 28, 24, 20)
COMPONENT_QUANTIZERS = (62, 60, 57, 54, 51, 48, 45, 42, 39, 36, 33, 30, 27, 24, 20)
WEBP_SETTINGS = ("RGB 0", "RGB 5", "RGB 20", "RGB 40", "RGB 60", "RGB 75", "RGB 83", "gray 91", "gray 95", "gray 98")

Coder = tuple[Callable[[Location, object], bytes], Callable[[bytes], np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Codec:
    """A codec by name, with its settings from the fewest bits to the most."""

    name: str
    settings: Sequence

    @property
    def is_peer(self) -> bool:
        return True

    def coder(self) -> Coder:
        """Functions: encode a location at a setting, decode the bytes. Raises ImportError where a library is missing."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Peer(Codec):
    """`encode_<what>` and `decode_<what>` of a module of `peers`."""

    module: str
    what: str

    def coder(self) -> Coder:
        module = importlib.import_module(f"peers.{self.module}")
        encode = getattr(module, f"encode_{self.what}")
        return lambda location, setting: encode(location.filled, setting), getattr(module, f"decode_{self.what}")


@dataclasses.dataclass(frozen=True)
class Model(Codec):
    """Weights that tec_zarr ships; its settings are values of the argument `keyword`."""

    keyword: str = "quality"

    @property
    def is_peer(self) -> bool:
        return False

    def coder(self) -> Coder:
        from tec_zarr.codec.chunk import decode_chunk, encode_chunk
        from tec_zarr.codec.settings import Settings

        def encode(location: Location, setting: object) -> bytes:
            settings = Settings(
                model=self.name,
                bands=location.bands,
                offset_dn=location.offset_dn,
                nodata=location.nodata,
                **{self.keyword: setting},
            )
            return encode_chunk(location.cube, settings)

        return encode, decode_chunk


PEERS = (
    Peer("JPEG 2000, a band a file", DECIBELS, "jpeg2000", "bands"),
    Peer("JPEG 2000, bands as components", DECIBELS, "jpeg2000", "frames"),
    Peer("JPEG XL", JPEGXL_DISTANCES, "jpegxl", "bands"),
    Peer("WebP, 8 bit", WEBP_SETTINGS, "webp", "bands"),
    Peer("SPERR", SPERR_DECIBELS, "sperr", "volume"),
    Peer("x265, 12 bit", QUANTIZERS, "x265", "bands"),
    Peer("PCA + x265", COMPONENT_QUANTIZERS, "x265", "components"),
    Peer("KLT bands + JPEG 2000", DECIBELS, "klt", "bands"),
    Peer("KLT bands, dates + JPEG 2000", DECIBELS, "klt", "dates"),
)


def everything() -> dict[str, Codec]:
    """All codecs by name, the shipped models first."""
    from tec_zarr.models import registry

    models = [
        Model(entry.name, QUALITIES) if entry.quality_of_tokens is None else Model(entry.name, TOKENS, "tokens")
        for entry in registry.entries().values()
    ]
    return {c.name: c for c in (*models, *PEERS)}
