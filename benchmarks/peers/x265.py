"""x265 with 12 bits a sample (gray12), a video a principal component with the dates as its frames.

    pip install av

The wheels of PyAV from PyPI carry an ffmpeg whose libx265 codes 8, 10 and 12 bits; that of
imageio-ffmpeg does as well.

Preset slow, tuned for PSNR, a constant quantization parameter that is the same in every frame
and video, no B-frames, no user-data message: on four dates that takes 5 to 15 % fewer bits than
preset medium as it comes. All videos of a location share one scale from DN to 12 bits. It is a
whole number of sixths of an octave, as are quantization parameters, so that a setting (the
parameter where a step of 12 bits is 1 DN) is the same step in DN at every location. Parameters
end at 0, below which x265 crashes: very bright scenes end at 42 to 47 dB. x265 does not repeat
itself to the byte; bits differ by 0.1 %.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import av
import numpy as np

from peers import klt, parts

HEAD = struct.Struct("<4Hb")
FORMAT = "gray12le"
MIDDLE = 2048
"""Level of a band's mean, which is what HEVC predicts a first block to be."""
LARGEST_WEIGHT = 32_767
LARGEST_QP = 51
LEAST_SIDE = 32
OPTIONS = "qp={}:info=0:log-level=none:pools=none:frame-threads=1:bframes=0:ipratio=1"
RATE_WEIGHT = 0.09
"""Squared error that a bit is worth, in squared quantization steps, as x265 decides: 0.57 *
2^((qp - 12) / 3)."""

if FORMAT not in {f.name for f in av.Codec("libx265", "w").video_formats or ()}:
    raise ImportError(
        f"this build of ffmpeg has no libx265 with {FORMAT}; see the docstring of peers/x265.py"
    )


def encode_video(planes: np.ndarray, qp: int) -> bytes:
    """HEVC stream of `planes` (time, y, x) of 12-bit integers, their edges repeated to sides
    that x265 takes."""
    height, width = (max(-(-n // 8) * 8, LEAST_SIDE) for n in planes.shape[1:])
    planes = np.pad(
        planes, ((0, 0), (0, height - planes.shape[1]), (0, width - planes.shape[2])), mode="edge"
    )
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, FORMAT
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": "slow", "tune": "psnr", "x265-params": OPTIONS.format(qp)}
    packets = []
    for t, plane in enumerate(planes):
        frame = av.VideoFrame(width, height, FORMAT)
        padding = frame.planes[0].line_size // 2 - width
        frame.planes[0].update(np.pad(plane.astype("<u2"), ((0, 0), (0, padding))).tobytes())
        frame.pts = t
        packets += encoder.encode(frame)
    return b"".join(bytes(packet) for packet in [*packets, *encoder.encode(None)])


def decode_video(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """The planes (time, y, x) again, cut to `size`."""
    decoder = av.CodecContext.create("hevc", "r")
    frames = [
        f for packet in [*decoder.parse(data), *decoder.parse(b"")] for f in decoder.decode(packet)
    ]
    frames += decoder.decode(None)
    planes = [
        np.frombuffer(f.planes[0], "<u2").reshape(f.height, -1)[: size[0], : size[1]]
        for f in frames
    ]
    return np.stack(planes)


def finest(deviations: np.ndarray) -> int:
    """The least number of sixths of an octave that a step must be over 1 DN for `deviations` to
    fit into 12 bits."""
    return math.ceil(6 * math.log2(max(float(np.abs(deviations).max()), 1) / MIDDLE))


def step_dn(sixths: int) -> float:
    return 2 ** (sixths / 6)


def to_levels(deviations: np.ndarray, sixths: int) -> np.ndarray:
    return np.clip(np.rint(deviations / step_dn(sixths)) + MIDDLE, 0, 2 * MIDDLE - 1)


def from_levels(levels: np.ndarray, sixths: int) -> np.ndarray:
    return (levels.astype(np.float64) - MIDDLE) * step_dn(sixths)


def parameter(setting: int, sixths: int) -> int:
    """x265's quantization parameter."""
    return min(max(setting - sixths, 0), LARGEST_QP)


def quantizer(qp: int) -> float:
    """Quantization step in levels of 12 bits, where parameters count from -24."""
    return 2 ** ((qp + 24 - 4) / 6)


def encode_components(cube: np.ndarray, setting: int) -> bytes:
    """A video a principal component of the bands, where it takes more error away than its bits
    are worth."""
    t, b, *size = cube.shape
    vectors = np.moveaxis(cube, 1, 0).reshape(b, -1).astype(np.float64)
    mean, basis = klt.transform(vectors)
    components = (basis @ (vectors - mean[:, None])).reshape(b, t, *size)
    sixths = finest(components)
    qp = parameter(setting, sixths)
    bit = RATE_WEIGHT * (step_dn(sixths) * quantizer(qp)) ** 2
    videos = []
    for component, row in zip(components, basis, strict=True):
        video = encode_video(to_levels(component, sixths), qp)
        side = np.rint(row * LARGEST_WEIGHT).astype("<i2").tobytes()
        gain = (
            component**2 - (component - from_levels(decode_video(video, size), sixths)) ** 2
        ).sum()
        videos += [side + video] if gain > bit * 8 * (len(side) + len(video)) else [b""]
    return parts.pack([HEAD.pack(*cube.shape, sixths) + mean.astype("<u2").tobytes(), *videos])


def decode_components(data: bytes) -> np.ndarray:
    head, *videos = parts.unpack(data)
    t, b, *size, sixths = HEAD.unpack_from(head)
    vectors = np.zeros((b, t, *size)) + np.frombuffer(head, "<u2", b, HEAD.size).reshape(b, 1, 1, 1)
    for video in filter(None, videos):
        row = np.frombuffer(video, "<i2", b) / LARGEST_WEIGHT
        vectors += row[:, None, None, None] * from_levels(
            decode_video(video[2 * b :], size), sixths
        )
    return parts.to_dn(np.moveaxis(vectors, 1, 0))
