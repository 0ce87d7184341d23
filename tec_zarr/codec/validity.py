"""Samples that are not measurements, coded losslessly beside the latents: nodata, NaN, infinities,
values out of range.

The section of a frame (band, y, x), *stable*:

    flags       u8      1: all bands are alike, one plane stands for them
    count       u8      distinct values, 254 at most
    values      count times the dtype's size, as the dtype lays them out
    the rest    zlib of the plane or planes, then of the verbatim values:
                one bit a sample (1: not valid; most significant bit first) where count is 1,
                else a byte a sample: 0 valid, k the k-th value, 255 verbatim, in the order of
                the samples
"""

from __future__ import annotations

import zlib

import numpy as np

from tec_zarr.errors import DamagedChunkError

VERBATIM = 255
LEVEL = 9


def _bits(samples: np.ndarray) -> np.ndarray:
    return samples.view(f"{samples.dtype.byteorder}u{samples.dtype.itemsize}")


def encode_validity(frame: np.ndarray, invalid: np.ndarray) -> bytes:
    """The section of `frame` (band, y, x), whose samples under `invalid` come back bit for bit;
    b"" where there is none."""
    if not invalid.any():
        return b""
    patterns = _bits(np.ascontiguousarray(frame))
    values, counts = np.unique(patterns[invalid], return_counts=True)
    values = values[np.argsort(-counts, kind="stable")][: VERBATIM - 1]
    labels = np.where(invalid, np.uint8(VERBATIM), np.uint8(0))
    for k, value in enumerate(values):
        labels[invalid & (patterns == value)] = k + 1
    verbatim = patterns[labels == VERBATIM]
    shared = not verbatim.size and bool((labels == labels[:1]).all())
    planes = labels[:1] if shared else labels
    packed = np.packbits(planes != 0).tobytes() if len(values) == 1 else planes.tobytes()
    head = bytes([shared, len(values)]) + values.astype(patterns.dtype).tobytes()
    return head + zlib.compress(packed + verbatim.tobytes(), LEVEL)


def decode_validity(section: bytes, frame: np.ndarray) -> np.ndarray:
    """Write the exact samples of a section into `frame` (band, y, x) in place; return which (bool,
    like frame) they are.

    Raises DamagedChunkError where the section does not fit the frame.
    """
    if not section:
        return np.zeros(frame.shape, bool)
    if len(section) < 2 or section[0] > 1:
        raise DamagedChunkError("damaged validity section")
    itemsize = frame.dtype.itemsize
    shared = section[0]
    count = section[1]
    body = 2 + count * itemsize
    planes = (1 if shared else frame.shape[0], *frame.shape[1:])
    samples = int(np.prod(planes))
    data = _inflate(section[body:], samples + frame.size * itemsize)
    size = -(-samples // 8) if count == 1 else samples
    if len(data) < size:
        raise DamagedChunkError(f"validity section of {len(data)} bytes for {samples} samples")
    labels = np.frombuffer(data, np.uint8, size)
    rest = data[size:]
    if count == 1:
        labels = np.unpackbits(labels, count=samples)
    labels = np.broadcast_to(labels.reshape(planes), frame.shape)
    patterns = _bits(frame)
    verbatim = labels == VERBATIM
    if labels[~verbatim].max(initial=0) > count or len(rest) != verbatim.sum() * itemsize:
        raise DamagedChunkError("validity section with impossible labels")
    values = np.frombuffer(section[2:body], patterns.dtype)
    known = (labels > 0) & ~verbatim
    patterns[known] = values[labels[known] - 1]
    patterns[verbatim] = np.frombuffer(rest, patterns.dtype)
    return labels > 0


def _inflate(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        out = inflater.decompress(data, limit)
    except zlib.error as error:
        raise DamagedChunkError(f"damaged validity section: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise DamagedChunkError("validity section that is cut, or longer than its frame allows")
    return out
