"""A procedural time series that looks like Sentinel-2 L2A: for demonstrations and tests without a
download.

Nothing in it was measured. Fields, forest, a river, roads and a village keep their places over
the dates while crops and trees follow the seasons; haze, clouds, shadows and noise differ from
date to date.
"""

import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A, NATIVE_METERS
from tec_zarr.synthetic.landscape import Landscape, landscape
from tec_zarr.synthetic.seasons import reflectance
from tec_zarr.synthetic.sky import clouds, covers, observe, sun_position

PIXEL_METERS = 10
FIRST_DAY = np.datetime64("2021-01-01T10:36:21", "ns")
REVISIT_DAYS = 5
UPPER_LEFT = (5_340_000, 600_000)  # northing and easting of the corner, UTM zone 33N


def series(
    times: int = 4,
    size: int | tuple[int, int] = 256,
    *,
    seed: int = 0,
    cloud_cover: float = 0.15,
    offset_dn: int = 0,
) -> xr.DataArray:
    """Return a synthetic Sentinel-2 L2A time series.

    Parameters
    ----------
    times : int
        Number of dates, at least 1. They are spread over one year, or over more from 30 dates on.
    size : int or tuple[int, int]
        Height and width in pixels of 10 m, or one number for both; at least 1.
    seed : int
        The same arguments and seed give the same bytes.
    cloud_cover : float
        Mean share of clouds over the dates, 0..1; about half of the dates have a fifth of what the
        others have.
    offset_dn : int
        Added to a stored number to get reflectance times 10000: 0, or -1000 as since processing
        baseline 04.00.

    Returns
    -------
    xr.DataArray
        uint16 digital numbers named "B", (time, band, y, x), never 0, which would mean no data.

    Raises
    ------
    InvalidInputError
        An argument is out of its range.
    """
    return dataset(times, size, seed=seed, cloud_cover=cloud_cover, offset_dn=offset_dn)["B"]


def dataset(
    times: int = 4,
    size: int | tuple[int, int] = 256,
    *,
    seed: int = 0,
    cloud_cover: float = 0.15,
    offset_dn: int = 0,
) -> xr.Dataset:
    """Return `series` as variable "B", and a scene classification "SCL": uint8 (time, y, x).

    Its classes are those of ESA's products: 3 shadow of a cloud, 4 vegetation, 5 bare, 6 water,
    8 and 9 clouds of medium and high probability. Parameters and exceptions are those of
    `series`.
    """
    shape = _checked(times, size, cloud_cover, offset_dn)
    ground, calendar, sky, *daily = np.random.default_rng(seed).spawn(3 + times)
    land = landscape(ground, shape)
    days = _days(calendar, times)
    numbers = np.empty((times, len(L2A), *shape), np.uint16)
    classes = np.empty((times, *shape), np.uint8)
    for i, (rng, day, cover) in enumerate(
        zip(daily, days, covers(sky, times, cloud_cover), strict=True)
    ):
        image, classes[i] = _acquire(rng, land, float(day % 365), cover)
        numbers[i] = np.clip(np.rint(image) - offset_dn, 1, 65535)
    return xr.Dataset(
        {"B": (("time", "band", "y", "x"), numbers), "SCL": (("time", "y", "x"), classes)},
        coords=_coords(days, shape),
    ).pipe(_described, offset_dn)


def _checked(
    times: int, size: int | tuple[int, int], cloud_cover: float, offset_dn: int
) -> tuple[int, int]:
    """Return height and width, or raise InvalidInputError."""
    shape = (size, size) if np.ndim(size) == 0 else tuple(size)
    if times < 1:
        raise InvalidInputError(f"times is {times}; it must be at least 1")
    if len(shape) != 2 or min(shape) < 1:
        raise InvalidInputError(
            f"size is {size}; it must be one or two numbers of pixels, each at least 1"
        )
    if not 0 <= cloud_cover <= 1:
        raise InvalidInputError(f"cloud_cover is {cloud_cover}; it must be in 0..1")
    if not -10_000 <= offset_dn <= 0:
        raise InvalidInputError(f"offset_dn is {offset_dn}; it must be in -10000..0")
    return shape


