"""Planes that repeat 2 x 2, as of a coarser grid: one sample of each cell is coded.

The bytes, *stable*:

    repeats     u8               1: some plane repeats, and what follows says which; 0: none does
    cells       u8 a plane       0: it does not; else 1 + 2 * (phase of y) + (phase of x)
    size        u32              of the next stream
    stream      size             of planes of one kind (`tec_zarr.entropy.planes`)

Size and stream come once for each kind that there is: planes that do not repeat, then those of each
phase. Where none repeats one stream follows the first byte. At phase 1 the first row or column is a
cell of its own, cut by the border; so is what is left over at the end. Cells are predicted from the
last planes that do not repeat, too, each as its mean over the cell, rounded half up.
"""

from __future__ import annotations

import numpy as np

from tec_zarr.entropy.compiling import compiled
from tec_zarr.entropy.plane_model import BEFORE
from tec_zarr.entropy.planes import decode_planes, encode_planes
from tec_zarr.errors import DamagedChunkError

KINDS = 5
"""Not repeated, and repeated at any of four phases."""


@compiled
def _agree(plane, coded, phase_y, phase_x):
    """Whether coded samples of every cell agree."""
    height, width = plane.shape
    for top in range(-phase_y, height, 2):
        for start in range(-phase_x, width, 2):
            found = False
            value = plane[0, 0]
            for y in range(max(top, 0), min(top + 2, height)):
                for x in range(max(start, 0), min(start + 2, width)):
                    if not coded[y, x]:
                        continue
                    if found and plane[y, x] != value:
                        return False
                    value = plane[y, x]
                    found = True
    return True


@compiled
def _varies(plane, coded):
    """Whether coded samples differ."""
    found = False
    value = plane[0, 0]
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            if not coded[y, x]:
                continue
            if found and plane[y, x] != value:
                return True
            value = plane[y, x]
            found = True
    return False


@compiled
def _kind(plane, coded):
    if not _varies(plane, coded):
        return 0
    for phase in range(4):
        if _agree(plane, coded, phase >> 1, phase & 1):
            return 1 + phase
    return 0


def find_kinds(planes: np.ndarray, coded: np.ndarray) -> np.ndarray:
    """The kind of each of `planes` (planes, y, x) of integers, uint8 (planes,): 0 not repeated.

    Only samples under `coded`, bool and alike, need to agree. Constant planes do not count.
    """
    kinds = np.zeros(len(planes), np.uint8)
    for i in range(len(planes)):
        kinds[i] = _kind(np.ascontiguousarray(planes[i]), np.ascontiguousarray(coded[i]))
    return kinds


