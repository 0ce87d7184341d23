"""The residual of a frame: what a reconstruction lacks, so that the error of no sample exceeds a
bound.

A band has a base, whole numbers that decoder and encoder share: the rounded reconstruction, or
zero. The residual is the distance from there in steps, rounded, and coded losslessly
(`tec_zarr.entropy.planes`). Where the base is a reconstruction, other machines may be off by 1 DN,
and steps are so much narrower. Integers are counted in the array's own units, floats in DN; a float
that is to come back exactly is coded in steps of 1 DN and corrected bit by bit.

The section of a frame, *stable*:

    size           u32     of the corrections; only where a band has the base EXACT
    corrections    zlib    of the differences between the bit patterns of the samples and of their
                           rounded DN, zigzag, the bytes of one significance together; samples that
                           are not valid left out; of a band that repeats only the first valid
                           sample of each cell
    planes         rest    of bands that have a base (`tec_zarr.codec.cells`)

A band repeats, as one of a coarser grid, where the planes' cells say so: then the residual is the
same for all valid samples of a cell, and so is the correction of a band with the base EXACT.
"""

from __future__ import annotations

import zlib

import numpy as np

from tec_zarr.bitstream.header import MAX_STEP, Base, Bound, Header
from tec_zarr.codec.cells import decode_cells, encode_cells, find_kinds, leading, spread
from tec_zarr.codec.dn import from_dn, off_nodata
from tec_zarr.errors import DamagedChunkError

SLACK = 1
"""DN that reconstructions of two machines may differ by."""

MAX_BASE = 200_000.0
"""Reconstructed floats are limited to this many DN before a residual is added."""

FINEST_DN = 0.01
"""Floats with a bound below this are coded exactly."""

MARGIN = 1 - 2.0**-20
"""Steps of floats are narrower by this, to leave room for rounding."""

LEVEL = 6


def make_bounds(
    errors: tuple[float | None, ...], header: Header, learned: bool
) -> tuple[Bound, ...] | None:
    """Base and step of each band for the greatest `errors` allowed, in the array's own units
    (None: any); None where no band has any. Without `learned` no base is a reconstruction."""
    bounds = tuple(_bound(error, header, learned) for error in errors)
    return bounds if any(bound.base for bound in bounds) else None


def _bound(error: float | None, header: Header, learned: bool) -> Bound:
    if error is None:
        return Bound(Base.NONE, 0.0)
    if header.is_float:
        error = min(error / header.scale, MAX_STEP / 4)
        if error < FINEST_DN:
            return Bound(Base.EXACT, 1.0)
        if learned and error >= 2 * SLACK:
            return Bound(Base.LEARNED, 2 * (error - SLACK) * MARGIN)
        return Bound(Base.ZERO, 2 * error * MARGIN)
    error = int(min(error, MAX_STEP / 4))
    if learned and error >= SLACK:
        return Bound(Base.LEARNED, 2.0 * (error - SLACK) + 1)
    return Bound(Base.ZERO, 2.0 * error + 1)


def encode_residual(
    frame: np.ndarray,
    dn: np.ndarray | None,
    invalid: np.ndarray,
    past: np.ndarray | None,
    header: Header,
) -> tuple[bytes, np.ndarray]:
    """The section of `frame` (band, y, x) behind reconstructed `dn`, alike (None where no band
    has one as its base), and its planes; `past` are those of the last frame before that has a
    residual."""
    bands = _bands(header)
    with np.errstate(invalid="ignore", over="ignore"):
        steps = (_count(frame[bands], header) - _base(dn, bands, header)) / _steps(bands, header)
    coded = ~invalid[bands]
    numbers = np.where(coded, np.rint(steps), 0).astype(np.int64)
    exact = _exact(header)
    places = [bands.index(b) for b in exact]
    kinds = find_kinds(numbers, coded)
    if exact:
        # Whole DN may agree where the floats do not.
        kinds[places] = find_kinds(_patterns(frame[exact]), coded[places])
    planes, seen = encode_cells(numbers, coded, past, kinds)
    if exact:
        values = _values(seen, dn, bands, header)[places]
        first = _first(coded[places], kinds[places])
        corrections = _encode_corrections(frame[exact], values, first)
        planes = len(corrections).to_bytes(4, "big") + corrections + planes
    return planes, seen


def decode_residual(
    section: bytes,
    frame: np.ndarray,
    dn: np.ndarray | None,
    invalid: np.ndarray,
    past: np.ndarray | None,
    header: Header,
) -> np.ndarray:
    """Write the samples of a section into `frame` (band, y, x) in place, but those under `invalid`;
    return its planes.

    Raises DamagedChunkError where the section does not fit.
    """
    bands = _bands(header)
    exact = _exact(header)
    corrections, cells = _split(section, header)
    planes, kinds = decode_cells(cells, ~invalid[bands], past)
    values = _values(planes, dn, bands, header)
    if exact:
        places = [bands.index(b) for b in exact]
        values[places] = _decode_corrections(
            corrections, values[places], ~invalid[exact], kinds[places]
        )
    frame[bands] = np.where(invalid[bands], frame[bands], values)
    return planes


def decode_planes(
    section: bytes, invalid: np.ndarray, past: np.ndarray | None, header: Header
) -> np.ndarray:
    """The planes of a section alone, as `decode_residual` returns them."""
    _, cells = _split(section, header)
    planes, _ = decode_cells(cells, ~invalid[_bands(header)], past)
    return planes


