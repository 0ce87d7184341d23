"""The machine that figures are from: versions, and threads."""

from __future__ import annotations

import importlib.metadata
import platform

PACKAGES = ("tec_zarr", "numpy", "scipy", "torch", "imagecodecs", "av")


def versions() -> dict[str, str]:
    """Of Python and of the libraries that are here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def limit_threads(threads: int) -> None:
    """Keep a process to its share of the cores."""
    import torch

    torch.set_num_threads(threads)
