"""JPEG 2000 (OpenJPEG in imagecodecs): the irreversible 9/7 wavelet, one quality layer, truncated
at a target PSNR.

OpenJPEG quantizes finely and then cuts the code-blocks of all components of a file where the
slope of distortion over rate is one and the same (Taubman, High performance scalable image
compression with EBCOT, 2000), which is the best allocation for mean squared error. A precision
of no more bits than the data need, instead of 16, takes up to a tenth off.
"""

from __future__ import annotations

import imagecodecs
import numpy as np

from peers import parts

PEAK_DN = 10_000
MOST_RESOLUTIONS = 6
LEAST_BITS = 10


def encode_planes(planes: np.ndarray, rmse: float, signed: bool = False) -> bytes:
    """One codestream of integer `planes` (component, y, x) at about the root mean squared error
    `rmse`."""
    bits = max(int(np.abs(planes.astype(np.int32)).max()).bit_length(), LEAST_BITS) + signed
    pixels = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return imagecodecs.jpeg2k_encode(
        pixels[..., 0] if len(planes) == 1 else pixels,
        level=max(20 * float(np.log10((2**bits - 1) / rmse)), 1.0),
        codecformat="j2k",
        reversible=False,
        mct=False,
        bitspersample=bits,
        resolutions=min(MOST_RESOLUTIONS, min(planes.shape[1:]).bit_length()),
        numthreads=1,
    )


def decode_planes(data: bytes) -> np.ndarray:
    """The planes (component, y, x) again."""
    pixels = imagecodecs.jpeg2k_decode(data, numthreads=1)
    return np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), -1, 0)


def rmse_of(decibels: float) -> float:
    """The root mean squared error in DN of a PSNR whose peak is 10,000 DN."""
    return PEAK_DN / 10 ** (decibels / 20)


def encode_frames(cube: np.ndarray, decibels: float) -> bytes:
    """All bands of a date as the components of a file."""
    return parts.pack(encode_planes(frame, rmse_of(decibels)) for frame in cube)


def decode_frames(data: bytes) -> np.ndarray:
    return np.stack([decode_planes(file) for file in parts.unpack(data)])


def encode_bands(cube: np.ndarray, decibels: float) -> bytes:
    """A file a band and date."""
    return parts.pack(
        parts.pack(encode_planes(plane[None], rmse_of(decibels)) for plane in frame)
        for frame in cube
    )


def decode_bands(data: bytes) -> np.ndarray:
    return np.stack(
        [
            np.concatenate([decode_planes(file) for file in parts.unpack(frame)])
            for frame in parts.unpack(data)
        ]
    )
