"""Weights and images that two environments draw alike: from numpy's generator, whose numbers are
the same everywhere."""

import json
import pathlib
import zlib

import numpy as np

SHAPES = pathlib.Path(__file__).with_name("shapes.json")
"""Names and shapes of the state dicts of the small models."""

GAINS = {
    "analysis_transform.transforms.13.weight": 6.0,
    "g_a.6.weight": 30.0,
    "g_a.13.weight": 25.0,
    "h_a.4.weight": 8.0,
}
"""Last convolutions before latents, drawn larger so that latents are not all zero once rounded."""


def small_shapes(family: str) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in json.loads(SHAPES.read_text())[family].items()}


def draw(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    """float32 tensors by name, each from its own generator; of buffers only those that a model
    cannot do without."""
    return {name: _draw(name, shape, seed) for name, shape in shapes.items() if 0 not in shape}


def _draw(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    noise = rng.standard_normal(shape)
    if name.endswith("quantiles"):
        median = 0.3 * noise[..., :1]
        return (median + np.array([-9.5, 0, 8.25])).astype(np.float32)
    if name.endswith(".beta"):
        drawn = 1 + 0.1 * np.abs(noise)
    elif name.endswith(".gamma"):
        drawn = 0.3 * np.eye(shape[0]) + 0.02 * noise
    elif "norm" in name and name.endswith("weight"):
        drawn = 1 + 0.1 * noise
    elif name.endswith(("_pos", "sym", "mask_token")) or "_temporal_pad_token_maker" in name:
        drawn = noise
    elif "entropy_bottleneck" in name:
        drawn = 0.3 * noise
    elif name.endswith("bias"):
        drawn = 0.05 * noise
    else:
        drawn = (
            noise
            * next((g for end, g in GAINS.items() if name.endswith(end)), 1.0)
            / np.sqrt(np.prod(shape[1:]))
        )
    return drawn.astype(np.float32)


def small_images(
    times: int = 3, height: int = 64, width: int = 128, components: int = 12
) -> np.ndarray:
    """Standardized frames (times, components, height, width), float32: waves that drift, and
    noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / 16
    bands = rng.normal(size=(components, 4))
    frames = [
        sum(
            b[:, None, None] * np.sin(x * (i + 1) / 2 + y * (3 - i) / 3 + t / 3 + i)
            for i, b in enumerate(bands.T)
        )
        for t in range(times)
    ]
    return (
        np.stack(frames) / 2 + 0.1 * rng.normal(size=(times, components, height, width))
    ).astype(np.float32)
