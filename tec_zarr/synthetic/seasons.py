"""Reflectance of a landscape on one day of the year."""

import numpy as np

from tec_zarr.synthetic.landscape import Landscape

SPECTRA = {
    "crop": (230, 300, 620, 300, 950, 2500, 3200, 3400, 3550, 3550, 1650, 800),
    "straw": (700, 880, 1280, 1680, 2050, 2350, 2500, 2700, 2850, 2900, 3400, 2450),
    "flower": (330, 430, 1380, 1250, 1700, 2900, 3400, 3600, 3750, 3800, 1900, 950),
    "soil": (560, 720, 960, 1230, 1480, 1680, 1800, 1930, 2080, 2120, 2750, 2250),
    "leaf": (170, 220, 450, 230, 760, 2200, 2800, 2950, 3150, 3150, 1450, 660),
    "needle": (150, 190, 350, 210, 520, 1350, 1650, 1750, 1850, 1850, 850, 400),
    "twig": (330, 390, 520, 630, 880, 1180, 1300, 1400, 1530, 1560, 1800, 1180),
    "water": (330, 350, 390, 270, 210, 140, 125, 105, 95, 85, 60, 50),
    "road": (850, 960, 1120, 1240, 1340, 1430, 1490, 1590, 1640, 1680, 1980, 1780),
    "roof": (1750, 2050, 2350, 2800, 2900, 2950, 3000, 3100, 3150, 3200, 3500, 3300),
}
"""Reflectance times 10000 of pure covers, in the order of `tec_zarr.models.bands.L2A`."""

CALENDARS = (
    # winter cereal, rapeseed, maize, beet, meadow: day of the year, share of green, of straw, of
    # flowers
    (
        (20, 0.35, 0, 0),
        (75, 0.45, 0, 0),
        (110, 0.85, 0, 0),
        (145, 0.95, 0, 0),
        (170, 0.7, 0.25, 0),
        (190, 0.1, 0.8, 0),
        (225, 0.05, 0.7, 0),
        (245, 0.05, 0.1, 0),
        (285, 0.03, 0, 0),
        (330, 0.3, 0, 0),
    ),
    (
        (20, 0.5, 0, 0),
        (80, 0.6, 0, 0),
        (112, 0.9, 0, 0.05),
        (124, 0.3, 0, 0.65),
        (140, 0.4, 0, 0.55),
        (152, 0.9, 0, 0.05),
        (180, 0.45, 0.5, 0),
        (200, 0.05, 0.75, 0),
        (225, 0.25, 0.3, 0),
        (242, 0.05, 0, 0),
        (275, 0.35, 0, 0),
    ),
    (
        (60, 0.06, 0.1, 0),
        (135, 0.02, 0, 0),
        (165, 0.3, 0, 0),
        (195, 0.93, 0, 0),
        (245, 0.9, 0.05, 0),
        (268, 0.45, 0.45, 0),
        (285, 0.05, 0.5, 0),
        (310, 0.03, 0.15, 0),
    ),
    (
        (70, 0.02, 0, 0),
        (125, 0.04, 0, 0),
        (170, 0.75, 0, 0),
        (200, 0.97, 0, 0),
        (270, 0.9, 0, 0),
        (295, 0.7, 0, 0),
        (305, 0.03, 0, 0),
    ),
    (
        (20, 0.45, 0.35, 0),
        (80, 0.55, 0.25, 0),
        (120, 0.92, 0, 0),
        (150, 0.9, 0.02, 0),
        (158, 0.55, 0.3, 0),
        (190, 0.85, 0.05, 0),
        (215, 0.55, 0.3, 0),
        (260, 0.8, 0.1, 0),
        (310, 0.6, 0.25, 0),
    ),
)


def reflectance(land: Landscape, day: float, sun: tuple[float, float]) -> np.ndarray:
    """Return reflectance times 10000 of the ground under a clear sky.

    Parameters
    ----------
    land : Landscape
    day : float
        Day of the year, 0..366.
    sun : tuple[float, float]
        Azimuth and elevation in radians.

    Returns
    -------
    np.ndarray
        float32 (band, y, x), in the order of `tec_zarr.models.bands.L2A`.
    """
    leaves = np.interp(day, (85, 130, 265, 315), (0, 1, 1, 0), period=365)
    grass = np.interp(day, (30, 130, 200, 260), (0.35, 0.7, 0.5, 0.6), period=365)
    trees = _mix(
        needle=land.conifer,
        leaf=(1 - land.conifer) * leaves,
        twig=(1 - land.conifer) * (1 - leaves),
    )
    gardens = (
        _mix(crop=0.8 * grass, leaf=0.2 * leaves, soil=0.3, road=0.5 - 0.4 * grass) * land.crowns
    )
    image = _fields(land, day)
    for share, cover in (
        (land.forest, trees * land.crowns),
        (land.village, gardens),
        (land.water, _mix(water=1)),
        (0.85 * land.road, _mix(road=1)),
        (land.roof, _mix(roof=1)),
    ):
        image += (cover - image) * share
    azimuth, elevation = sun
    lit = 1 + (land.slope[0] * np.cos(azimuth) - land.slope[1] * np.sin(azimuth)) / np.tan(
        elevation
    )
    return _blur(image * np.clip(lit * (1 - land.water) + land.water, 0.5, 1.5))


def _fields(land: Landscape, day: float) -> np.ndarray:
    """Return reflectance of the parcels, float32 (band, y, x)."""
    shares = np.empty((3, len(land.crop)), np.float32)
    for crop, calendar in enumerate(CALENDARS):
        mine = land.crop == crop
        days, *columns = np.array(calendar).T
        shares[:, mine] = [
            np.interp(day - land.shift[mine], days, column, period=365) for column in columns
        ]
    shares[0] = np.clip(shares[0] * land.vigor, 0, 0.97)
    green, straw, flower = shares[:, land.parcel]
    green = np.clip(green * land.rows * (1.5 - 0.5 * land.soil), 0, 1)
    wetness = 1 + 0.12 * np.cos(2 * np.pi * (day - 205) / 365)
    bare = np.clip(1 - green - straw - flower, 0, 1) * land.soil * wetness
    return _mix(
        crop=green, straw=straw * land.rows, flower=flower, soil=bare * (0.6 + 0.4 * land.rows)
    )


def _mix(**shares: np.ndarray | float) -> np.ndarray:
    """Return the sum of pure covers weighted with their shares of a pixel, float32 (band, y, x)
    or (band, 1, 1)."""
    return sum(
        np.array(SPECTRA[name], np.float32)[:, None, None] * np.float32(share)
        for name, share in shares.items()
    )


def _blur(image: np.ndarray) -> np.ndarray:
    """Return `image` (..., y, x) as a telescope sees it whose point spread reaches into the
    neighboring pixels."""
    height, width = image.shape[-2:]
    wide = np.pad(image, ((0, 0), (1, 1), (1, 1)), "edge")
    wide = 0.7 * wide[:, 1:-1] + 0.15 * (wide[:, :height] + wide[:, 2:])
    return 0.7 * wide[..., 1:-1] + 0.15 * (wide[..., :width] + wide[..., 2:])
