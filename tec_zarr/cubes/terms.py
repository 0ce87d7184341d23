"""What a cube is called and made of: its variable, dims, attributes."""

from __future__ import annotations

DIMS = ("time", "band", "y", "x")

NAME = "B"
"""Variable that a cube is stored as."""

SOURCE = "tec_source"
"""Attribute that says, as JSON, what a cube was made of."""

PACKING = ("_FillValue", "missing_value", "scale_factor", "add_offset")

DIM_ALIASES = {
    "variable": "band",
    "bands": "band",
    "t": "time",
    "latitude": "y",
    "lat": "y",
    "longitude": "x",
    "lon": "x",
}
