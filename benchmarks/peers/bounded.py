"""Peers that keep to a bound on the error of every sample, in whole DN, or lose nothing (all in
imagecodecs).

JPEG-LS near-lossless, SPERR's point-wise error, SZ3's and ZFP's absolute error. A plane (y, x)
at a time, which takes fewer bits than volumes of bands or dates with each of them. Floats have
almost half a DN more room, which rounding takes back. Without loss: JPEG-LS, JPEG XL, Pcodec,
and Blosc with zstd on shuffled bytes of the whole cube.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import imagecodecs
import numpy as np

from peers import parts

HEAD = struct.Struct("<4H")
ROOM = 0.49
LEVELS = {"pcodec": 12, "blosc": 9, "jpegxl": 7}


def _encode(cube: np.ndarray, encode_plane: Callable[[np.ndarray], bytes]) -> bytes:
    return HEAD.pack(*cube.shape) + parts.pack(
        encode_plane(np.ascontiguousarray(p)) for frame in cube for p in frame
    )


def _decode(
    data: bytes, decode_plane: Callable[[bytes, tuple[int, int]], np.ndarray]
) -> np.ndarray:
    shape = HEAD.unpack_from(data)
    planes = [decode_plane(part, shape[2:]) for part in parts.unpack(data[HEAD.size :])]
    return parts.to_dn(np.stack(planes)).reshape(shape)


def encode_jpegls(cube: np.ndarray, bound: int) -> bytes:
    return _encode(cube, lambda plane: imagecodecs.jpegls_encode(plane, level=bound))


def decode_jpegls(data: bytes) -> np.ndarray:
    return _decode(data, lambda part, _: imagecodecs.jpegls_decode(part))


def encode_sperr(cube: np.ndarray, bound: int) -> bytes:
    return _encode(
        cube,
        lambda p: imagecodecs.sperr_encode(p.astype(np.float32), bound + ROOM, "pwe", numthreads=1),
    )


def decode_sperr(data: bytes) -> np.ndarray:
    return _decode(data, lambda part, _: imagecodecs.sperr_decode(part, numthreads=1))


def encode_sz3(cube: np.ndarray, bound: int) -> bytes:
    return _encode(
        cube, lambda p: imagecodecs.sz3_encode(p.astype(np.float32), mode="abs", abs=bound + ROOM)
    )


def decode_sz3(data: bytes) -> np.ndarray:
    return _decode(data, lambda part, shape: imagecodecs.sz3_decode(part, shape, np.float32))


def encode_zfp(cube: np.ndarray, bound: int) -> bytes:
    return _encode(
        cube,
        lambda p: imagecodecs.zfp_encode(
            p.astype(np.float32), bound + ROOM, mode="a", numthreads=1
        ),
    )


def decode_zfp(data: bytes) -> np.ndarray:
    return _decode(data, lambda part, _: imagecodecs.zfp_decode(part))


def encode_jpegxl(cube: np.ndarray, _: int) -> bytes:
    settings = {
        "lossless": True,
        "effort": LEVELS["jpegxl"],
        "usecontainer": False,
        "numthreads": 1,
    }
    return _encode(cube, lambda plane: imagecodecs.jpegxl_encode(plane, **settings))


def decode_jpegxl(data: bytes) -> np.ndarray:
    return _decode(
        data, lambda part, shape: imagecodecs.jpegxl_decode(part, numthreads=1).reshape(shape)
    )


def encode_pcodec(cube: np.ndarray, _: int) -> bytes:
    return _encode(cube, lambda plane: imagecodecs.pcodec_encode(plane, level=LEVELS["pcodec"]))


def decode_pcodec(data: bytes) -> np.ndarray:
    return _decode(data, lambda part, shape: imagecodecs.pcodec_decode(part, shape, np.uint16))


def encode_blosc(cube: np.ndarray, _: int) -> bytes:
    settings = {
        "level": LEVELS["blosc"],
        "compressor": "zstd",
        "shuffle": "shuffle",
        "typesize": 2,
        "numthreads": 1,
    }
    return HEAD.pack(*cube.shape) + imagecodecs.blosc_encode(np.ascontiguousarray(cube), **settings)


def decode_blosc(data: bytes) -> np.ndarray:
    return np.frombuffer(imagecodecs.blosc_decode(data[HEAD.size :]), np.uint16).reshape(
        HEAD.unpack_from(data)
    )
