"""One array coded at one quality or another, the residual behind it, and its error proven."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import Base, Bound, Header, Target
from tec_zarr.codec import metrics, samples
from tec_zarr.codec.choice import make_layer
from tec_zarr.codec.layer import Layer, LayerResult
from tec_zarr.codec.quality import DEFAULT_QUALITY, as_quality, quality_of
from tec_zarr.codec.residual import encode_residual, make_bounds, violations
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.targets import AIM, PSNR_TOLERANCE, cheapest, quality_for
from tec_zarr.codec.validity import encode_validity
from tec_zarr.errors import TecError

LEAST_LEARNED_DN = 4.0
"""Below bounds of this the learned layer never paid: its residual is the noise of every sample
in any case."""

HOPELESS = 1.2
"""Times the bytes without a learned layer, from which on no other quality will pay."""

NEAR_PASSES = 3
MOST_PASSES = 10
"""On the way to a PSNR: passes that look for what is near enough, and passes in all, until it is
reached."""

SAFE_DB = 0.1
"""By how much more than what is missing each pass after the first ones is finer."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """The bytes of an array at a quality, and what the learned layer makes of them."""

    work: Work
    data: bytes
    quality: float
    result: LayerResult

    @functools.cached_property
    def decoded(self) -> np.ndarray:
        header, sections = container.parse(self.data)
        frames = [Frame.parse(section) for section in sections]
        return samples.restore(self.result.reconstructed, frames, header)

    @functools.cached_property
    def rmse(self) -> float:
        """Over all valid samples, in the array's own units."""
        return metrics.rmse(self.work.gathered.array, self.decoded, ~self.work.gathered.invalid)

    @property
    def is_empty(self) -> bool:
        """Whether no frame has a symbol."""
        return not any(coded.stream for coded in self.result.coded)

    def marked(self, target: Target) -> bytes:
        """The bytes with another target in the header."""
        header, sections = container.parse(self.data)
        return container.pack(dataclasses.replace(header, target=target), sections)


NOTHING = LayerResult([], [])


