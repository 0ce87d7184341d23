"""Lapped cosine transform in blocks of 16 x 16, and of 8 x 8 for bands that repeat each sample 2 x
2.

A block's cosine transform behind a filter across each border between two blocks (Malvar 1992;
Tran, Liang, Tu 2003, "Lapped transform via time-domain pre- and post-filtering"). Orthonormal. A
block's coefficients are those of the samples from half a block before it to half a block after
it. A frame's outer borders have no filter, which is the same as a filter over the frame mirrored
there: so all blocks have one matrix.
"""

from __future__ import annotations

import functools

import numpy as np

from tec_zarr.entropy.compiling import compile_with
from tec_zarr.transform.frequencies import BLOCK, FREQUENCIES

NATIVE_BLOCK = BLOCK // 2

NATIVE_GAIN = 2.0
"""So that a squared error of a coefficient is that of the four pixels that repeat a sample."""

# Floats that decide nothing: sums may be contracted to fused multiply-adds.
fused = compile_with(fastmath={"contract", "nsz"})


def cosine_matrix(size: int) -> np.ndarray:
    """Orthonormal cosine transform of the second kind, float64 (size, size)."""
    frequency = np.arange(size)[:, None]
    sample = np.arange(size)[None]
    matrix = np.cos(np.pi * (2 * sample + 1) * frequency / (2 * size)) * np.sqrt(2 / size)
    matrix[0] /= np.sqrt(2)
    return matrix


def border_filter(block: int) -> np.ndarray:
    """The orthonormal filter of the `block` samples around a border, float64 (block, block)."""
    half = block // 2
    index = np.arange(half)
    angle = np.pi * (2 * index[:, None] + 1) * (2 * index[None] + 1) / (4 * half)
    cosine_four = np.cos(angle) * np.sqrt(2 / half)
    eye = np.eye(half)
    flip = eye[::-1]
    rotation = flip @ cosine_matrix(half).T @ cosine_four @ flip
    butterfly = np.block([[eye, flip], [flip, -eye]]) / np.sqrt(2)
    middle = np.block([[eye, 0 * eye], [0 * eye, rotation]])
    return butterfly @ middle @ butterfly


@functools.cache
def block_matrix(block: int, gain: float = 1.0) -> np.ndarray:
    """From the 2 * block samples around a block to its coefficients times `gain`, float32
    (block, 2 * block)."""
    half = block // 2
    border = border_filter(block)
    filtered = np.zeros((block, 2 * block))
    filtered[:half, :block] = border[half:]
    filtered[half:, block:] = border[:half]
    return (gain * cosine_matrix(block) @ filtered).astype(np.float32)


@fused
def _mirror(x, half, padded):
    """padded (height + 2 * half, width + 2 * half): `x` (height, width), mirrored on every side."""
    height, width = x.shape
    for row in range(padded.shape[0]):
        y = row - half
        if y < 0:
            y = -1 - y
        elif y >= height:
            y = 2 * height - 1 - y
        padded[row, half : half + width] = x[y]
        for k in range(half):
            padded[row, half - 1 - k] = x[y, k]
            padded[row, half + width + k] = x[y, width - 1 - k]


@fused
def _fold(padded, half, x):
    """The transpose of `_mirror`: what lies beyond the border is added to what it mirrors.
    Changes `padded`."""
    height, width = x.shape
    for k in range(half):
        padded[half + k] += padded[half - 1 - k]
        padded[half + height - 1 - k] += padded[half + height + k]
    for y in range(height):
        row = padded[half + y]
        for k in range(half):
            row[half + k] += row[half - 1 - k]
            row[half + width - 1 - k] += row[half + width + k]
        x[y] = row[half : half + width]


