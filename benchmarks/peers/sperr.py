"""SPERR (in imagecodecs): wavelets and SPECK set partitioning in three dimensions, at a target PSNR.

Li, Lindstrom and Clyne, Lossy scientific data compression with SPERR, IPDPS 2023. All bands and dates are one volume (they
follow each other along its first axis; a single one is an image), which takes fewer bits up to 43 dB than a volume a date.
SZ3, the other of its kind, takes several times more below 40 dB.
"""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np

from peers import jpeg2000, parts

HEAD = struct.Struct("<2H")
LEAST_DECIBELS = 1.0


def encode_volume(cube: np.ndarray, decibels: float) -> bytes:
    volume = np.ascontiguousarray(cube.reshape(-1, *cube.shape[2:]), np.float32)
    volume = volume[0] if len(volume) == 1 else volume
    span = max(float(np.ptp(volume)), 1.0)
    level = max(20 * float(np.log10(span / jpeg2000.rmse_of(decibels))), LEAST_DECIBELS)
    return HEAD.pack(*cube.shape[:2]) + imagecodecs.sperr_encode(volume, level, "psnr", numthreads=1)


def decode_volume(data: bytes) -> np.ndarray:
    volume = imagecodecs.sperr_decode(data[HEAD.size :], numthreads=1)
    return parts.to_dn(volume.reshape(*HEAD.unpack_from(data), *volume.shape[-2:]))
