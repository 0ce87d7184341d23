"""Samples of an array to filled frames in DN, and back: dtype, units, nodata. Plain arrays, no
torch.

array (time, band, y, x)  ->  DN without offset, what is valid  ->  gaps filled
DN  ->  the array's own numbers  ->  invalid samples restored  ->  array
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.cells import cell_values, find_kinds, repeat_cells
from tec_zarr.codec.dn import from_dn, off_nodata, to_dn
from tec_zarr.codec.gaps import fill
from tec_zarr.codec.layout import make_header
from tec_zarr.codec.residual import decode_planes, decode_residual
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.validity import decode_validity, encode_validity

MAX_DN = 4_194_304.0
"""Values of float arrays beyond plus or minus this many DN are kept bit for bit in any case."""

LEAST_DN = -9_000.0
MOST_DN = 60_000.0
"""No measurement of reflectance or temperature lies beyond these, but numbers that stand for
something else do: -9999, -32768, 65535, what wrapped around below 0. They are kept bit for bit."""

MOST_STRANGE = 0.5
"""Of the samples of a band and date: where more lie beyond these limits they are measurements of
another kind."""


@dataclasses.dataclass(frozen=True, eq=False)
class Gathered:
    """What is known of an array before a quality is: `invalid` (bool, like the array: samples
    that come back bit for bit), the dates in `coded`, where anything else is, and their DN with
    gaps filled. `header` is that of the chunk, which may have more dates than the array."""

    header: Header
    array: np.ndarray
    invalid: np.ndarray
    coded: list[int]
    filled: list[np.ndarray]

    def validity(self) -> list[bytes]:
        """A validity section a time."""
        return [
            encode_validity(frame, missing)
            for frame, missing in zip(self.array, self.invalid, strict=True)
        ]


def gather(
    array: np.ndarray,
    settings: Settings,
    dates: int | None = None,
    exact: np.ndarray | None = None,
) -> Gathered:
    """Everything that encoding does before it needs a quality. `array` (time, band, y, x) is not
    changed.

    Parameters
    ----------
    dates
        Of the chunk, where it has more than the array.
    exact
        bool, like the array: samples that are no measurements, beside those that say so.
    """
    shape = (dates or len(array), *array.shape[1:])
    header = make_header(shape, array.dtype, settings)
    dn = [to_dn(frame, header) for frame in array]
    invalid = np.stack(
        [_invalid(frame, numbers, header) for frame, numbers in zip(array, dn, strict=True)]
    )
    if exact is not None:
        invalid |= exact
    coded = [t for t, missing in enumerate(invalid) if not missing.all()]
    filled = _filled([dn[t] for t in coded], [~invalid[t] for t in coded]) if coded else []
    return Gathered(header, array, invalid, coded, filled)


def _filled(frames: list[np.ndarray], valid: list[np.ndarray]) -> list[np.ndarray]:
    """Frames with gaps filled; a band without any valid sample in a frame takes its mean over
    the others, or 0."""
    counts = np.sum([v.sum((1, 2)) for v in valid], axis=0)
    masked = [
        np.where(v, f, 0).sum((1, 2), dtype=np.float64) for f, v in zip(frames, valid, strict=True)
    ]
    means = np.sum(masked, axis=0) / np.maximum(counts, 1)
    out = []
    for frame, known in zip(frames, valid, strict=True):
        bands = [_filled_band(*band) for band in zip(frame, known, means, strict=True)]
        out.append(np.stack(bands))
    return out


def _filled_band(plane: np.ndarray, known: np.ndarray, default: float) -> np.ndarray:
    """A band (y, x) with gaps filled: on its own grid where it repeats its samples 2 x 2, so
    that it still does."""
    if known.all():
        return plane
    kind = int(find_kinds(plane[None], known[None])[0])
    if not kind:
        return fill(plane, known, default)
    values, seen = cell_values(plane, known, kind)
    return repeat_cells(fill(values, seen, default), plane.shape, kind)


def _invalid(frame: np.ndarray, dn: np.ndarray, header: Header) -> np.ndarray:
    invalid = ~(np.abs(dn) <= MAX_DN) if header.is_float else np.zeros(frame.shape, bool)
    if header.nodata:
        invalid |= frame == np.frombuffer(header.nodata, header.dtype)[0]
    return invalid | _strange(dn, invalid)


def _strange(dn: np.ndarray, invalid: np.ndarray) -> np.ndarray:
    """Samples that lie beyond what measurements are, in bands where few do."""
    with np.errstate(invalid="ignore"):
        strange = ((dn < LEAST_DN) | (dn > MOST_DN)) & ~invalid
    if not strange.any():
        return strange
    counts = strange.sum((1, 2))
    most = MOST_STRANGE * (~invalid).sum((1, 2))
    return strange & (counts <= most)[:, None, None]


@dataclasses.dataclass(frozen=True, eq=False)
class Restored:
    """A date as decoded: `values` (band, y, x), which of them are kept bit for bit, and the planes
    of its residual, or of the last one that had one."""

    values: np.ndarray
    exact: np.ndarray
    planes: np.ndarray | None


def restore(
    dn: np.ndarray | None, frame: Frame, header: Header, past: np.ndarray | None
) -> Restored:
    """A date from DN without offset (band, y, x), None where it has none, and the planes of the
    last residual before it.

    Raises DamagedChunkError where validity or residual do not fit.
    """
    values = np.zeros(header.shape[1:], header.dtype)
    if dn is not None:
        values[:] = off_nodata(from_dn(dn, header), header)
    exact = decode_validity(frame.validity, values)
    if frame.residual:
        past = decode_residual(frame.residual, values, dn, exact, past, header)
    return Restored(values, exact, past)


def skip(frame: Frame, header: Header, past: np.ndarray | None) -> np.ndarray | None:
    """The planes that `restore` would find, of a date whose values nobody wants."""
    if not frame.residual:
        return past
    exact = decode_validity(frame.validity, np.zeros(header.shape[1:], header.dtype))
    return decode_planes(frame.residual, exact, past, header)
