"""A report of two cubes, written as a whole or not at all."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

import xarray as xr

from tec_zarr.cubes.align import aligned
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import AUTO
from tec_zarr.errors import InvalidInputError
from tec_zarr.report import page, sections
from tec_zarr.report.sample import Sample, load, pick_pixels, series_of, window_of
from tec_zarr.stores.compare import units_to_compare
from tec_zarr.stores.describe import describe_store
from tec_zarr.stores.estimate import rate_distortion
from tec_zarr.stores.moving import file_beside
from tec_zarr.stores.options import Options
from tec_zarr.stores.write import write_cube

QUALITIES = (10, 25, 50, 75, 95)
PIXELS = 4


def write_report(
    original: xr.Dataset | xr.DataArray,
    path: str | pathlib.Path,
    other: xr.Dataset | xr.DataArray | None = None,
    *,
    quality: float | None = None,
    pixels: Sequence[tuple[int, int]] | None = None,
    has_curve: bool = False,
    title: str = "Before and after compression",
    scale: float | None = None,
    offset_dn: int | None = None,
    nodata: Any = AUTO,
) -> None:
    """Write the page. See `ds.tec.report`."""
    place = _place_of(path)
    _check_matplotlib()
    if other is not None and quality is not None:
        raise InvalidInputError("quality= is of a report without other=, which has its own")
    cube = to_cube(original)
    units = {"scale": None, "offset_dn": None}
    units |= units_to_compare(cube, scale, offset_dn, nodata)
    window = window_of(cube)
    before = cube.isel(window)
    if other is None:
        store = _coded(before, quality, units)
        after = whole = xr.open_zarr(store, consolidated=False, mask_and_scale=False)
        told: Mapping[str, Any] | None = describe_store(store)
        before_series = before
    else:
        whole = _in_order(to_cube(other), cube)
        after = whole.isel(window)
        told = _told(other)
        before_series = cube
    sample = load(before, after, cube, units)
    picked = pick_pixels(sample, PIXELS, pixels)
    body = list(_head(title, sample, told, other is None))
    body += sections.maps(sample, picked)
    body += sections.bands(sample)
    if has_curve:
        options = Options(scale=scale, offset_dn=offset_dn, nodata=nodata)
        found = rate_distortion(before, options, QUALITIES, sample=2)
        body += sections.curve(found, told, sample)
    if picked:
        rows, columns = _places(picked, window if other is not None else None)
        series = [series_of(c, rows, columns) for c in (before_series, whole)]
        body += sections.pixels(sample, picked, *series)
    body += sections.settings(told)
    body.append(page.footer(f"Written by tec_zarr {metadata.version('tec_zarr')}."))
    with file_beside(place) as beside:
        beside.write_text(page.page(title, body), encoding="utf-8")


def _place_of(path: str | pathlib.Path) -> pathlib.Path:
    """Where a page is written; a link to a page goes on to be one.

    Raises InvalidInputError where no page can be, and for devices and pipes, which it would
    replace.
    """
    given = pathlib.Path(path).expanduser()
    place = pathlib.Path(os.path.realpath(given))
    if not given.name or place.is_dir():
        raise InvalidInputError(
            f"a report needs the name of a file, such as report.html; got the folder {str(path)!r}"
        )
    if place.exists() and not place.is_file():
        raise InvalidInputError(f"{path} is no file, and a report would replace it")
    if not place.parent.is_dir():
        raise InvalidInputError(f"no such folder: {place.parent}")
    return place


def _check_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            "a report is drawn with matplotlib, which is not here: pip install 'tec_zarr[demo]'"
        ) from error


def _coded(window: xr.Dataset, quality: float | None, units: Mapping[str, Any]) -> Any:
    """The window as a store in memory."""
    from zarr.storage import MemoryStore

    store = MemoryStore()
    options = Options(**units, codec={"quality": quality})
    write_cube(window, store, options, progress=False)
    return store


def _in_order(other: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    """`other` in the order of `cube`; raises InvalidInputError where it has other labels."""
    for dim, length in cube[NAME].sizes.items():
        if other[NAME].sizes[dim] != length:
            raise InvalidInputError(
                f"the cubes differ along {dim}: {length} and {other[NAME].sizes[dim]}. Select the "
                "same part of both"
            )
    return aligned(other, cube, cube[NAME].dims, "the cubes")


def _told(other: xr.Dataset | xr.DataArray) -> dict[str, Any] | None:
    """What the store says that `other` was opened from; None where there is none, or one that was
    not written with tec_zarr."""
    source = other.encoding.get("source")
    if source is None:
        return None
    try:
        return describe_store(source)
    except (InvalidInputError, OSError, KeyError):
        return None


def _head(
    title: str, sample: Sample, told: Mapping[str, Any] | None, is_trial: bool
) -> Iterator[str]:
    sizes = sample.whole
    shape = (
        f"{sizes['time']} dates, {sizes['band']} bands, {sizes['y']} × {sizes['x']} pixels, "
        f"{sample.before.dtype}"
    )
    yield f'<h1>{page.text(title)}</h1><p class="soft">{page.text(shape)}</p>'
    yield sections.figures(sample, told)
    seen = sample.before.sizes
    if not sample.is_whole:
        yield page.note(
            f"This page shows a part of the cube: {seen['time']} of {sizes['time']} dates, and "
            f"{seen['y']} × {seen['x']} pixels in its middle. Errors are of this part."
        )
    if is_trial:
        yield page.note("Nothing was written: what is shown here was compressed for this page.")


def _places(
    picked: Sequence[tuple[int, int]], window: Mapping[str, Any] | None
) -> tuple[list[int], list[int]]:
    """Rows and columns of pixels in the whole cube."""
    first = (window["y"].start, window["x"].start) if window else (0, 0)
    return [row + first[0] for row, _ in picked], [column + first[1] for _, column in picked]
