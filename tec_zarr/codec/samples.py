"""Samples of an array to filled frames in DN, and back: dtype, units, nodata. Plain arrays, no
torch.

array (time, band, y, x)  ->  DN without offset, what is valid  ->  gaps filled
DN  ->  the array's own numbers  ->  invalid samples restored  ->  array
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec.cells import cell_values, find_kinds, repeat_cells
from tec_zarr.codec.dn import from_dn, off_nodata, to_dn
from tec_zarr.codec.gaps import fill
from tec_zarr.codec.layout import make_header
from tec_zarr.codec.residual import decode_residual
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.validity import decode_validity, encode_validity

MAX_DN = 4_194_304.0
"""Values of float arrays beyond plus or minus this many DN are no reflectances: they are kept
bit for bit."""


@dataclasses.dataclass(frozen=True, eq=False)
class Gathered:
    """What is known of an array before a quality is: `invalid` (bool, like the array), the times
    in `coded`, where anything is valid, and their DN with gaps filled."""

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


def gather(array: np.ndarray, settings: Settings) -> Gathered:
    """Everything that encoding does before it needs a quality. `array` (time, band, y, x) is not
    changed."""
    header = make_header(array.shape, array.dtype, settings)
    dn = [to_dn(frame, header) for frame in array]
    invalid = np.stack(
        [_invalid(frame, numbers, header) for frame, numbers in zip(array, dn, strict=True)]
    )
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
    return invalid


def restore(reconstructed: Iterable[np.ndarray], frames: list[Frame], header: Header) -> np.ndarray:
    """The array of a chunk from DN without offset, (band, y, x) each, of the frames that were
    coded.

    Raises DamagedChunkError where validity or residual do not fit.
    """
    out = np.zeros(header.shape, header.dtype)
    remaining = iter(reconstructed)
    past = None
    for frame, values in zip(frames, out, strict=True):
        dn = None
        if frame.coded is not None:
            dn = next(remaining)
            values[:] = off_nodata(from_dn(dn, header), header)
        invalid = decode_validity(frame.validity, values)
        if frame.residual:
            past = decode_residual(frame.residual, values, dn, invalid, past, header)
    return out
