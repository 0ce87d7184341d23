"""One array coded at one quality or another, the residual behind it, and its error proven."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Bound, Header, Target
from tec_zarr.codec import cube, jobs, metrics, runtime
from tec_zarr.codec.residual import encode_residual, make_bounds, violations
from tec_zarr.codec.settings import DEFAULT_QUALITY, Settings, as_quality
from tec_zarr.codec.targets import cheapest, quality_for
from tec_zarr.codec.validity import encode_validity
from tec_zarr.errors import TecError

LEAST_LEARNED_DN = 32.0
"""Below bounds of this the learned layer never paid: its residual is the noise of every sample in any case."""

HOPELESS = 1.2
"""Times the bytes without a learned layer, from which on no other quality will pay."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """The bytes of an array at a quality, and how they decode; `x_hat` is what the network makes of them, where it has."""

    work: Work
    data: bytes
    x_hat: np.ndarray | None = None

    @functools.cached_property
    def decoded(self) -> np.ndarray:
        header, sections = container.parse(self.data)
        frames = [Frame.parse(section) for section in sections]
        x_hat = jobs.reconstruct(self.work.loaded, frames, header) if self.x_hat is None else self.x_hat
        return cube.restore(x_hat, frames, header, self.work.loaded.statistics)

    @property
    def rmse(self) -> float:
        """Over all valid samples, in the array's own units."""
        return metrics.rmse(self.work.gathered.array, self.decoded, ~self.work.gathered.invalid)

    def marked(self, target: Target) -> bytes:
        """The bytes with another target in the header."""
        header, sections = container.parse(self.data)
        return container.pack(dataclasses.replace(header, target=target), sections)


class Work:
    """An array (time, band, y, x), ready to be coded at any quality."""

    def __init__(self, array: np.ndarray, settings: Settings, device: str):
        self.settings = settings
        self.loaded = runtime.load(settings.model, device, settings.weights)
        self.gathered = cube.gather(array, settings)

    @functools.cached_property
    def _standardized(self) -> np.ndarray:
        return self.gathered.standardized(self.loaded.statistics)

    @functools.cached_property
    def _validity(self) -> list[bytes]:
        return self.gathered.validity()

    def at(self, quality: float) -> Trial:
        """Code at a quality, within the bounds of the settings: bounded bands all behind the learned layer or none of them,
        whichever takes fewer bytes; with a target always behind it, so that size follows quality."""
        bounds = self._bounds(learned=True)
        if bounds is None or not self.gathered.coded:
            return Trial(self, self._pack(*self._learn(quality)))
        learns = any(bound.base in (Base.NONE, Base.LEARNED) for bound in bounds)
        layer = self._layer(quality) if learns else None
        choices = [self._bound(quality, bounds, layer)]
        if learns and self.settings.target is None:
            needed = None in self.settings.bounds
            choices.append(self._bound(quality, self._bounds(learned=False), layer if needed else None))
        return self._proven(min(choices, key=lambda trial: len(trial.data)))

    def smallest(self) -> Trial:
        """Within bounds of every band, at whichever quality takes the fewest bytes, or without a learned layer."""
        if not self.gathered.coded:
            return self.at(DEFAULT_QUALITY)
        trials = [self._bound(DEFAULT_QUALITY, self._bounds(learned=False), None)]
        bounds = [bound / self.gathered.header.scale for bound in self.settings.bounds]

        @functools.cache
        def measure(quality: float) -> int:
            quality = as_quality(quality)
            trials.append(self._bound(quality, self._bounds(learned=True), self._layer(quality)))
            return len(trials[-1].data)

        first = quality_for(float(np.median(bounds)))
        if max(bounds) >= LEAST_LEARNED_DN and measure(first) < HOPELESS * len(trials[0].data):
            cheapest(measure, first)
        return self._proven(min(trials, key=lambda trial: len(trial.data)))

    def _bounds(self, learned: bool) -> tuple[Bound, ...] | None:
        return make_bounds(self.settings.bounds, self.gathered.header, learned)

    def _learn(self, quality: float) -> tuple[Header, list[Frame]]:
        """Header and frames with latents, and nothing behind them."""
        header, latents = dataclasses.replace(self.gathered.header, quality=quality), {}
        if self.gathered.coded:
            tokens = self.settings.tokens_of(len(self.gathered.array))
            kept = [tokens[t] for t in self.gathered.coded]
            coded = jobs.compress(self.loaded, self._standardized, header, kept)
            latents = dict(zip(self.gathered.coded, coded, strict=True))
        return header, [Frame(section, latents.get(t)) for t, section in enumerate(self._validity)]

    def _layer(self, quality: float) -> tuple[list[Frame], np.ndarray]:
        """Frames with latents, and what the network makes of them."""
        header, frames = self._learn(quality)
        return frames, jobs.reconstruct(self.loaded, frames, header)

    def _bound(self, quality: float, bounds: tuple[Bound, ...], layer: tuple[list[Frame], np.ndarray] | None) -> Trial:
        """Code with a residual, behind a learned layer where there is one."""
        header = dataclasses.replace(self.gathered.header, quality=quality, bounds=bounds)
        none = [Frame(b"", None)] * len(self.gathered.array), np.empty((0, self.loaded.bands, *header.shape[2:]), np.float32)
        frames, x_hat = none if layer is None else layer
        reconstructed, past, complete = iter(x_hat), None, []
        for frame, values, invalid in zip(frames, self.gathered.array, self.gathered.invalid, strict=True):
            dn = None
            if frame.latents is not None:
                dn = cube.reconstructed_dn(next(reconstructed), header, self.loaded.statistics)
            residual, past, verbatim = self._residual(values, dn, invalid, past, header)
            complete.append(Frame(encode_validity(values, verbatim), frame.latents, residual))
        return Trial(self, self._pack(header, complete), x_hat)

    def _residual(
        self, values: np.ndarray, dn: np.ndarray | None, invalid: np.ndarray, past: np.ndarray | None, header: Header
    ) -> tuple[bytes, np.ndarray | None, np.ndarray]:
        """The residual of a frame, its planes, and the samples that are kept verbatim: those that are not valid, and any
        that could not keep to the bound."""
        if invalid.all():
            return b"", past, invalid
        residual, planes = encode_residual(values, dn, invalid, past, header)
        beyond = ~invalid & violations(values, dn, planes, self.settings.bounds, header)
        if not beyond.any():
            return residual, planes, invalid
        return self._residual(values, dn, invalid | beyond, past, header)

    def _proven(self, trial: Trial) -> Trial:
        """The trial; raises TecError unless it decodes to an array that keeps to every bound: this codec is wrong then."""
        decoded = trial.decoded
        for band, bound in enumerate(self.settings.bounds):
            if bound is None:
                continue
            seen, array = ~self.gathered.invalid[:, band], self.gathered.array[:, band]
            error = np.abs(decoded[:, band][seen].astype(np.float64) - array[seen]).max(initial=0)
            if not error <= bound:
                name = self.settings.bands[band]
                raise TecError(f"max_error={bound} in {name} could not be kept, the error is {error}; please report this")
        return trial

    def _pack(self, header: Header, frames: list[Frame]) -> bytes:
        header = dataclasses.replace(header, target=self.settings.target)
        return container.pack(header, [frame.pack() for frame in frames])
