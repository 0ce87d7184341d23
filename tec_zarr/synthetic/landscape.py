"""Land that stays where it is from one date to the next: parcels, forest, water, roads, a
village and relief."""

from dataclasses import dataclass

import numpy as np

ESTATE_PIXELS = 15_000  # land of one orientation
PARCEL_PIXELS = 420
PLOT_PIXELS = 14
HAMLET_PIXELS = 40_000
ROAD_FACTOR = 22  # a split of this many parcels becomes a road
FAR_PIXELS = 1e5
CROPS = 5


@dataclass(frozen=True)
class Landscape:
    """What the ground of a scene is, apart from its seasons.

    Attributes
    ----------
    parcel : np.ndarray
        Number of each pixel's parcel, int, (y, x).
    crop, shift, vigor : np.ndarray
        Crop number, lag of the season in days and relative density of the crop, (parcel,).
    forest, conifer, village, water, road, roof : np.ndarray
        Shares of the pixel, 0..1, float32, (y, x); conifer is a share of the forest.
    rows, crowns, soil : np.ndarray
        Textures of fields, of trees and of bare ground: factors about 1, float32, (y, x).
    slope : np.ndarray
        Rise towards south and east, meters per meter, float32, (2, y, x).
    """

    parcel: np.ndarray
    crop: np.ndarray
    shift: np.ndarray
    vigor: np.ndarray
    forest: np.ndarray
    conifer: np.ndarray
    village: np.ndarray
    water: np.ndarray
    road: np.ndarray
    roof: np.ndarray
    rows: np.ndarray
    crowns: np.ndarray
    soil: np.ndarray
    slope: np.ndarray


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, slope: float = 2.0
) -> np.ndarray:
    """Return smooth random relief of mean 0 and standard deviation 1, float32 of `shape`.

    `scale` is the size of the largest features in pixels; a larger `slope` of the spectrum
    leaves less detail.
    """
    padded = tuple(n + 32 + 2 * int(scale) & ~1 for n in shape)
    fy = np.fft.fftfreq(padded[0])[:, None]
    fx = np.fft.rfftfreq(padded[1])
    amplitude = (fy**2 + fx**2 + scale**-2.0) ** (-slope / 2)
    amplitude[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(padded)) * amplitude, padded)
    return (field / field.std()).astype(np.float32)[: shape[0], : shape[1]]


def ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 up to `low`, 1 from `high`, and a smooth step between them."""
    x = np.clip((values - low) / (high - low), 0, 1)
    return x * x * (3 - 2 * x)


def landscape(rng: np.random.Generator, shape: tuple[int, int]) -> Landscape:
    """Return the land of a scene of `shape` (y, x) pixels of 10 m."""
    y, x = np.indices(shape, np.float32)
    y, x = y + 4 * fractal(rng, shape, 90, 3), x + 4 * fractal(rng, shape, 90, 3)
    u, v, estate, border = _estates(rng, y, x)
    parcel, edge, road = _parcels(rng, u, v, PARCEL_PIXELS)
    parcel = np.unique(parcel + estate * (int(parcel.max()) + 1), return_inverse=True)[1].reshape(
        shape
    )
    count = int(parcel.max()) + 1
    relief = fractal(rng, shape, 120, 3)
    bank, water = _water(rng, y, x)
    village, street, roof = _village(rng, y, x, u, v)
    hill_wood = relief + 0.5 * fractal(rng, shape, 40, 1.9) - 1
    river_wood = 0.2 - 0.07 * bank + 0.5 * fractal(rng, shape, 14, 2)
    grove = rng.random(count)[parcel] < 0.05
    hedge = (edge < 0.8) & (fractal(rng, shape, 30, 1.5) > 0.8)
    road = np.clip(
        1.1 - np.minimum(np.minimum(border, road), np.where(village > 0.3, street, np.inf)), 0, 1
    )
    return Landscape(
        parcel=parcel,
        crop=rng.choice(CROPS, count, p=(0.3, 0.13, 0.22, 0.1, 0.25)),
        shift=rng.normal(0, 7, count),
        vigor=rng.normal(1, 0.08, count),
        forest=np.maximum(
            np.where(grove, 0.95, 0.7 * hedge), ramp(np.maximum(hill_wood, river_wood), 0, 0.15)
        ).astype(np.float32),
        conifer=ramp(fractal(rng, shape, 50, 1.8), 0.2, 0.7),
        village=village,
        water=water,
        road=road.astype(np.float32),
        roof=roof,
        rows=_rows(rng, u, v, parcel, edge),
        crowns=1 + 0.13 * fractal(rng, shape, 3, 1.2) + 0.05 * fractal(rng, shape, 25),
        soil=(1 + 0.13 * fractal(rng, shape, 45, 1.7))
        * rng.normal(1, 0.12, count).astype(np.float32)[parcel],
        slope=np.stack([np.gradient(np.pad(relief, 1, "edge"), axis=a)[1:-1, 1:-1] for a in (0, 1)])
        * 2.5,
    )


def _estates(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return coordinates along and across each estate's rotation, its number, and the distance
    to its border."""
    count = 1 + y.size // ESTATE_PIXELS
    centers = rng.uniform(-0.1, 1.1, (count, 2)) * y.shape
    nearest = np.full(y.shape, FAR_PIXELS, np.float32)
    second = np.full(y.shape, FAR_PIXELS, np.float32)
    estate = np.zeros(y.shape, int)
    for i, (cy, cx) in enumerate(centers):
        distance = np.hypot(y - cy, x - cx)
        estate[distance < nearest] = i
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    angle = (rng.uniform(0.2, 1.3) + rng.normal(0, 0.3, count)).astype(np.float32)[estate]
    u = np.cos(angle) * x + np.sin(angle) * y
    v = np.cos(angle) * y - np.sin(angle) * x
    return u, v, estate, _normal_distance((second - nearest) / 2)


