"""What a cube is called and made of: its variable, dims, attributes."""

from __future__ import annotations

DIMS = ("time", "band", "y", "x")

NAME = "B"
"""Variable that a cube is stored as."""

SOURCE = "tec_source"
"""Attribute that says, as JSON, what a cube was made of."""

PACKING = ("_FillValue", "missing_value", "scale_factor", "add_offset")

COUNTED = ("units", "calendar")
"""Attributes that tell how times are counted in a file."""

DECODED = (*PACKING, "_Unsigned", "_Encoding", "dtype", "coordinates")
"""Attributes by which xarray changes values or coordinates when it opens a store."""
