"""How an image prior codes a frame: a walk over steps, the same one to encode, to decode and to
train.

A prior's `walk` calls `coder.step(means, scales, values)` again and again, each time with
distributions that depend on nothing but what earlier steps returned; latents that nothing
predicts have tables of the prior's own instead. An encoder knows the values and returns them, a
decoder is given None and returns what it decodes; either way the prior sees the same numbers in
the same order and derives the same table rows.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Coder(Protocol):
    """What codes the steps of a walk."""

    def step(self, means: Tensor, scales: Tensor, values: Tensor | None) -> Tensor:
        """Code values (N, …), not yet rounded or None, that have these means and scales, all in
        quantization steps.

        Returns them as a decoder will see them.
        """

    def step_rows(self, rows: Tensor, values: Tensor | None) -> Tensor:
        """Code values (N, …), not yet rounded or None, under these rows (the same shape) of the
        prior's own tables."""
