"""What users would pick instead, each as a pair of functions over a cube (time, band, y, x) of uint16 DN."""

from __future__ import annotations

import imagecodecs
import numpy as np


def jpeg2000(cube: np.ndarray, decibels: float) -> tuple[int, np.ndarray]:
    """JPEG 2000 (OpenJPEG), a file of all bands a date, at a target PSNR; size in bytes and the decoded cube."""
    files = encode_jpeg2000(cube, decibels)
    return sum(map(len, files)), decode_jpeg2000(files)


def encode_jpeg2000(cube: np.ndarray, decibels: float) -> list[bytes]:
    return [
        imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(np.moveaxis(frame, 0, -1)), level=decibels, codecformat="j2k", reversible=False, mct=False
        )
        for frame in cube
    ]


def decode_jpeg2000(files: list[bytes]) -> np.ndarray:
    return np.stack([np.moveaxis(imagecodecs.jpeg2k_decode(file), -1, 0) for file in files])
