"""What a user chooses, checked once. Imports nothing heavy: codec objects are made whenever a store is opened."""

from __future__ import annotations

import dataclasses
import math
import numbers
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from tec_zarr.bitstream.frame import ALL_TOKENS
from tec_zarr.bitstream.header import TARGETS, Target
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import registry
from tec_zarr.models.bands import L2A

DEFAULT_QUALITY = 75.0
REFLECTANCE_PER_DN = 1e-4
MAX_OFFSET_DN = 100_000
NOT_FINITE = ("nan", "inf", "-inf")
OPTIONAL = ("quality", "max_error", *TARGETS, "best_effort")
"""Fields that a store does not mention where they were not asked for."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How chunks are encoded.

    Parameters
    ----------
    model
        Name of the weights.
    weights
        SHA-256 of the weights in hexadecimal; None takes those that `model` names in this release.
    quality
        1 (smallest) to 100 (most faithful); where no target is given either: 75, or what goes best with the `tokens` of a
        FlexTEC; with a `max_error` of all bands, whatever takes the fewest bytes in a chunk (None). Published models have
        one quality, and no targets.
    psnr, rmse, bppb, ratio
        Targets, one of them at most and only without `quality`, which is searched for each chunk: PSNR in dB (peak 10,000
        DN) and RMSE in the array's own units over valid samples; bits a sample; how many times smaller than the array.
    best_effort
        Where no quality gives the target: warn and take the nearest, instead of an error.
    max_error
        Bound on the error of every valid sample, in the array's own units; 0: lossless. One number, or one for each band
        of a mapping; bands that it does not name have none.
    bands
        Names along the band axis, any selection of the twelve L2A bands in any order; of published models all bands.
    offset_dn
        Reflectance of integer arrays is (DN + offset_dn) * 1e-4: 0 without, -1000 with the offset of processing
        baseline 04.00.
    scale
        Of float arrays: reflectance is 1e-4 * value / scale, so 1e-4 for arrays that hold reflectance.
    nodata
        Value, in the array's own units, that comes back exactly wherever it stands; None for none. NaN and infinities
        of float arrays always come back exactly. Kept as "nan", "inf" or "-inf" where it is not finite, as in JSON.
    tokens
        Of a FlexTEC: how many of the 16 tokens of each block are kept, 1 to 16, or that of each date of a chunk in turn.
    """

    model: str = registry.DEFAULT
    weights: str | None = None
    quality: float | None = None
    bands: tuple[str, ...] = L2A
    offset_dn: int = 0
    scale: float = REFLECTANCE_PER_DN
    nodata: float | str | None = 0
    tokens: int | tuple[int, ...] = ALL_TOKENS
    max_error: float | tuple[tuple[str, float], ...] | None = None
    psnr: float | None = None
    rmse: float | None = None
    bppb: float | None = None
    ratio: float | None = None
    best_effort: bool = False

    def __post_init__(self) -> None:
        entry = registry.find(self.model, self.weights or "")
        if entry.published is None and self.weights not in (None, entry.sha256):
            raise WeightsError(
                f"{self.model} with weights {self.weights} was asked for, but this release has {entry.sha256}; "
                "install the release of tec_zarr that wrote the store"
            )
        if (weights := self.weights or entry.sha256) is None:
            raise WeightsError(f"{self.model} is not on this machine. {registry.elsewhere(self.model)}")
        object.__setattr__(self, "weights", weights)
        self._check_targets()
        if entry.published and (self.target or self.quality not in (None, DEFAULT_QUALITY)):
            raise InvalidInputError(
                f"{self.model} has one quality: give neither quality nor {', '.join(TARGETS)}, or choose another model"
            )
        object.__setattr__(self, "bands", _bands(self.bands, entry))
        if not isinstance(self.offset_dn, numbers.Integral) or abs(self.offset_dn) > MAX_OFFSET_DN:
            raise InvalidInputError(f"offset_dn must be a whole number of DN, usually 0 or -1000; got {self.offset_dn!r}")
        object.__setattr__(self, "offset_dn", int(self.offset_dn))
        if not _is_number(self.scale) or not math.isfinite(self.scale) or self.scale <= 0:
            raise InvalidInputError(f"scale must be a positive number, 1e-4 for reflectance; got {self.scale!r}")
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "nodata", _nodata(self.nodata))
        object.__setattr__(self, "max_error", _max_error(self.max_error, self.bands))
        object.__setattr__(self, "tokens", _tokens(self.tokens))
        if self.tokens != ALL_TOKENS and not entry.drops_tokens:
            raise InvalidInputError(f"tokens={self.tokens} needs a FlexTEC, which {self.model} is not: give quality only")
        if self.target is None and not self._is_bounded_alone(entry):
            quality = _default_quality(entry, self.tokens) if self.quality is None else self.quality
            object.__setattr__(self, "quality", as_quality(quality))

    def tokens_of(self, times: int) -> list[int]:
        """Tokens kept of each of `times` dates; raises InvalidInputError where they were given for another number."""
        if isinstance(self.tokens, int):
            return [self.tokens] * times
        if len(self.tokens) != times:
            raise InvalidInputError(f"tokens={self.tokens} are for chunks of {len(self.tokens)} dates; got one of {times}")
        return list(self.tokens)

    def _check_targets(self) -> None:
        given = {name: getattr(self, name) for name in ("quality", *TARGETS) if getattr(self, name) is not None}
        if len(given) > 1:
            listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise InvalidInputError(f"give exactly one of quality, {', '.join(TARGETS)}; got {listed}")
        if not isinstance(self.best_effort, bool):
            raise InvalidInputError(f"best_effort must be True or False; got {self.best_effort!r}")
        for name, value in given.items():
            if name != "quality":
                if not _is_number(value) or not math.isfinite(value) or value <= 0:
                    raise InvalidInputError(f"{name} must be a positive number; got {value!r}")
                object.__setattr__(self, name, float(value))

    def _is_bounded_alone(self, entry: registry.Entry) -> bool:
        """Whether quality only decides on bytes, so that the codec may."""
        fixed = entry.drops_tokens or entry.published is not None
        return self.quality is None and None not in self.bounds and not fixed

    @property
    def target(self) -> Target | None:
        """What quality is to be searched for; None where quality itself was given."""
        return next((Target(n, getattr(self, n)) for n in TARGETS if getattr(self, n) is not None), None)

    @property
    def bounds(self) -> tuple[float | None, ...]:
        """The bound on the error of each band, in the array's own units; None for none."""
        if isinstance(self.max_error, tuple):
            return tuple(dict(self.max_error).get(band) for band in self.bands)
        return (self.max_error,) * len(self.bands)

    def to_dict(self) -> dict[str, Any]:
        """JSON fields that `Settings` is made of again; what was not asked for is left out."""
        fields = dataclasses.asdict(self)
        fields["bands"] = list(self.bands)
        if isinstance(self.max_error, tuple):
            fields["max_error"] = dict(self.max_error)
        fields["tokens"] = list(self.tokens) if isinstance(self.tokens, tuple) else self.tokens
        if self.tokens == ALL_TOKENS:
            del fields["tokens"]
        return {k: v for k, v in fields.items() if k not in OPTIONAL or (v is not None and v is not False)}

    def describe(self) -> str:
        """The fields as keyword arguments, in short."""
        return ", ".join(f"{k}={v!r}" for k, v in self.to_dict().items() if k != "weights")

    @property
    def band_indices(self) -> tuple[int, ...] | None:
        """Where the bands stand among the model's; None where they are the model's own."""
        known = registry.find(self.model, self.weights).bands
        return None if self.bands == known else tuple(known.index(b) for b in self.bands)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _default_quality(entry: registry.Entry, tokens: int | tuple[int, ...]) -> float:
    """That of the most tokens kept, where the quality that goes best with each number of tokens was measured."""
    if entry.quality_of_tokens is None:
        return DEFAULT_QUALITY
    return entry.quality_of_tokens[max([tokens] if isinstance(tokens, int) else tokens) - 1]


