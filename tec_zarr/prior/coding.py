"""Symbols of dates to streams and back, with the network that predicts them. Runs in float64.

A date's stream holds the channels of the network, group by group (of a group: the white squares,
then the black ones; positions in raster order, for a position its channels), then those that no
network predicts, channel by channel. *Stable.*
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from tec_zarr.entropy import grid
from tec_zarr.entropy.symbols import Stream, SymbolDecoder, SymbolEncoder
from tec_zarr.prior.channels import GROUPS, group_of_frequency
from tec_zarr.prior.dates import DateInputs, Seen, prepare, see
from tec_zarr.prior.network import Prior
from tec_zarr.prior.rounding import PLAIN_DEAD_ZONE, cheaper, quantize
from tec_zarr.prior.static import Channels, round_static, static_rows
from tec_zarr.transform.frequencies import FREQUENCIES
from tec_zarr.transform.spread import network_channels


@dataclasses.dataclass(frozen=True, eq=False)
class CodedDate:
    """A date as it is after coding.

    values
        float32 (C, 256, P): what is reconstructed from, symbols with the network's correction, in
        steps.
    seen
        What later dates see of it.
    """

    stream: Stream
    values: np.ndarray
    seen: Seen


class DateCoder:
    """Encodes and decodes like-sized dates side by side; `network` is in float64 on `device`."""

    def __init__(self, network: Prior, device: torch.device):
        self._network = network
        self._device = device

    @torch.inference_mode()
    def encode(
        self,
        dates: list[DateInputs],
        coefficients: list[np.ndarray],
        effort: int,
        reconstruct: bool = True,
    ) -> list[CodedDate]:
        """Code dates with as many earlier ones each; coefficients are (C, 256, P) in steps.

        With an `effort` of 0 symbols are the nearest integers but for a dead zone; with 1, what
        is cheaper in bits and squared error together, decided as soon as the distribution of a
        group is known. Without `reconstruct` values lack the network's correction.
        """
        given, regression, channels = prepare(dates, self._device)
        offsets = [0] * len(dates)
        while True:
            walk = _Encoding(dates, channels, coefficients, effort, offsets)
            features = self._network.walk(given, regression, walk)
            streams = walk.finish()
            found = [stream.grid_offset for stream in streams]
            # What is predicted and not sent depends on the offset: there it has to be the one that
            # was tried.
            if all(date.groups == GROUPS for date in dates) or found == offsets:
                break
            offsets = found
            given, regression, channels = prepare(dates, self._device)
        correction = self._network.correction(features, given.selection) if reconstruct else None
        return self._coded(walk, correction, streams)

    @torch.inference_mode()
    def decode(self, dates: list[DateInputs], streams: list[Stream]) -> list[CodedDate]:
        """Undo `encode`. Raises DamagedChunkError or DesyncError."""
        given, regression, channels = prepare(dates, self._device)
        walk = _Decoding(dates, channels, streams)
        features = self._network.walk(given, regression, walk)
        walk.finish()
        correction = self._network.correction(features, given.selection)
        return self._coded(walk, correction, streams)

    def _coded(
        self, walk: _Walk, correction: Tensor | None, streams: list[Stream]
    ) -> list[CodedDate]:
        added = None
        if correction is not None:
            added = correction.flatten(1, 2).transpose(1, 2).cpu().numpy()  # (N, n, P)
        out = []
        for i, date in enumerate(walk.dates):
            own = walk.live[i]
            values = walk.values[i]
            if added is not None:
                values[_split(walk.channels[own])] += added[i][own].astype(np.float32)
            symbols = torch.from_numpy(walk.symbols[i]).to(self._device)
            out.append(CodedDate(streams[i], values, see(symbols, date)))
        return out


def _split(channels: np.ndarray) -> Channels:
    """Component and frequency of channels (component * 256 + frequency)."""
    return channels // FREQUENCIES, channels % FREQUENCIES


def _static_channels(date: DateInputs) -> Channels:
    """Channels of a date that are sent and that the network does not know."""
    static = date.side.live.copy()
    component, frequency = _split(network_channels())
    known = component < len(static)
    static[component[known], frequency[known]] = False
    static[:, group_of_frequency() >= date.groups] = False
    return np.nonzero(static)


class _Walk(ABC):
    """What encoding and decoding share: which channels a date has in a group, and where its symbols
    go.

    symbols
        For each date float64 (C, 256, P), whole numbers.
    values
        For each date float32 (C, 256, P): the symbols, and the means of what is not sent.
    live
        For each date bool (n,): which of the selected `channels` (n,) it has.
    """

    def __init__(self, dates: list[DateInputs], channels: np.ndarray):
        self.dates = dates
        self.channels = channels
        groups = group_of_frequency()[channels % FREQUENCIES]
        self._in_group = [groups == group for group in range(GROUPS)]
        every = network_channels()
        place = np.zeros(every.max() + 1, np.int64)
        place[every] = np.arange(len(every))
        self.live = [date.live()[place[channels]] for date in dates]
        shapes = [(*date.side.live.shape, date.size[0] * date.size[1]) for date in dates]
        self.symbols = [np.zeros(shape) for shape in shapes]
        self.values = [np.zeros(shape, np.float32) for shape in shapes]

    def code(self, group: int, positions: Tensor | None, means: Tensor, scales: Tensor) -> Tensor:
        """See `tec_zarr.prior.network.Coder`."""
        at = np.arange(means.shape[1]) if positions is None else positions.cpu().numpy()
        every_mean = means.cpu().numpy()
        every_scale = scales.cpu().numpy()
        out = np.zeros(every_mean.shape)
        for i, date in enumerate(self.dates):
            own = self.live[i][self._in_group[group]]
            if not own.any():
                continue
            mean = every_mean[i][:, own]
            scale = every_scale[i][:, own]
            component, frequency = _split(self.channels[self._in_group[group]][own])
            where = (component[None], frequency[None], at[:, None])
            sent = group < date.groups
            symbols = self._code_date(i, where, mean, scale, sent)
            out[i][:, own] = symbols
            self.symbols[i][where] = symbols
            self.values[i][where] = symbols if sent else mean
        return torch.from_numpy(out).to(means.device)

    @abstractmethod
    def _code_date(
        self,
        i: int,
        where: tuple[np.ndarray, ...],
        means: np.ndarray,
        scales: np.ndarray,
        sent: bool,
    ) -> np.ndarray:
        """Symbols (P, n) of date `i` at `where` (component, frequency, position), given means
        and scales (P, n)."""

    def _set_static(self, i: int, channels: Channels, symbols: np.ndarray) -> None:
        self.symbols[i][channels] = symbols
        self.values[i][channels] = symbols


class _Encoding(_Walk):
    def __init__(
        self,
        dates: list[DateInputs],
        channels: np.ndarray,
        coefficients: list[np.ndarray],
        effort: int,
        offsets: list[int],
    ):
        super().__init__(dates, channels)
        self._coefficients = coefficients
        self._effort = effort
        self._offsets = offsets
        self._encoders = [SymbolEncoder(offset=offset) for offset in offsets]

    def _code_date(
        self,
        i: int,
        where: tuple[np.ndarray, ...],
        means: np.ndarray,
        scales: np.ndarray,
        sent: bool,
    ) -> np.ndarray:
        if not sent:
            symbols = grid.place(means.ravel(), scales.ravel(), self._offsets[i]).centers.reshape(
                means.shape
            )
        elif self._effort:
            symbols = cheaper(self._coefficients[i][where], means, scales)
        else:
            symbols = quantize(self._coefficients[i][where].astype(np.float64), PLAIN_DEAD_ZONE)
        self._encoders[i].step(means, scales, symbols, sent)
        return symbols

    def finish(self) -> list[Stream]:
        """Code what no network predicts; the streams of all dates."""
        streams = []
        for i, date in enumerate(self.dates):
            channels = _static_channels(date)
            if len(channels[0]):
                symbols = round_static(self._coefficients[i], date.side, channels, self._effort)
                rows = static_rows(date.side, channels, symbols.shape[1])
                self._encoders[i].step_rows(rows, symbols.ravel())
                self._set_static(i, channels, symbols)
            streams.append(self._encoders[i].finish()[0])
        return streams


class _Decoding(_Walk):
    def __init__(self, dates: list[DateInputs], channels: np.ndarray, streams: list[Stream]):
        super().__init__(dates, channels)
        self._decoders = [SymbolDecoder(stream) for stream in streams]

    def _code_date(
        self,
        i: int,
        where: tuple[np.ndarray, ...],
        means: np.ndarray,
        scales: np.ndarray,
        sent: bool,
    ) -> np.ndarray:
        return self._decoders[i].step(means.ravel(), scales.ravel(), sent).reshape(means.shape)

    def finish(self) -> None:
        """Decode what no network predicts. Raises DamagedChunkError or DesyncError."""
        for i, date in enumerate(self.dates):
            channels = _static_channels(date)
            if len(channels[0]):
                positions = date.size[0] * date.size[1]
                symbols = self._decoders[i].step_rows(static_rows(date.side, channels, positions))
                self._set_static(i, channels, symbols.reshape(-1, positions))
            self._decoders[i].finish()
