"""JPEG XL (libjxl in imagecodecs), a file a band and date.

A quarter of the DN is handed over as 16-bit samples: the image is dark to JPEG XL, which then spends its bits about evenly
over brightness, a distance is a like error in DN at every location, and the greatest distance, 25, reaches 30 dB.
Effort 8 saves a fifth of the bits of 7; 9 saves no more.
"""

from __future__ import annotations

import imagecodecs
import numpy as np

from peers import parts

EFFORT = 8
DIVISOR = 4


def encode_bands(cube: np.ndarray, distance: float) -> bytes:
    return parts.pack(parts.pack(encode_plane(plane, distance) for plane in frame) for frame in cube)


def encode_plane(plane: np.ndarray, distance: float) -> bytes:
    return imagecodecs.jpegxl_encode(
        np.rint(plane / DIVISOR).astype(np.uint16),
        distance=distance,
        effort=EFFORT,
        lossless=False,
        bitspersample=16,
        usecontainer=False,
        numthreads=1,
    )


def decode_bands(data: bytes) -> np.ndarray:
    return np.stack([[decode_plane(file) for file in parts.unpack(frame)] for frame in parts.unpack(data)])


def decode_plane(file: bytes) -> np.ndarray:
    plane = imagecodecs.jpegxl_decode(file, numthreads=1)
    return parts.to_dn(plane.reshape(plane.shape[:2]) * float(DIVISOR))