def _normal_distance(field: np.ndarray) -> np.ndarray:
    """Return about how many pixels away `field` (y, x) is 0: its magnitude over its steepness."""
    dy, dx = (np.gradient(np.pad(field, 1, "edge"), axis=a)[1:-1, 1:-1] for a in (0, 1))
    return np.abs(field) / np.maximum(np.hypot(dy, dx), 0.3)


def _parcels(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, area: float
) -> tuple[np.ndarray, ...]:
    """Return each pixel's parcel of about `area` pixels, and its distances to the next edge and
    to the next road."""
    box = (float(u.min()) - 9, float(v.min()) - 9, float(u.max()) + 9, float(v.max()) + 9)
    vertical, at, child, wide, depth = _splits(rng, box, area)
    node = np.zeros(u.shape, int)
    edge = np.full(u.shape, np.inf, np.float32)
    road = np.full(u.shape, np.inf, np.float32)
    for _ in range(depth):
        offset = np.where(vertical[node], v, u) - at[node]
        edge = np.minimum(edge, np.abs(offset))
        road = np.minimum(road, np.where(wide[node], np.abs(offset), np.inf))
        node = child[node] + (offset >= 0)
    return node, edge, road


def _splits(rng: np.random.Generator, box: tuple[float, ...], area: float) -> tuple:
    """Return a tree that halves `box` (u0, v0, u1, v1) down to parcels: axis, place, first child,
    road; and its depth.

    A leaf is its own first child and splits at infinity.
    """
    boxes = [box]
    levels = [0]
    vertical = []
    at = []
    child = []
    wide = []
    for i, (u0, v0, u1, v1) in enumerate(boxes):
        size = (u1 - u0) * (v1 - v0)
        leaf = size < area * rng.lognormal(0.45, 0.5)
        across = rng.random() < 1 / (1 + ((u1 - u0) / (v1 - v0)) ** 2.5)
        place = rng.uniform(0.36, 0.64)
        cut = v0 + place * (v1 - v0) if across else u0 + place * (u1 - u0)
        vertical.append(across)
        at.append(np.inf if leaf else cut)
        child.append(i if leaf else len(boxes))
        wide.append(size > ROAD_FACTOR * area and rng.random() < 0.6)
        if not leaf:
            boxes += (
                [(u0, v0, u1, cut), (u0, cut, u1, v1)]
                if across
                else [(u0, v0, cut, v1), (cut, v0, u1, v1)]
            )
            levels += [levels[i] + 1] * 2
    return (
        np.array(vertical),
        np.array(at, np.float32),
        np.array(child),
        np.array(wide),
        max(levels),
    )


def _water(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the river's bank in pixels, and the share of water of a river and a
    pond."""
    height, width = y.shape
    bend = rng.uniform(0.1, 0.4) * rng.choice((-1, 1))
    phase = rng.uniform(0, 2 * np.pi, 2)
    wave = x + 9 * fractal(rng, y.shape, 60, 3)
    middle = rng.uniform(0.3, 0.7) * height + bend * (wave - width / 2)
    middle = middle + 17 * np.sin(wave / 27 + phase[0]) + 5 * np.sin(wave / 12 + phase[1])
    bank = _normal_distance(y - middle) - 2.4 - 0.5 * fractal(rng, y.shape, 40)
    cy, cx = rng.uniform(0.15, 0.85, 2) * y.shape
    pond = np.hypot(y - cy, 0.7 * (x - cx)) - 7 - 2 * fractal(rng, y.shape, 14)
    return bank, np.clip(0.5 - np.minimum(bank, pond), 0, 1).astype(np.float32)


def _village(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the share of built-up land, the distance to the next street, and the share of roofs
    by brightness."""
    inside = np.full(y.shape, -np.inf, np.float32)
    for radius in (17, *rng.uniform(3, 14, 2 + y.size // HAMLET_PIXELS)):
        cy, cx = rng.uniform(0.1, 0.9, 2) * y.shape
        inside = np.maximum(inside, 1.3 - np.hypot(y - cy, 0.75 * (x - cx)) / radius)
    inside += 0.35 * fractal(rng, y.shape, 25)
    plot, edge, street = _parcels(rng, u, v, PLOT_PIXELS)
    plots = int(plot.max()) + 1
    built = (ramp(inside, -0.1, 1.2) * 0.8 > rng.random(plots)[plot]) & (edge > 0.9)
    return (
        ramp(inside, 0, 0.3),
        street,
        (built * rng.uniform(0.4, 1, plots)[plot]).astype(np.float32),
    )


def _rows(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, parcel: np.ndarray, edge: np.ndarray
) -> np.ndarray:
    """Return the texture of fields: lanes along either side of each parcel, patches, and thinner
    growth at the edge."""
    count = int(parcel.max()) + 1
    along = rng.random(count) < 0.5
    period = rng.uniform(2.3, 4, count).astype(np.float32)
    lanes = np.sin(2 * np.pi * np.where(along[parcel], u, v) / period[parcel])
    patches = 0.05 * fractal(rng, u.shape, 14, 1.6) + 0.02 * fractal(rng, u.shape, 3, 1)
    return (1 + 0.025 * lanes + patches - 0.12 * (edge < 0.9)).astype(np.float32)
