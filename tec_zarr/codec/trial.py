"""Dates coded at one quality or another."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.bitstream.container import Contents, Section, pack
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Base, Bound, Header
from tec_zarr.codec import metrics, samples
from tec_zarr.codec.choice import make_layer
from tec_zarr.codec.exact import without_content
from tec_zarr.codec.layer import Layer, LayerResult, State
from tec_zarr.codec.limits import Limits, OfTimes
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.task import Task
from tec_zarr.once import once


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """Dates at a quality: their frames and the header of their chunk, what the learned layer
    makes of them, and what a date after them may be predicted from."""

    work: Work
    header: Header
    frames: list[Frame]
    result: LayerResult
    state: State

    @once
    def data(self) -> bytes:
        """The chunk, with what stays of it."""
        return pack(Contents(self.header, self.sections, self.work.task.fill))

    @once
    def sections(self) -> tuple[Section, ...]:
        """Those that stay, and the new ones."""
        task = self.work.task
        sections = list(task.kept)
        for time, key, frame in zip(task.times, self.work.keys, self.frames, strict=True):
            sections.append(Section(time, key, frame.pack()))
        return tuple(sections)

    @property
    def size(self) -> int:
        """Bytes that these dates add to their chunk."""
        return len(self.data) - self.work.task.kept_bytes

    @once
    def decoded(self) -> np.ndarray:
        """The dates as a decoder will find them."""
        out = np.empty(self.work.gathered.array.shape, self.header.dtype)
        reconstructed = dict(zip(self.work.gathered.coded, self.result.reconstructed, strict=False))
        past = self.work.task.state.planes
        for index, frame in enumerate(self.frames):
            if self.work.keys[index]:
                past = None
            dn = reconstructed.get(index) if frame.coded is not None else None
            restored = samples.restore(dn, frame, self.header, past)
            out[index] = restored.values
            past = restored.planes
        return out

    @once
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

    def missed(self) -> Trial:
        """The same, saying that its target was not met."""
        target = dataclasses.replace(self.header.target, met=False)
        return dataclasses.replace(self, header=dataclasses.replace(self.header, target=target))


NOTHING = LayerResult([], [])


class Work:
    """Dates (time, band, y, x), ready to be coded at any quality."""

    def __init__(self, task: Task, settings: Settings, device: str):
        self.task = task
        self.settings = settings
        self._device = device
        array = task.array()
        exact = without_content(array, task.absent())
        self.gathered = samples.gather(array, settings, task.shape[0], exact)
        self.limits = Limits(self.gathered, settings.bounds(task.shape[1]))
        self.keys = self._keys()

    def _keys(self) -> list[bool]:
        """Of each date whether it is a key date; those that have nothing to code are none."""
        keys = [False] * len(self.gathered.array)
        due = self.task.keys(self.settings, len(self.gathered.coded))
        for index, key in zip(self.gathered.coded, due, strict=True):
            keys[index] = key
        return keys

    @once
    def layer(self) -> Layer:
        return make_layer(self.gathered, self.task, self.settings, self._device)

    @once
    def _validity(self) -> list[bytes]:
        return self.gathered.validity()

    @property
    def learned(self) -> bool | None:
        """Whether bounded bands stand behind the learned layer in what stays of the chunk; None
        where nothing does, so that it may be chosen."""
        header = self.task.header
        if header is None or header.bounds is None:
            return None
        return any(bound.base == Base.LEARNED for bound in header.bounds)

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
        if self.learned is False:
            return self._without(quality, result).proven()
        best = self._bounded(quality, bounds, result)
        learns = any(bound.base in (Base.NONE, Base.LEARNED) for bound in bounds)
        if learns and self.settings.target is None and self.learned is None:
            best = min(best, self._without(quality, result), key=lambda trial: len(trial.data))
        return best.proven()

    def _without(self, quality: float, result: LayerResult) -> Trial:
        """Bounded bands by themselves; the others need the learned layer in any case."""
        return self.without_learning(quality, NOTHING if self.limits.are_all else result)

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
        of_times = self._of_times(result)
        frames = []
        for time, section in enumerate(self._validity):
            coded, _ = of_times.get(time, (None, None))
            frames.append(Frame(section, coded))
        return self._trial(quality, None, frames, result, self.task.state.planes)

    def _bounded(self, quality: float, bounds: tuple[Bound, ...], result: LayerResult) -> Trial:
        """Code with a residual, behind a learned layer where there is one."""
        header = dataclasses.replace(self.gathered.header, quality=quality, bounds=bounds)
        of_times = self._of_times(result)
        frames, planes = self.limits.frames(header, of_times, self.keys, self.task.state.planes)
        return self._trial(quality, bounds, frames, result, planes)

    def _trial(
        self,
        quality: float,
        bounds: tuple[Bound, ...] | None,
        frames: list[Frame],
        result: LayerResult,
        planes: np.ndarray | None,
    ) -> Trial:
        before = self.task.header
        if bounds is None and before is not None:
            # Dates without a valid sample have no residual, whatever those that stay have.
            bounds = before.bounds
        target = self.settings.target
        if target is not None and before is not None and before.target is not None:
            target = dataclasses.replace(target, met=before.target.met)
        header = dataclasses.replace(
            self.gathered.header, quality=quality, bounds=bounds, target=target
        )
        seen = result.seen if result.coded else self.task.state.seen
        state = State(self._run_length(), seen, planes)
        return Trial(self, header, frames, result, state)

    def _run_length(self) -> int:
        """Dates that are coded in the last run."""
        count = self.task.state.coded
        for index in self.gathered.coded:
            count = 1 if self.keys[index] else count + 1
        return count
