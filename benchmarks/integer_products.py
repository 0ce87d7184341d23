"""What integer arithmetic would gain for the temporal prior, and what it would cost in bits.

    python benchmarks/integer_products.py --data CORPUS_FOLDER

First the speed of matrix products on one core: float64, which streams are coded with today, against integers of 8 bits,
whose sums in 32 bits are exact on every machine. Then ideal code lengths of real imagery under the shipped TEC-TT with the
operands of all its linear layers rounded to so many bits, each row of weights and each token with a scale of its own. What
lies between the products (softmax, normalization, GELU) stays float64 here; a codec would need integer tables for it.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from scales_once import measure, read_series
from torch import Tensor

from tec_zarr.models.transformer import Linear

MODEL = "tec-tt-s2"
TOKENS, INNER, OUTER = 2048, 768, 3072
BITS = {"float64": None, "8-bit weights and activations": (8, 8), "8-bit weights, 15-bit activations": (8, 15)}


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Processor time of the fastest of some rounds."""
    work()
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def products() -> None:
    a, w = (torch.randint(-127, 128, (rows, INNER), dtype=torch.int8) for rows in (TOKENS, OUTER))
    exact = F.linear(a.double(), w.double())
    if not torch.equal(torch._int_mm(a, w.T).double(), exact):
        raise ArithmeticError("the products of integers are not exact on this machine")
    operations = 2 * TOKENS * INNER * OUTER / 1e9
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        x, y = a.to(dtype), w.to(dtype)
        print(f"{name:8} {operations / seconds(lambda x=x, y=y: F.linear(x, y)):5.0f} G operations a second")
    print(f"{'8 bits':8} {operations / seconds(lambda: torch._int_mm(a, w.T)):5.0f} G operations a second")


def rounded(values: Tensor, bits: int) -> Tensor:
    """Values (..., N) as signed integers of so many bits times a scale for each row."""
    scale = values.abs().amax(-1, keepdim=True).clamp(min=1e-300) / (2 ** (bits - 1) - 1)
    return (values / scale).round() * scale


def rounding(bits: tuple[int, int]) -> Callable[[Linear, Tensor], Tensor]:
    """`Linear.forward` with weights and activations of so many bits."""

    def forward(self: Linear, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.linear(rounded(x, bits[1]), rounded(self.weight.to(x.dtype), bits[0]), bias)

    return forward


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    products()
    cubes = read_series(args.data)
    for name, bits in BITS.items():
        with mock.patch.object(Linear, "forward", Linear.forward if bits is None else rounding(bits)):
            lengths = (np.mean([measure(x, quality, MODEL)[0] for x in cubes]) for quality in (50.0, 75.0))
            print(f"{name:34}  {'  '.join(f'{length:.4f}' for length in lengths)} bits a latent at quality 50 and 75")


if __name__ == "__main__":
    main()