@fused
def _forward(x, matrix, out):
    """out (B, >= block, >= block, h, w): the coefficients of `x` (B, h * block, w * block)."""
    block = matrix.shape[0]
    bands, height, width = x.shape
    w = width // block
    padded = np.empty((height + block, width + block), np.float32)
    lines = np.empty((block, width + block), np.float32)
    # taps (2 * block, block, w): sample k of each block, so that blocks lie side by side.
    taps = np.empty((2 * block, block, w), np.float32)
    sums = np.empty((block, block * w), np.float32)
    by_block = sums.reshape(block, block, w)
    for band in range(bands):
        _mirror(x[band], block // 2, padded)
        for row in range(height // block):
            np.dot(matrix, padded[row * block : (row + 2) * block], lines)
            for k in range(2 * block):
                for u in range(block):
                    for column in range(w):
                        taps[k, u, column] = lines[u, column * block + k]
            np.dot(matrix, taps.reshape(2 * block, block * w), sums)
            for u in range(block):
                for v in range(block):
                    out[band, u, v, row] = by_block[v, u]


@fused
def _inverse(coefficients, transposed, x):
    """`x` (B, h * block, w * block) from the first block x block of coefficients (B, 16, 16, h,
    w)."""
    block = transposed.shape[1]
    bands, height, width = x.shape
    w = width // block
    padded = np.empty((height + block, width + block), np.float32)
    lines = np.empty((block, width + block), np.float32)
    taps = np.empty((2 * block, block * w), np.float32)
    by_tap = taps.reshape(2 * block, block, w)
    by_block = np.empty((block, block, w), np.float32)
    samples = np.empty((2 * block, width + block), np.float32)
    for band in range(bands):
        padded[:] = 0
        for row in range(height // block):
            for v in range(block):
                for u in range(block):
                    by_block[v, u] = coefficients[band, u, v, row]
            np.dot(transposed, by_block.reshape(block, block * w), taps)
            lines[:] = 0
            for k in range(2 * block):
                for u in range(block):
                    for column in range(w):
                        lines[u, column * block + k] += by_tap[k, u, column]
            np.dot(transposed, lines, samples)
            padded[row * block : (row + 2) * block] += samples
        _fold(padded, block // 2, x[band])


def forward(x: np.ndarray) -> np.ndarray:
    """Coefficients float32 (B, 256, h, w) of `x` float32 (B, 16 h, 16 w)."""
    bands, height, width = x.shape
    out = np.empty((bands, BLOCK, BLOCK, height // BLOCK, width // BLOCK), np.float32)
    _forward(np.ascontiguousarray(x, np.float32), block_matrix(BLOCK), out)
    return out.reshape(bands, FREQUENCIES, *out.shape[3:])


def inverse(coefficients: np.ndarray) -> np.ndarray:
    """Undo `forward`: float32 (B, 16 h, 16 w) of (B, 256, h, w)."""
    bands, _, h, w = coefficients.shape
    x = np.empty((bands, h * BLOCK, w * BLOCK), np.float32)
    transposed = np.ascontiguousarray(block_matrix(BLOCK).T)
    _inverse(_by_index(coefficients), transposed, x)
    return x


def forward_native(x: np.ndarray) -> np.ndarray:
    """As `forward`, of bands whose 2 x 2 cells from the first pixel on hold one value each.

    The 8 x 8 transform of every second sample makes the low frequencies; all others are 0.
    """
    bands, height, width = x.shape
    out = np.zeros((bands, BLOCK, BLOCK, height // BLOCK, width // BLOCK), np.float32)
    samples = np.ascontiguousarray(x[:, ::2, ::2], np.float32)
    # The matrix is applied along both axes.
    _forward(samples, block_matrix(NATIVE_BLOCK, NATIVE_GAIN**0.5), out)
    return out.reshape(bands, FREQUENCIES, *out.shape[3:])


def inverse_native(coefficients: np.ndarray) -> np.ndarray:
    """Undo `forward_native`: float32 (B, 16 h, 16 w), each sample repeated 2 x 2."""
    bands, _, h, w = coefficients.shape
    samples = np.empty((bands, h * NATIVE_BLOCK, w * NATIVE_BLOCK), np.float32)
    transposed = np.ascontiguousarray(block_matrix(NATIVE_BLOCK, NATIVE_GAIN**-0.5).T)
    _inverse(_by_index(coefficients), transposed, samples)
    return samples.repeat(2, axis=1).repeat(2, axis=2)


def _by_index(coefficients: np.ndarray) -> np.ndarray:
    """(B, 256, h, w) -> contiguous (B, 16, 16, h, w)."""
    bands, _, h, w = coefficients.shape
    return np.ascontiguousarray(coefficients, np.float32).reshape(bands, BLOCK, BLOCK, h, w)