def as_quality(value: object) -> float:
    """As the float32 that the stream holds, so that encoder and decoder compute with the same number."""
    if not _is_number(value) or not 1 <= value <= 100:
        raise InvalidInputError(f"quality must be 1 (smallest) to 100 (most faithful); got {value!r}")
    return struct.unpack(">f", struct.pack(">f", value))[0]


def _max_error(value: object, bands: tuple[str, ...]) -> float | tuple[tuple[str, float], ...] | None:
    if value is None:
        return None
    if isinstance(value, (Mapping, tuple)):
        named = dict(value)
        if unknown := [band for band in named if band not in bands]:
            raise InvalidInputError(f"max_error names {', '.join(map(repr, unknown))}, but the bands are {', '.join(bands)}")
        return tuple((band, _error_bound(named[band])) for band in bands if band in named) or None
    return _error_bound(value)


def _error_bound(value: object) -> float:
    if not _is_number(value) or not math.isfinite(value) or value < 0:
        raise InvalidInputError(
            "max_error must be 0 (lossless) or a positive number in the array's own units, or a mapping of bands to such "
            f"numbers; got {value!r}"
        )
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _nodata(value: object) -> float | str | None:
    if value is None or value in NOT_FINITE:
        return value
    if not _is_number(value):
        raise InvalidInputError(f"nodata must be a number or None; got {value!r}")
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def _tokens(value: object) -> int | tuple[int, ...]:
    """As given by a user or by JSON."""
    each = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    if not each or not all(isinstance(n, numbers.Integral) and _is_number(n) and 1 <= n <= ALL_TOKENS for n in each):
        raise InvalidInputError(
            f"tokens must be 1 to {ALL_TOKENS}, or one such number for each date of a chunk; got {value!r}"
        )
    return tuple(int(n) for n in each) if isinstance(value, Iterable) else int(each[0])


def _bands(names: object, entry: registry.Entry) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        names = (names,)
    names = tuple(names)
    if entry.published and sorted(names) != sorted(entry.bands):
        raise InvalidInputError(
            f"{entry.name} codes all of its {len(entry.bands)} bands: bands must name {', '.join(entry.bands)} in the order "
            f"that the cube has them in; got {names}"
        )
    unknown = [b for b in names if b not in entry.bands]
    if unknown or not names or len(set(names)) != len(names):
        raise InvalidInputError(
            f"bands must name the band axis with distinct Sentinel-2 L2A bands out of {', '.join(L2A)}; got {names}"
            + (f", of which {', '.join(map(repr, unknown))} are unknown" if unknown else "")
        )
    return names
