"""Files of images in folders and products, and what products say of them."""

from __future__ import annotations

import pathlib
import re
import zipfile
from collections.abc import Iterable

from tec_zarr.errors import InvalidInputError

IMAGES = (".tif", ".tiff", ".jp2")

BASELINE = re.compile(r"_N(\d{4})_")
OFFSET = re.compile(r"<(?:BOA|RADIO)_ADD_OFFSET[^>]*>\s*(-?\d+)\s*<")

WITH_OFFSET = 400
"""Processing baseline 04.00, from which on products have an offset of -1000."""

LOCAL = 9999
"""Baseline of products that a user made; it tells nothing."""


def is_image(path: str) -> bool:
    return path.lower().endswith(IMAGES)


def images_in(path: pathlib.Path) -> list[str]:
    """All images in a folder or zip file; of a SAFE product those that are bands.

    Raises InvalidInputError where there are none.
    """
    if path.is_dir():
        found = [str(file) for file in sorted(path.rglob("*")) if is_image(file.name)]
    else:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
        found = [f"/vsizip/{path}/{name}" for name in names if is_image(name)]
    within = [file for file in found if "IMG_DATA" in pathlib.PurePosixPath(file).parts]
    found = within or found
    if not found:
        listed = sorted(entry.name for entry in path.iterdir())[:8] if path.is_dir() else []
        raise InvalidInputError(
            f"{path} holds neither a Zarr store nor images ({', '.join(IMAGES)}); found "
            f"{', '.join(listed) or 'nothing'}"
        )
    return found


def offset_of_product(path: str) -> int | None:
    """Offset in DN that the SAFE product of an image tells; None where nothing does."""
    product = None
    for part in pathlib.PurePosixPath(path).parents:
        if part.name.upper().endswith(".SAFE"):
            product = pathlib.Path(part)
            break
    if product is None:
        return None
    for metadata in product.glob("MTD_MSIL*.xml"):
        offsets = set(OFFSET.findall(metadata.read_text()))
        if len(offsets) > 1:
            raise InvalidInputError(f"{metadata} tells several offsets: {sorted(offsets)}")
        return int(offsets.pop()) if offsets else 0
    baseline = BASELINE.search(product.name)
    if baseline is None or int(baseline[1]) == LOCAL:
        return None
    return -1000 if int(baseline[1]) >= WITH_OFFSET else 0


def one_offset(paths: Iterable[str]) -> int | None:
    """The offset that products of all these images tell.

    Raises InvalidInputError where they tell several.
    """
    found = {path: offset_of_product(path) for path in paths}
    told = set(found.values())
    if len(told) > 1:
        some = {offset: path for path, offset in found.items()}
        listed = "; ".join(f"{offset}: {path}" for offset, path in some.items())
        raise InvalidInputError(
            f"a cube has one offset, and these products tell several: {listed}. Compress those of "
            "each offset to a store of their own"
        )
    return told.pop() if told else None
