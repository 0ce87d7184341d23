"""Several byte strings as one, and what a cube of digital numbers is made of again: the
container that all peers share."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

MAX_DN = 65_535


def pack(parts: Iterable[bytes]) -> bytes:
    """Each part behind its length in four bytes."""
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def unpack(data: bytes) -> list[bytes]:
    """The parts again."""
    parts, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        parts.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return parts


def to_dn(values: np.ndarray) -> np.ndarray:
    """Round to uint16."""
    return np.clip(np.rint(values), 0, MAX_DN).astype(np.uint16)
