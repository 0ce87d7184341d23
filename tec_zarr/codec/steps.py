"""Which quantization step each date of a chunk gets: always the same, or what a squared error
leaves room for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tec_zarr.codec.quality import COARSEST_STEP, FINEST_STEP, as_float32
from tec_zarr.transform.analysis import Spectrum

MOST_GUESSES = 20
CLOSE = 1e-4
"""Of the way to a squared error: guesses at most, and how near in its logarithm is near enough."""

SLOPE = 0.7
"""About how the logarithm of a step follows that of the squared error."""


class FixedStep:
    """The same step for all dates."""

    learns = False

    def __init__(self, step: float):
        self._step = step

    def step(self, date: int) -> float:
        """The step in DN of date number `date`."""
        return self._step

    def learn(self, date: int, coefficients: np.ndarray, values: np.ndarray) -> None:
        """Take note of what came of a date: coefficients and values (C, 256, P), in steps."""


class ErrorBudget:
    """Steps that leave a mean squared error over all dates, in DN².

    A date is given the step that would do for all dates that are left. How many times the error of
    plain rounding coding leaves is seen on each date as it is coded, and expected of the next ones.

    Parameters
    ----------
    first_factor
        What is expected of the first date.
    """

    learns = True

    def __init__(self, squared_error: float, spectra: Sequence[Spectrum], first_factor: float):
        self._spectra = spectra
        self._left = squared_error * len(spectra)
        self._factor = first_factor
        self._step = FINEST_STEP

    def step(self, date: int) -> float:
        """The step in DN of date number `date`."""
        remaining = self._spectra[date:]
        wanted = max(self._left, 1e-6) / self._factor / len(remaining)
        self._step = step_for(wanted, remaining)
        return self._step

    def learn(self, date: int, coefficients: np.ndarray, values: np.ndarray) -> None:
        """Take note of what came of a date: coefficients and values (C, 256, P), in steps."""
        difference = coefficients - values
        found = float(np.vdot(difference, difference)) / difference.size * self._step**2
        self._left -= found
        plain = self._spectra[date].squared_error(self._step)
        if plain and found:
            self._factor = found / plain


def step_for(squared_error: float, spectra: Sequence[Spectrum]) -> float:
    """The step in DN whose plain rounding leaves this mean squared error (DN²), as far as steps
    go."""
    low = math.log(FINEST_STEP)
    high = math.log(COARSEST_STEP)
    # Where rounding is fine its error is a twelfth of a squared step.
    guess = 0.5 * math.log(12 * squared_error)
    for _ in range(MOST_GUESSES):
        guess = min(max(guess, low), high)
        found = float(np.mean([spectrum.squared_error(math.exp(guess)) for spectrum in spectra]))
        miss = math.log(squared_error / found) if found else math.inf
        at_end = (guess == low and miss < 0) or (guess == high and miss > 0)
        if abs(miss) < CLOSE or at_end:
            break
        if miss > 0:
            low = guess
        else:
            high = guess
        step = guess + miss * SLOPE
        guess = step if low < step < high else (low + high) / 2
    return min(max(as_float32(math.exp(guess)), FINEST_STEP), COARSEST_STEP)
