"""The distribution of a latent about its predicted mean, as the shipped tables hold it.

A normal with a wider one under it: latents of unseen places have heavier tails than a normal
has, and the second component keeps a surprise cheap.
"""

COMPONENTS = ((0.9, 1.0), (0.1, 3.0))
"""(share, multiple of the scale) of each normal component."""

MIN_SCALE = 0.06
MAX_SCALE = 128.0
"""Range of scales in quantization steps."""

SCALES = 64
"""Log-spaced scales of the tables, both ends of the range included."""

FRACTIONS = 32
"""Fractional means of the tables, -16/32 to 15/32."""

PRECISION = 16
"""Bits of the frequencies: those of a row add up to 2**PRECISION."""