class Work:
    """An array (time, band, y, x), ready to be coded at any quality."""

    def __init__(self, array: np.ndarray, settings: Settings, device: str):
        self.settings = settings
        self._device = device
        self.gathered = samples.gather(array, settings)
        self._max_errors = settings.bounds(array.shape[1])

    @property
    def _is_bounded(self) -> bool:
        return any(limit is not None for limit in self._max_errors)

    @functools.cached_property
    def layer(self) -> Layer:
        return make_layer(self.gathered, self.settings, self._device)

    @functools.cached_property
    def _validity(self) -> list[bytes]:
        return self.gathered.validity()

    def at(self, quality: float) -> Trial:
        """Code at a quality, within the bounds of the settings.

        Bounded bands all stand behind the learned layer or none of them, whichever takes fewer
        bytes; with a target always behind it, so that size follows quality.
        """
        result = self.layer.encode(quality, self._is_bounded) if self.gathered.coded else NOTHING
        return self._behind(quality, result)

    def _behind(self, quality: float, result: LayerResult) -> Trial:
        """The residual, where there are bounds, behind a learned layer."""
        bounds = self._bounds(learned=True)
        if bounds is None or not self.gathered.coded:
            return self._plain(quality, result)
        choices = [self._bounded(quality, bounds, result)]
        learns = any(bound.base in (Base.NONE, Base.LEARNED) for bound in bounds)
        if learns and self.settings.target is None:
            needed = None in self._max_errors
            choices.append(
                self._bounded(quality, self._bounds(learned=False), result if needed else NOTHING)
            )
        return self._proven(min(choices, key=lambda trial: len(trial.data)))

    def toward_psnr(self, psnr: float) -> Trial:
        """The trial whose PSNR comes nearest; coefficients tell nearly all that is needed, so
        that one pass mostly does."""
        scale = self.gathered.header.scale
        wanted = (metrics.PEAK_DN * 10 ** (-psnr / 20)) ** 2
        rounding = 0.0 if self.gathered.header.is_float else 1 / 12
        squared_error = max(wanted - rounding, 0.02 * wanted)
        best = None
        for number in range(MOST_PASSES):
            result = self.layer.encode_toward(squared_error)
            trial = self._behind(as_quality(quality_of(result.step)), result)
            miss = metrics.psnr_of_rmse(trial.rmse / scale) - psnr
            falls_short = miss < -PSNR_TOLERANCE
            if best is None or (falls_short, abs(miss)) < best[:2]:
                best = (falls_short, abs(miss), trial)
            at_end = (result.is_coarsest and miss > 0) or (result.is_finest and miss < 0)
            if abs(miss) <= AIM * PSNR_TOLERANCE or not math.isfinite(miss) or at_end:
                break
            # A small chunk may have no step that comes near enough: then one is taken that is
            # better.
            if number >= NEAR_PASSES and not best[0]:
                break
            caution = SAFE_DB * max(0, number - NEAR_PASSES + 1)
            squared_error *= 10 ** ((miss - caution) / 10)
        return best[2]

    def smallest(self) -> Trial:
        """Within bounds of every band, at whichever quality takes the fewest bytes, or without a
        learned layer."""
        if not self.gathered.coded:
            return self.at(DEFAULT_QUALITY)
        trials = [self._bounded(DEFAULT_QUALITY, self._bounds(learned=False), NOTHING)]
        bounds = [bound / self.gathered.header.scale for bound in self._max_errors]

        @functools.cache
        def measure(quality: float) -> int:
            quality = as_quality(quality)
            trials.append(
                self._bounded(
                    quality,
                    self._bounds(learned=True),
                    self.layer.encode(quality, reconstruct=True),
                )
            )
            return len(trials[-1].data)

        first = quality_for(float(np.median(bounds)))
        if max(bounds) >= LEAST_LEARNED_DN and measure(first) < HOPELESS * len(trials[0].data):
            cheapest(measure, first)
        return self._proven(min(trials, key=lambda trial: len(trial.data)))

    def _bounds(self, learned: bool) -> tuple[Bound, ...] | None:
        return make_bounds(self._max_errors, self.gathered.header, learned)

    def _of_times(self, result: LayerResult) -> dict[int, tuple[Coded, np.ndarray | None]]:
        """What a learned layer made of each time that it coded."""
        reconstructed = result.reconstructed or [None] * len(result.coded)
        both = list(zip(result.coded, reconstructed, strict=True))
        return dict(zip(self.gathered.coded, both, strict=False))

    def _plain(self, quality: float, result: LayerResult) -> Trial:
        """Coded frames, and nothing behind them."""
        header = dataclasses.replace(self.gathered.header, quality=quality)
        of_times = self._of_times(result)
        frames = []
        for time, section in enumerate(self._validity):
            coded, _ = of_times.get(time, (None, None))
            frames.append(Frame(section, coded))
        return Trial(self, self._pack(header, frames), quality, result)

    def _bounded(self, quality: float, bounds: tuple[Bound, ...], result: LayerResult) -> Trial:
        """Code with a residual, behind a learned layer where there is one."""
        header = dataclasses.replace(self.gathered.header, quality=quality, bounds=bounds)
        of_times = self._of_times(result)
        past = None
        frames = []
        for time, values in enumerate(self.gathered.array):
            coded, dn = of_times.get(time, (None, None))
            residual, past, verbatim = self._residual(
                values, dn, self.gathered.invalid[time], past, header
            )
            frames.append(Frame(encode_validity(values, verbatim), coded, residual))
        return Trial(self, self._pack(header, frames), quality, result)

    def _residual(
        self,
        values: np.ndarray,
        dn: np.ndarray | None,
        invalid: np.ndarray,
        past: np.ndarray | None,
        header: Header,
    ) -> tuple[bytes, np.ndarray | None, np.ndarray]:
        """The residual of a frame, its planes, and the samples that are kept verbatim.

        These are the samples that are not valid, and any that could not keep to the bound.
        """
        if invalid.all():
            return b"", past, invalid
        residual, planes = encode_residual(values, dn, invalid, past, header)
        beyond = ~invalid & violations(values, dn, planes, self._max_errors, header)
        if not beyond.any():
            return residual, planes, invalid
        return self._residual(values, dn, invalid | beyond, past, header)

    def _proven(self, trial: Trial) -> Trial:
        """The trial; raises TecError unless it decodes to an array that keeps to every bound."""
        decoded = trial.decoded
        for band, limit in enumerate(self._max_errors):
            if limit is None:
                continue
            seen = ~self.gathered.invalid[:, band]
            original = self.gathered.array[:, band][seen]
            error = np.abs(decoded[:, band][seen].astype(np.float64) - original).max(initial=0)
            if not error <= limit:
                raise TecError(
                    f"max_error={limit} in band {band} could not be kept, the error is {error}; "
                    "please report this"
                )
        return trial

    def _pack(self, header: Header, frames: list[Frame]) -> bytes:
        header = dataclasses.replace(header, target=self.settings.target)
        return container.pack(header, [frame.pack() for frame in frames])
