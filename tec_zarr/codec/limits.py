"""Bounds on the error of bands: the residual that keeps them, and the proof that it does."""

from __future__ import annotations

import dataclasses

import numpy as np

from tec_zarr.bitstream.frame import Coded, Frame
from tec_zarr.bitstream.header import Bound, Header
from tec_zarr.codec.residual import encode_residual, make_bounds, violations
from tec_zarr.codec.samples import Gathered
from tec_zarr.codec.validity import encode_validity
from tec_zarr.errors import TecError

OfTimes = dict[int, tuple[Coded, np.ndarray | None]]
"""What a learned layer made of each time that it coded, with its reconstruction in DN."""


@dataclasses.dataclass(frozen=True, eq=False)
class Limits:
    """The greatest error of each band of an array, in the array's own units; None for none."""

    gathered: Gathered
    of_bands: tuple[float | None, ...]

    @property
    def are_any(self) -> bool:
        return any(limit is not None for limit in self.of_bands)

    @property
    def are_all(self) -> bool:
        return None not in self.of_bands

    def bounds(self, learned: bool) -> tuple[Bound, ...] | None:
        """What the header says of them, behind a learned layer or without one; None for none."""
        return make_bounds(self.of_bands, self.gathered.header, learned)

    def frames(
        self, header: Header, of_times: OfTimes, keys: list[bool], past: np.ndarray | None
    ) -> tuple[list[Frame], np.ndarray | None]:
        """A frame a time, with the residual that keeps to the bounds of `header`; and the planes
        of the last one, `past` being those from before the first one."""
        frames = []
        for time, values in enumerate(self.gathered.array):
            coded, dn = of_times.get(time, (None, None))
            invalid = self.gathered.invalid[time]
            if keys[time]:
                past = None
            residual, past, verbatim = self._residual(values, dn, invalid, past, header)
            frames.append(Frame(encode_validity(values, verbatim), coded, residual))
        return frames, past

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
        beyond = ~invalid & violations(values, dn, planes, self.of_bands, header)
        if not beyond.any():
            return residual, planes, invalid
        return self._residual(values, dn, invalid | beyond, past, header)

    def prove(self, decoded: np.ndarray) -> None:
        """Raise TecError unless every valid sample of an array keeps to its bound."""
        for band, limit in enumerate(self.of_bands):
            if limit is None:
                continue
            seen = ~self.gathered.invalid[:, band]
            original = self.gathered.array[:, band][seen]
            difference = decoded[:, band][seen].astype(np.float64) - original
            error = np.abs(difference).max(initial=0)
            if not error <= limit:
                raise TecError(
                    f"max_error={limit} in band {band} could not be kept, the error is {error}; "
                    "please report this"
                )