def _split(section: bytes, header: Header) -> tuple[bytes, bytes]:
    """Corrections and planes of a section."""
    if not _exact(header):
        return b"", section
    size = int.from_bytes(section[:4], "big")
    return section[4 : 4 + size], section[4 + size :]


def exact_bands(header: Header) -> list[bool]:
    """Of each band whether its bound is 0."""
    if header.bounds is None:
        return [False] * header.shape[1]
    found = []
    for bound in header.bounds:
        is_whole = bound.base == Base.ZERO and not header.is_float and bound.step == 1
        found.append(is_whole or bound.base == Base.EXACT)
    return found


def violations(
    frame: np.ndarray,
    dn: np.ndarray | None,
    planes: np.ndarray,
    errors: tuple[float | None, ...],
    header: Header,
) -> np.ndarray:
    """Samples, bool (band, y, x), that some machine would decode with an error above `errors`,
    one a band."""
    out = np.zeros(frame.shape, bool)
    bands = _bands(header)
    most = np.array([errors[b] for b in bands], np.float64)[:, None, None]
    learned = np.array([header.bounds[b].base == Base.LEARNED for b in bands])[:, None, None]
    inexact = np.array([header.bounds[b].base != Base.EXACT for b in bands])[:, None, None]
    for off in (-SLACK, 0, SLACK):
        values = _values(planes, dn, bands, header, off * learned)
        with np.errstate(invalid="ignore"):
            out[bands] |= inexact & ~(np.abs(values.astype(np.float64) - frame[bands]) <= most)
    return out


def _bands(header: Header) -> list[int]:
    return [b for b, bound in enumerate(header.bounds) if bound.base != Base.NONE]


def _exact(header: Header) -> list[int]:
    return [b for b, bound in enumerate(header.bounds) if bound.base == Base.EXACT]


def _steps(bands: list[int], header: Header) -> np.ndarray:
    return np.array([header.bounds[b].step for b in bands])[:, None, None]


def _count(values: np.ndarray, header: Header) -> np.ndarray:
    """float64 in the units that residuals are counted in."""
    return (
        values.astype(np.float64) / header.scale if header.is_float else values.astype(np.float64)
    )


def _base(dn: np.ndarray | None, bands: list[int], header: Header) -> np.ndarray:
    """Whole numbers, float64 (bands, y, x), that the residual is added to."""
    base = np.zeros((len(bands), *header.shape[2:]))
    for place, band in enumerate(bands):
        if header.bounds[band].base == Base.LEARNED:
            if dn is None:
                raise DamagedChunkError("a residual of a reconstruction in a frame without latents")
            base[place] = (
                np.rint(np.clip(dn[band], -MAX_BASE, MAX_BASE))
                if header.is_float
                else from_dn(dn[band], header)
            )
    return base


def _values(
    planes: np.ndarray,
    dn: np.ndarray | None,
    bands: list[int],
    header: Header,
    off: np.ndarray | int = 0,
) -> np.ndarray:
    """The array's own numbers of residual `planes`, as a machine decodes them whose base is
    `off` by that much."""
    numbers = _base(dn, bands, header) + off + planes * _steps(bands, header)
    if header.is_float:
        return off_nodata((numbers * header.scale).astype(header.dtype), header)
    limits = np.iinfo(header.dtype)
    return off_nodata(np.clip(numbers, limits.min, limits.max).astype(header.dtype), header)


def _patterns(values: np.ndarray) -> np.ndarray:
    return values.astype(values.dtype.newbyteorder("=")).view(f"i{values.dtype.itemsize}")


def _first(coded: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """The samples (bands, y, x) that corrections are coded of: one a cell of a band that
    repeats."""
    first = coded.copy()
    for i, kind in enumerate(kinds.tolist()):
        first[i] = leading(coded[i : i + 1], kind)[0]
    return first


def _encode_corrections(frame: np.ndarray, values: np.ndarray, coded: np.ndarray) -> bytes:
    with np.errstate(over="ignore"):
        difference = _patterns(frame)[coded] - _patterns(values)[coded]
    bits = 8 * difference.dtype.itemsize
    folded = (difference << 1) ^ (difference >> (bits - 1))
    shuffled = folded.astype(f"<i{bits // 8}").view(np.uint8).reshape(-1, bits // 8).T
    return zlib.compress(shuffled.tobytes(), LEVEL)


def _decode_corrections(
    data: bytes, values: np.ndarray, coded: np.ndarray, kinds: np.ndarray
) -> np.ndarray:
    first = _first(coded, kinds)
    size = values.dtype.itemsize
    expected = int(first.sum()) * size
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, expected + 1)
    except zlib.error as error:
        raise DamagedChunkError(f"damaged corrections: {error}") from error
    if len(raw) != expected or not inflater.eof or inflater.unused_data:
        raise DamagedChunkError(f"corrections of {len(raw)} bytes, where {expected} are needed")
    folded = (
        np.frombuffer(raw, np.uint8)
        .reshape(size, -1)
        .T.copy()
        .view(f"<u{size}")
        .ravel()
        .astype(f"u{size}")
    )
    difference = (folded >> 1) ^ (~(folded & 1) + np.array(1, folded.dtype))
    whole = np.zeros(values.shape, f"u{size}")  # (bands, y, x)
    whole[first] = difference
    for i, kind in enumerate(kinds.tolist()):
        whole[i] = spread(whole[i : i + 1], first[i : i + 1], kind)[0]
    patterns = _patterns(values).view(f"u{size}").copy()
    with np.errstate(over="ignore"):
        patterns[coded] += whole[coded]
    return patterns.view(f"f{size}").astype(values.dtype)
