"""Learned compression of Sentinel-2 data cubes, as a codec of Zarr.

Importing this package does not import torch: Zarr imports it whenever it opens a store that was
written with it.
"""

from importlib import metadata

from tec_zarr import accessor as _accessor  # noqa: F401 (it registers ds.tec)
from tec_zarr.accessor.whole import decompress, info
from tec_zarr.errors import (
    DamagedChunkError,
    DesyncError,
    InpaintingWarning,
    InvalidInputError,
    StoreInUseError,
    TargetError,
    TargetWarning,
    TecError,
    UnknownKeywordError,
    UnsupportedVersionError,
    WeightsError,
)
from tec_zarr.plugins.encoding import encoding
from tec_zarr.plugins.v2 import TerraCodec
from tec_zarr.plugins.v3 import TerraCodecSerializer
from tec_zarr.runtime.process import counters, set_cache_limit

__version__ = metadata.version("tec_zarr")

__all__ = [
    "DamagedChunkError",
    "DesyncError",
    "InpaintingWarning",
    "InvalidInputError",
    "StoreInUseError",
    "TargetError",
    "TargetWarning",
    "TecError",
    "TerraCodec",
    "TerraCodecSerializer",
    "UnknownKeywordError",
    "UnsupportedVersionError",
    "WeightsError",
    "__version__",
    "counters",
    "decompress",
    "encoding",
    "info",
    "set_cache_limit",
]
