"""Sentinel-2 bands and the statistics that the models standardise them with.

Means and standard deviations are those of SSL4EO-S12, in digital numbers without the +1000
offset of processing baseline 04.00, as published with TerraCodec (arXiv 2510.12670).
"""

from __future__ import annotations

import dataclasses

L2A = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")

L2A_MEAN = (
    793.243,
    924.863,
    1184.553,
    1340.936,
    1671.402,
    2240.082,
    2468.412,
    2563.243,
    2627.704,
    2711.071,
    2416.714,
    1849.625,
)
L2A_STD = (
    1160.144,
    1201.092,
    1219.943,
    1397.225,
    1400.035,
    1373.136,
    1429.170,
    1485.025,
    1447.836,
    1652.703,
    1471.002,
    1365.307,
)

NATIVE_METERS = {
    "B01": 60, "B02": 10, "B03": 10, "B04": 10, "B05": 20, "B06": 20,
    "B07": 20, "B08": 10, "B8A": 20, "B09": 60, "B11": 20, "B12": 20,
}  # fmt: skip
"""Ground sampling distance that each band is acquired at."""


@dataclasses.dataclass(frozen=True)
class Level:
    """A processing level: its bands, and the mean and standard deviation of each in DN without
    offset."""

    bands: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


LEVELS = {
    "s2l2a": Level(L2A, L2A_MEAN, L2A_STD),
    "s2l1c": Level(
        (*L2A[:10], "B10", *L2A[10:]),
        (1607.345, 1393.068, 1320.225, 1373.963, 1562.536, 2110.071, 2392.832,
         2321.154, 2583.770, 838.712, 21.753, 2205.112, 1545.798),
        (786.523, 849.702, 875.318, 1143.578, 1126.248, 1161.980, 1273.505,
         1246.790, 1342.755, 576.795, 45.626, 1340.347, 1145.036),
    ),
}  # fmt: skip
"""Those that there are models for."""
