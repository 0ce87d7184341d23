"""Images of a band or a date each, put together by what their names tell."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from tec_zarr.cubes.images import TILE, Image, check_one_grid, day, grids, lies_on, open_image
from tec_zarr.cubes.names import read_name, rest_of_name
from tec_zarr.cubes.products import one_offset
from tec_zarr.cubes.terms import PACKING
from tec_zarr.errors import InvalidInputError


def open_images(
    paths: list[str], resolution: float | None
) -> tuple[xr.Dataset | xr.DataArray, list[str] | None]:
    """A cube of images, and the variables that are its bands: of files of a band and a date each
    those of a Dataset, of files of all bands and a date each None.

    Coarser bands are repeated to the grid of the finest, where they lie on it exactly.

    Raises InvalidInputError where names and grids make no whole cube; it tells what was
    understood.
    """
    no_bands = [path for path in paths if read_name(path).is_no_band]
    images = [open_image(path) for path in paths if path not in no_bands]
    if not images:
        raise InvalidInputError(f"none of these files is a band: {', '.join(paths)}")
    if no_bands:
        warnings.warn(f"left out as no bands: {', '.join(no_bands)}", stacklevel=3)
    if resolution is not None:
        images = _of_resolution(images, resolution)
    counts = {image.data.sizes["band"] for image in images}
    if counts == {1} and any(image.band for image in images):
        return _of_single_bands(images)
    if counts == {1} and len(images) > 1:
        return _of_single_bands(_named_by_rest(images))
    return _of_dates(images), None


def _of_resolution(images: list[Image], resolution: float) -> list[Image]:
    """Bands of one pixel size, and masks that lie on its grid."""
    kept = []
    for image in images:
        if image.mask is None:
            is_kept = bool(np.isclose(image.step, resolution))
        else:
            is_kept = image.step >= resolution
        if is_kept:
            kept.append(image)
    if not any(image.mask is None for image in kept):
        steps = sorted({image.step for image in images if image.mask is None})
        raise InvalidInputError(
            f"no band has pixels of {resolution:g}; there are {', '.join(f'{s:g}' for s in steps)}"
        )
    return kept


def _of_dates(images: list[Image]) -> xr.DataArray:
    """Files of all bands, a date each; numbered where none tells its date."""
    if len(images) == 1 and images[0].date is None:
        return images[0].data
    _check_all_or_none_dated(images)
    check_one_grid(images)
    _check_alike(images)
    labels: Any = np.arange(len(images))
    if images[0].date is not None:
        _check_dates_differ(images)
        images = sorted(images, key=lambda image: str(image.date))
        labels = np.array([image.date for image in images])
    times = xr.DataArray(labels, dims="time", name="time")
    try:
        return xr.concat([image.data for image in images], times, join="exact")
    except ValueError as error:
        listed = "; ".join(f"{i.path}: {dict(i.data.sizes)}" for i in images)
        raise InvalidInputError(f"these dates are no one cube ({error}): {listed}") from error


def _check_all_or_none_dated(images: list[Image]) -> None:
    dates = [image.date is not None for image in images]
    if any(dates) and not all(dates):
        listed = "; ".join(f"{image.path}: {day(image.date)}" for image in images)
        raise InvalidInputError(
            f"some of the files tell their date, and others do not: {listed}. Name files like "
            "2024-05-12_B04.tif"
        )


def _check_dates_differ(images: list[Image]) -> None:
    seen: dict[str, str] = {}
    for image in images:
        first = seen.setdefault(str(image.date), image.path)
        if first != image.path:
            raise InvalidInputError(
                f"{first} and {image.path} are both of {day(image.date)}: give one file a date, "
                "or files of one tile alone"
            )


def _named_by_rest(images: list[Image]) -> list[Image]:
    """Bands by what is left of names without dates, such as vv_20240101 and vh_20240101."""
    named = []
    for image in images:
        rest = rest_of_name(image.path)
        if not rest and image.mask is None:
            listed = "; ".join(map(str, images))
            raise InvalidInputError(
                f"nothing in the name of {image.path} tells its band. Understood was: {listed}. "
                "Name files like 2024-05-12_B04.tif"
            )
        named.append(dataclasses.replace(image, band=None if image.mask else rest))
    return named


def _of_single_bands(images: list[Image]) -> tuple[xr.Dataset, list[str]]:
    """A variable a band, and masks beside them; the names of the bands."""
    unknown = [image for image in images if image.band is None and image.mask is None]
    if unknown:
        known = "; ".join(str(image) for image in images if image not in unknown)
        raise InvalidInputError(
            f"of which band is {', '.join(i.path for i in unknown)}? Understood was: {known}. Name "
            "files like 2024-05-12_B04.tif, or leave out what is no band"
        )
    _check_all_or_none_dated([image for image in images if image.band])
    bands = _by_name([image for image in images if image.band])
    finest = min((i for group in bands.values() for i in group), key=lambda image: image.step)
    dates = _dates_of_all(bands)
    variables = {name: _over_time(_on(group, finest)) for name, group in bands.items()}
    for name, group in _by_name([image for image in images if image.mask]).items():
        if {str(image.date) for image in group} == dates and lies_on(group[0], finest):
            variables[name] = _over_time(_on(group, finest))
        else:
            warnings.warn(f"{name} is left out: it is not there for all dates", stacklevel=4)
    offset = one_offset(image.path for group in bands.values() for image in group)
    if offset is not None:
        for name in bands:
            variables[name].attrs["BOA_ADD_OFFSET"] = offset
    return xr.Dataset(variables), list(bands)


def _by_name(images: list[Image]) -> dict[str, list[Image]]:
    """Images by band or mask, dates in order, each at the finest resolution that there is."""
    groups: dict[str, dict[str, Image]] = {}
    for image in images:
        dates = groups.setdefault(str(image.band or image.mask), {})
        other = dates.setdefault(str(image.date), image)
        if other is not image and np.isclose(other.step, image.step):
            raise InvalidInputError(
                f"{other.path} and {image.path} are both {image.band or image.mask} of "
                f"{day(image.date)}: give the files of one tile alone, or a date to each, in names "
                "like 2024-05-12_B04.tif"
            )
        if image.step < other.step:
            dates[str(image.date)] = image
    return {name: [dates[d] for d in sorted(dates)] for name, dates in groups.items()}


def _dates_of_all(bands: dict[str, list[Image]]) -> set[str]:
    """The dates that all bands have; raises InvalidInputError where one lacks some."""
    by_band = {name: {str(image.date) for image in group} for name, group in bands.items()}
    dates = set().union(*by_band.values())
    lacking = []
    for date in sorted(dates):
        without = [name for name in by_band if date not in by_band[name]]
        if without:
            lacking.append(f"{date[:19]} lacks {', '.join(without)}")
    if lacking:
        raise InvalidInputError(
            f"every date needs all bands ({', '.join(by_band)}); {'; '.join(lacking)}. Add "
            "these files, or give paths without these dates or bands"
        )
    return dates


def _on(group: list[Image], finest: Image) -> list[Image]:
    """The images of a band on the finest grid: coarser pixels repeated, which loses nothing."""
    moved = []
    for image in group:
        if not lies_on(image, finest):
            raise InvalidInputError(grids(finest, image))
        factor = round(image.step / finest.step)
        data = image.data.isel(band=0, drop=True)
        if factor > 1:
            values = da.asarray(data.data).rechunk(TILE // factor)
            values = values.repeat(factor, axis=0).repeat(factor, axis=1)
            template = finest.data.isel(band=0, drop=True)
            data = template.copy(data=values.rechunk(TILE)).astype(data.dtype)
            data.attrs = image.data.attrs
        moved.append(dataclasses.replace(image, data=data))
    return moved


def _over_time(group: list[Image]) -> xr.DataArray:
    """One band along time; without time where there is no date."""
    _check_alike(group)
    arrays = [image.data for image in group]
    attrs = {k: v for k, v in arrays[0].attrs.items() if k not in ("long_name", "AREA_OR_POINT")}
    if group[0].date is None:
        return arrays[0].assign_attrs(attrs)
    times = xr.DataArray([image.date for image in group], dims="time", name="time")
    joined = xr.concat(arrays, times, join="override", combine_attrs="drop")
    return joined.assign_attrs({k: v for k, v in attrs.items() if k in PACKING})


def _check_alike(group: list[Image]) -> None:
    """Raise InvalidInputError where dates differ in dtype, nodata, scale or offset."""
    kinds: dict[str, str] = {}
    for image in group:
        packing = {k: v for k, v in image.data.attrs.items() if k in PACKING}
        kinds.setdefault(f"{image.data.dtype} {packing}", image.path)
    if len(kinds) > 1:
        listed = "; ".join(f"{path}: {kind}" for kind, path in kinds.items())
        raise InvalidInputError(f"all dates need one dtype, nodata and scale; found {listed}")
