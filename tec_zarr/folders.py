"""Where this package keeps files of its own. Standard library only."""

from __future__ import annotations

import os
import pathlib

CACHE_VARIABLE = "TEC_ZARR_CACHE"
"""Environment variable that names another cache folder."""


def cache_folder() -> pathlib.Path:
    """Weights that are not shipped, and compiled code: TEC_ZARR_CACHE, or `tec_zarr` in the user's
    cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return pathlib.Path(chosen)
    users = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(users) / "tec_zarr"
