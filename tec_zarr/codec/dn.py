"""The numbers that an array holds, and DN without offset, which the model knows."""

from __future__ import annotations

import numpy as np

from tec_zarr.bitstream.header import Header


def to_dn(values: np.ndarray, header: Header) -> np.ndarray:
    """DN without offset, float32, of an array's own numbers."""
    if header.is_float:
        with np.errstate(over="ignore", invalid="ignore"):
            return (values / header.scale).astype(np.float32)
    return values.astype(np.float32) + np.float32(header.offset_dn)


def from_dn(dn: np.ndarray, header: Header) -> np.ndarray:
    """The array's own numbers of DN without offset, rounded and limited to integer dtypes."""
    dtype = np.dtype(header.dtype)
    if header.is_float:
        return (dn.astype(np.float64) * header.scale).astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(dn - np.float32(header.offset_dn)), limits.min, limits.max).astype(dtype)


def off_nodata(values: np.ndarray, header: Header) -> np.ndarray:
    """`values`, measurements all of them, those that fell on the nodata value moved to its
    neighbor."""
    if not header.nodata:
        return values
    nodata = np.frombuffer(header.nodata, header.dtype)[0]
    if header.is_float:
        neighbor = np.nextafter(nodata, np.array(np.inf, values.dtype))
    else:
        neighbor = nodata - 1 if nodata == np.iinfo(values.dtype).max else nodata + 1
    return np.where(values == nodata, neighbor, values)
