"""Which chunks can be coded, and the header of one. Imports nothing heavy: codecs check arrays
when a store is opened."""

from __future__ import annotations

import math

import numpy as np

from tec_zarr.bitstream.header import DTYPES, MAX_BANDS, MAX_SAMPLES, MAX_SIDE, MAX_TIME, Header
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import InvalidInputError

HOW_TO_RECHUNK = (
    "tec_zarr codes 4-D chunks (time, band, y, x) that hold all bands. Stack variables of one "
    "band each with "
    'ds.to_dataarray("band").transpose("time", "band", "y", "x"), and chunk the result like '
    '.chunk({"time": 4, "band": -1, "y": 256, "x": 256}) or encoding["chunks"] = (4, n_bands, '
    "256, 256). What a store was opened for keeps its codec: a part of it is saved plainly with "
    "ds.tec.to_plain().to_zarr(...)"
)


def check_array(shape: tuple[int, ...], dtype: np.dtype, bands: tuple[str, ...] | None) -> None:
    """Raise InvalidInputError unless there are chunks in which an array of this shape and dtype can
    be coded."""
    if len(shape) != 4:
        raise InvalidInputError(
            f"got a {len(shape)}-D array of shape {tuple(shape)}. {HOW_TO_RECHUNK}"
        )
    if bands is not None and shape[1] != len(bands):
        raise InvalidInputError(
            f"got {shape[1]} bands in shape {tuple(shape)}, but bands={bands} names "
            f"{len(bands)}; name yours with TerraCodec(bands=(...)). {HOW_TO_RECHUNK}"
        )
    _check_sizes("an array", shape, (None, MAX_BANDS, None, None))
    _dtype_name(dtype)


def check_layout(shape: tuple[int, ...], dtype: np.dtype, bands: tuple[str, ...] | None) -> None:
    """Raise InvalidInputError unless chunks of this shape and dtype can be coded."""
    check_array(shape, dtype, bands)
    _check_sizes("a chunk", shape, (MAX_TIME, MAX_BANDS, MAX_SIDE, MAX_SIDE))
    if math.prod(shape) > MAX_SAMPLES:
        raise InvalidInputError(
            f"a chunk holds at most {MAX_SAMPLES} samples, got shape {tuple(shape)}; choose "
            "smaller chunks"
        )


def _check_sizes(what: str, shape: tuple[int, ...], most: tuple[int | None, ...]) -> None:
    beyond = []
    for name, size, limit in zip(("time", "band", "y", "x"), shape, most, strict=True):
        if size < 1 or (limit is not None and size > limit):
            beyond.append(f"{name} {size} ({'at least 1' if size < 1 else f'at most {limit}'})")
    if beyond:
        raise InvalidInputError(
            f"{what} is too large or empty along {', '.join(beyond)}: got shape {tuple(shape)}; "
            "choose another"
        )


def _dtype_name(dtype: np.dtype) -> str:
    if dtype.str not in DTYPES:
        raise InvalidInputError(
            f"dtype {dtype} cannot be coded: cubes are uint16 or int16 (digital numbers), or "
            f"float32 or float64 (reflectance, NaN where there is none). {_other_dtype(dtype)}"
        )
    return dtype.str


def _other_dtype(dtype: np.dtype) -> str:
    """What to do with it."""
    if dtype.kind == "b" or dtype.itemsize == 1:
        return (
            "Masks and classifications belong in a variable of their own; bytes that are "
            'measurements can be converted, with .astype("uint16")'
        )
    if dtype.kind in "iu":
        return (
            'Where all values are from 0 to 65535, convert them, with .astype("uint16"); where all '
            'are from -32768 to 32767, with .astype("int16")'
        )
    return 'Convert them, with .astype("float32")'


def make_header(shape: tuple[int, ...], dtype: np.dtype, settings: Settings) -> Header:
    """The header of a chunk; raises InvalidInputError as `check_layout` does, or where nodata
    does not fit the dtype."""
    check_layout(shape, dtype, settings.bands)
    name = _dtype_name(dtype)
    return Header(
        model="" if settings.context == "none" else settings.model,
        weights=bytes(8) if settings.context == "none" else bytes.fromhex(settings.weights)[:8],
        dtype=name,
        quality=settings.quality,
        scale=settings.scale if dtype.kind == "f" else 1.0,
        offset_dn=settings.offset_dn,
        nodata=_nodata(settings.nodata, dtype),
        shape=tuple(shape),
        bands=settings.band_indices,
    )


def _nodata(value: float | str | None, dtype: np.dtype) -> bytes:
    if value is None:
        return b""
    if dtype.kind == "f":
        return np.array(float(value), dtype).tobytes()
    limits = np.iinfo(dtype)
    value = float(value)
    if not value.is_integer() or not limits.min <= value <= limits.max:
        raise InvalidInputError(
            f"nodata={value} is no {dtype} value: give one from {limits.min} to {limits.max}, or "
            "None"
        )
    return np.array(int(value), dtype).tobytes()
