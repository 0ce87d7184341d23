"""WebP (libwebp in imagecodecs), the 8-bit peer of the TerraCodec paper (arXiv 2510.12670).

DN from 0 to 10,000, or to the location's greatest where that is more, are scaled linearly to 8 bits. Each three bands in
turn are an RGB image ("RGB 50" is quality 50), whose chroma WebP halves in resolution, which ends near 43 dB. To reach
beyond, each band is a gray image ("gray 95"). Bands short of three repeat the last one. Method 6, the slowest.
"""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np

from peers import parts

HEAD = struct.Struct("<BBH")
METHOD = 6
LEVELS = 255
USUAL_DN = 10_000


def encode_bands(cube: np.ndarray, setting: str) -> bytes:
    kind, quality = setting.split()
    together = {"RGB": 3, "gray": 1}[kind]
    top = max(USUAL_DN, int(cube.max()))
    levels = np.rint(cube * (LEVELS / top)).astype(np.uint8)
    head = HEAD.pack(cube.shape[1], together, top)
    return parts.pack([head, *(parts.pack(encode_frame(frame, together, float(quality))) for frame in levels)])


def encode_frame(frame: np.ndarray, together: int, quality: float) -> list[bytes]:
    """An image for each `together` bands of `frame` (band, y, x)."""
    images = []
    for first in range(0, len(frame), together):
        bands = [min(first + i * together // 3, len(frame) - 1) for i in range(3)]
        pixels = np.ascontiguousarray(np.moveaxis(frame[bands], 0, -1))
        images.append(imagecodecs.webp_encode(pixels, level=quality, lossless=False, method=METHOD, numthreads=1))
    return images


def decode_bands(data: bytes) -> np.ndarray:
    head, *frames = parts.unpack(data)
    count, together, top = HEAD.unpack(head)
    decoded = []
    for frame in frames:
        images = [np.moveaxis(imagecodecs.webp_decode(file)[..., :3], -1, 0) for file in parts.unpack(frame)]
        decoded.append(np.concatenate(images if together == 3 else [image[:1] for image in images])[:count])
    return parts.to_dn(np.stack(decoded) * (top / LEVELS))