def _by_cell(planes: np.ndarray, kind: int) -> np.ndarray:
    """Samples by cell, (planes, cell y, 2, cell x, 2), zero beyond the border."""
    count, height, width = planes.shape
    top = (kind - 1) >> 1
    start = (kind - 1) & 1
    ends = ((0, 0), (top, (height + top) % 2), (start, (width + start) % 2))
    padded = np.pad(planes, ends)
    return padded.reshape(count, padded.shape[1] // 2, 2, padded.shape[2] // 2, 2)


def cell_values(plane: np.ndarray, coded: np.ndarray, kind: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a `plane` (y, x) that repeats where it is `coded` the value of each cell, and whether
    there is one."""
    known = coded[None]
    values = _values(plane[None], leading(known, kind), kind)
    return values[0], _by_cell(known, kind).any((2, 4))[0]


def repeat_cells(values: np.ndarray, shape: tuple[int, int], kind: int) -> np.ndarray:
    """The plane of `shape` (y, x) that repeats a value a cell."""
    return np.ascontiguousarray(_filled(values[None], (1, *shape), kind)[0])


def leading(coded: np.ndarray, kind: int) -> np.ndarray:
    """The samples (planes, y, x) under `coded`, alike, that are the first of their cells."""
    if kind == 0:
        return coded
    cells = _by_cell(coded, kind)
    first = cells.copy()
    first[:, :, 0, :, 1] &= ~cells[:, :, 0, :, 0]
    above = cells[:, :, 0].any(-1)  # (planes, cell y, cell x)
    first[:, :, 1] &= ~above[..., None]
    first[:, :, 1, :, 1] &= ~cells[:, :, 1, :, 0]
    return _cut(first, coded.shape, kind)


def spread(planes: np.ndarray, first: np.ndarray, kind: int) -> np.ndarray:
    """Planes (planes, y, x) in which the sample under `first`, alike, fills its whole cell."""
    if kind == 0:
        return planes
    return _filled(_values(planes, first, kind), planes.shape, kind)


def _cut(cells: np.ndarray, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Planes of `shape` from samples by cell (planes, cell y, 2, cell x, 2)."""
    count, rows, _, columns, _ = cells.shape
    top = (kind - 1) >> 1
    start = (kind - 1) & 1
    whole = cells.reshape(count, 2 * rows, 2 * columns)
    return whole[:, top : top + shape[1], start : start + shape[2]]


def _filled(values: np.ndarray, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Planes of `shape` from a value a cell (planes, cell y, cell x)."""
    pairs = values[:, :, None, :, None]
    count, rows, columns = values.shape
    return _cut(np.broadcast_to(pairs, (count, rows, 2, columns, 2)), shape, kind)


def _values(planes: np.ndarray, first: np.ndarray, kind: int) -> np.ndarray:
    """The value of each cell (planes, cell y, cell x): of the sample under `first`, else zero."""
    return _by_cell(np.where(first, planes, 0), kind).sum((2, 4), dtype=planes.dtype)


def _means(planes: np.ndarray, kind: int) -> np.ndarray:
    """Means over cells, rounded half up: int64 (planes, cell y, cell x)."""
    ones = np.ones((1, *planes.shape[1:]), np.int64)
    counts = _by_cell(ones, kind).sum((2, 4))
    sums = _by_cell(planes, kind).sum((2, 4))
    return (2 * sums + counts) // (2 * counts)


def _context(
    seen: np.ndarray, past: np.ndarray | None, kinds: np.ndarray, kind: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What planes of a kind are predicted from: those of the date before, and known planes."""
    own = np.flatnonzero(kinds == kind)
    if kind == 0:
        return (None if past is None else past[own]), None
    full = np.flatnonzero(kinds == 0)[-BEFORE:]
    before = None if past is None else _means(past[own], kind)
    return before, _means(seen[full], kind)


def encode_cells(
    planes: np.ndarray, coded: np.ndarray, past: np.ndarray | None, kinds: np.ndarray
) -> tuple[bytes, np.ndarray]:
    """The bytes of planes that repeat as `kinds` says, *stable*, and the planes as decoded.

    The other arguments and what comes back are those of `tec_zarr.entropy.planes.encode_planes`.
    """
    if not kinds.any():
        data, seen = encode_planes(planes, coded, past)
        return b"\0" + data, seen
    parts = [b"\1", kinds.tobytes()]
    seen = np.zeros(planes.shape, np.int64)
    for kind in np.unique(kinds).tolist():
        own = np.flatnonzero(kinds == kind)
        before, known = _context(seen, past, kinds, kind)
        values = planes[own].astype(np.int64)
        mask = coded[own]
        if kind:
            values = _values(values, leading(mask, kind), kind)
            mask = _by_cell(mask, kind).any((2, 4))
        data, found = encode_planes(values, mask, before, known)
        seen[own] = _filled(found, planes.shape, kind) if kind else found
        parts += [len(data).to_bytes(4, "big"), data]
    return b"".join(parts), seen


def decode_cells(
    data: bytes, coded: np.ndarray, past: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The planes, int64 (planes, y, x), of `encode_cells`, and their kinds.

    Raises
    ------
    DamagedChunkError
        Where the bytes do not fit.
    """
    count = len(coded)
    if data[:1] == b"\0":
        return decode_planes(data[1:], coded, past), np.zeros(count, np.uint8)
    kinds = np.frombuffer(data[1 : 1 + count], np.uint8)
    if data[:1] != b"\1" or len(kinds) != count or kinds.max(initial=0) >= KINDS:
        raise DamagedChunkError("planes do not say how they repeat")
    seen = np.zeros(coded.shape, np.int64)
    position = 1 + count
    for kind in np.unique(kinds).tolist():
        own = np.flatnonzero(kinds == kind)
        size = int.from_bytes(data[position : position + 4], "big")
        stream = data[position + 4 : position + 4 + size]
        position += 4 + size
        before, known = _context(seen, past, kinds, kind)
        mask = coded[own]
        if kind:
            mask = _by_cell(mask, kind).any((2, 4))
        found = decode_planes(stream, mask, before, known)
        seen[own] = _filled(found, coded.shape, kind) if kind else found
    if position != len(data):
        raise DamagedChunkError(f"planes of {position} bytes in {len(data)}")
    return seen, kinds