def _days(rng: np.random.Generator, times: int) -> np.ndarray:
    """Return ascending days since `FIRST_DAY`, int (time,), on which the satellite passes."""
    spacing = max(365 / times, 2.5 * REVISIT_DAYS)
    jitter = rng.uniform(-1, 1, times) * min(0.3 * spacing, 20)
    return ((np.arange(times) + 0.5) * spacing + jitter).astype(int) // REVISIT_DAYS * REVISIT_DAYS


def _acquire(
    rng: np.random.Generator, land: Landscape, day: float, cover: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return reflectance times 10000 as the sensor delivers it, (band, y, x), and its
    classification, (y, x)."""
    sun = sun_position(day)
    ground = reflectance(land, day, sun)
    opacity, thickness, shadow = clouds(rng, ground.shape[1:], cover, sun)
    image = observe(rng, ground, opacity, thickness, shadow) * np.float32(rng.normal(1, 0.015))
    factors = [NATIVE_METERS[band] // PIXEL_METERS for band in L2A]
    sampled = [_sample(rng, plane, factor) for plane, factor in zip(image, factors, strict=True)]
    return np.stack(sampled), _classify(ground, land.water, opacity, shadow)


def _sample(rng: np.random.Generator, plane: np.ndarray, factor: int) -> np.ndarray:
    """Return `plane` (y, x) averaged over blocks of `factor` pixels, with noise, and
    interpolated back to its shape."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % factor), (0, -width % factor)), "edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, -1, factor).mean((1, 3))
    blocks += rng.standard_normal(blocks.shape, np.float32) * (9 + 0.003 * blocks)
    return _stretch(_stretch(blocks, factor, height).T, factor, width).T if factor > 1 else blocks


def _stretch(blocks: np.ndarray, factor: int, length: int) -> np.ndarray:
    """Return `blocks` interpolated linearly along the first axis to `length` rows, `factor` to a
    block."""
    place = np.clip((np.arange(length, dtype=np.float32) + 0.5) / factor - 0.5, 0, len(blocks) - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, len(blocks) - 1)
    return blocks[low] + (blocks[high] - blocks[low]) * (place - low)[:, None]


def _classify(
    ground: np.ndarray, water: np.ndarray, opacity: np.ndarray, shadow: np.ndarray
) -> np.ndarray:
    """Return the scene classification, uint8 (y, x)."""
    red = ground[L2A.index("B04")]
    infrared = ground[L2A.index("B08")]
    green = infrared - red > 0.4 * (infrared + red)
    choices = [opacity >= 0.85, opacity >= 0.5, shadow >= 0.5, water >= 0.5, green]
    return np.select(choices, [9, 8, 3, 6, 4], 5).astype(np.uint8)


def _coords(days: np.ndarray, shape: tuple[int, int]) -> dict[str, tuple]:
    """Return the coordinates of a scene of `shape` (y, x): pixel centers in meters."""
    north, west = UPPER_LEFT
    centers = [(np.arange(n) + 0.5) * PIXEL_METERS for n in shape]
    meters = {"units": "m"}
    return {
        "time": ("time", FIRST_DAY + days * np.timedelta64(1, "D")),
        "band": ("band", np.array(L2A)),
        "y": ("y", north - centers[0], {**meters, "standard_name": "projection_y_coordinate"}),
        "x": ("x", west + centers[1], {**meters, "standard_name": "projection_x_coordinate"}),
    }


def _described(scene: xr.Dataset, offset_dn: int) -> xr.Dataset:
    """Return `scene` with attributes."""
    note = "synthetic: procedurally generated by tec_zarr.synthetic.observations, not measured"
    scene["B"].attrs = {
        "long_name": "surface reflectance, digital numbers",
        "units": "1e-4",
        "offset_dn": offset_dn,
        "comment": f"reflectance = (DN + offset_dn) / 10000; 0 = no data; {note}",
    }
    scene["SCL"].attrs = {"long_name": "scene classification", "comment": note}
    scene.attrs = {
        "title": "Synthetic Sentinel-2 L2A time series",
        "crs": "EPSG:32633",
        "comment": note,
    }
    return scene
