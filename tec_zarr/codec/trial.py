"""One array coded at one quality or another."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Bound, Header, Target
from tec_zarr.codec import metrics, samples
from tec_zarr.codec.choice import make_layer
from tec_zarr.codec.layer import Layer, LayerResult
from tec_zarr.codec.limits import Limits, OfTimes
from tec_zarr.codec.settings import Settings


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
        gathered = self.work.gathered
        return metrics.rmse(gathered.array, self.decoded, ~gathered.invalid)

    @property
    def is_empty(self) -> bool:
        """Whether no frame has a symbol."""
        return not any(coded.stream for coded in self.result.coded)

    def proven(self) -> Trial:
        """This; raises TecError unless it decodes to an array that keeps to every bound."""
        self.work.limits.prove(self.decoded)
        return self

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
        self.limits = Limits(self.gathered, settings.bounds(array.shape[1]))

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
        if not self.gathered.coded:
            return self.behind(quality, NOTHING)
        return self.behind(quality, self.layer.encode(quality, self.limits.are_any))

    def behind(self, quality: float, result: LayerResult) -> Trial:
        """The residual, where there are bounds, behind what a learned layer gave."""
        bounds = self.limits.bounds(learned=True)
        if bounds is None or not self.gathered.coded:
            return self._plain(quality, result)
        best = self._bounded(quality, bounds, result)
        learns = any(bound.base in (Base.NONE, Base.LEARNED) for bound in bounds)
        if learns and self.settings.target is None:
            # Bands without a bound need the learned layer in any case.
            without = self.without_learning(quality, NOTHING if self.limits.are_all else result)
            best = min(best, without, key=lambda trial: len(trial.data))
        return best.proven()

    def with_learning(self, quality: float) -> Trial:
        """Bounded bands behind the learned layer; not yet proven."""
        result = self.layer.encode(quality, reconstruct=True)
        return self._bounded(quality, self.limits.bounds(learned=True), result)

    def without_learning(self, quality: float, result: LayerResult = NOTHING) -> Trial:
        """Bounded bands by themselves; not yet proven."""
        return self._bounded(quality, self.limits.bounds(learned=False), result)

    def _of_times(self, result: LayerResult) -> OfTimes:
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
        frames = self.limits.frames(header, self._of_times(result))
        return Trial(self, self._pack(header, frames), quality, result)

    def _pack(self, header: Header, frames: list[Frame]) -> bytes:
        header = dataclasses.replace(header, target=self.settings.target)
        return container.pack(header, [frame.pack() for frame in frames])
