"""What lies between the ground and the sensor: the sun's place, haze, clouds and their shadows."""

import numpy as np

from tec_zarr.synthetic.landscape import fractal, ramp

HAZE = (1.1, 1, 0.75, 0.6, 0.52, 0.46, 0.42, 0.38, 0.35, 0.3, 0.12, 0.07)
CLOUD = (1, 1, 0.96, 0.97, 0.99, 1, 1, 0.98, 0.99, 0.97, 0.56, 0.43)
DIFFUSE = (0.5, 0.46, 0.4, 0.36, 0.34, 0.33, 0.33, 0.32, 0.32, 0.32, 0.29, 0.27)
"""Per band of `tec_zarr.models.bands.L2A`: scattered light, brightness of clouds, light that is
left in a shadow."""

CLOUD_HEIGHT = 45  # pixels of 10 m


def sun_position(day: float) -> tuple[float, float]:
    """Return the sun's azimuth and elevation in radians at 10:30 on a day of the year, at 48
    degrees north."""
    season = np.cos(2 * np.pi * (day - 172) / 365)
    return np.deg2rad(161 - 9 * season), np.deg2rad(40 + 22 * season)


def covers(rng: np.random.Generator, times: int, mean: float) -> np.ndarray:
    """Return the cloud cover of each date, 0..1, float (time,): of the given mean, most of it on
    half of the dates."""
    weights = rng.uniform(0.6, 1.4, times) * np.where(rng.permutation(times) % 2, 0.2, 1)
    low = 0.0
    high = 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.clip(middle * weights, 0, 1).mean() < mean else (low, middle)
        )
    return np.clip(high * weights, 0, 1) if mean else np.zeros(times)


def clouds(
    rng: np.random.Generator, shape: tuple[int, int], cover: float, sun: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return opacity and thickness of clouds, and depth of their shadows: each 0..1, float32 of
    `shape`."""
    if cover < 0.005:
        return (np.zeros(shape, np.float32),) * 3
    azimuth, elevation = sun
    reach = CLOUD_HEIGHT / np.tan(elevation)
    dy = int(-reach * np.cos(azimuth))
    dx = int(reach * np.sin(azimuth))
    whole = (shape[0] + dy, shape[1] + dx)
    field = fractal(rng, whole, 80, 2.3)
    seen = field[: shape[0], : shape[1]]
    level = np.quantile(seen, 1 - cover)
    opacity = ramp(field, level - 0.45, level + 0.45)
    thickness = ramp(field, level - 0.45, level + 1.8)
    return opacity[: shape[0], : shape[1]], thickness[: shape[0], : shape[1]], opacity[dy:, dx:]


def observe(
    rng: np.random.Generator,
    ground: np.ndarray,
    opacity: np.ndarray,
    thickness: np.ndarray,
    shadow: np.ndarray,
) -> np.ndarray:
    """Return what is left of `ground` (band, y, x) above shadows, haze and clouds, float32 of
    its shape and unit."""
    shape = ground.shape[1:]
    haze, cloud, diffuse = (
        np.array(row, np.float32)[:, None, None] for row in (HAZE, CLOUD, DIFFUSE)
    )
    veil = rng.uniform(20, 220) * (1 + 0.35 * fractal(rng, shape, 120, 2.5))
    image = ground * (1 - (1 - diffuse) * shadow)
    image = image * (1 - 1e-4 * veil * haze) + np.maximum(veil, 0) * haze
    billows = 2400 + 4600 * thickness + 260 * fractal(rng, shape, 15, 2.4)
    return image + (billows * cloud - image) * opacity
