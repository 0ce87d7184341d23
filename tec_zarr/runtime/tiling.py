"""Large frames through a convolutional network piece by piece, with the same result as in one
go."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

CORE = 64
"""Side of a tile in latents: 1024 pixels."""


def tiled(
    network: Callable[[Tensor], Tensor], x: Tensor, cell_in: int, cell_out: int, margin: int
) -> Tensor:
    """`network(x)` of x (N, C, H, W), where `cell_in` samples in give `cell_out` out along each
    side.

    `margin` is how many cells around a cell have influence on it.
    """
    rows, columns = (n // cell_in for n in x.shape[-2:])
    if rows <= CORE and columns <= CORE:
        return network(x)
    strips = []
    for top in range(0, rows, CORE):
        pieces = []
        for left in range(0, columns, CORE):
            window, inner = zip(
                *(_extent(start, n, margin) for start, n in ((top, rows), (left, columns))),
                strict=True,
            )
            piece = network(x[(..., *(slice(a * cell_in, b * cell_in) for a, b in window))])
            pieces.append(piece[(..., *(slice(a * cell_out, b * cell_out) for a, b in inner))])
        strips.append(torch.cat(pieces, -1))
    return torch.cat(strips, -2)


def _extent(start: int, cells: int, margin: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """A tile with its margin, and where the tile itself lies inside of that, in cells."""
    stop = min(start + CORE, cells)
    first = max(0, start - margin)
    last = min(cells, stop + margin)
    return (first, last), (start - first, stop - first)
