"""What a user chooses, checked once. Imports nothing heavy: codec objects are made whenever a
store is opened."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any

from tec_zarr.bitstream.header import TARGETS, Target
from tec_zarr.codec.checks import (
    checked_bands,
    checked_counts,
    checked_max_error,
    checked_nodata,
    for_each_date,
    is_number,
)
from tec_zarr.codec.quality import DEFAULT_QUALITY, as_quality
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import registry

REFLECTANCE_PER_DN = 1e-4
MAX_OFFSET_DN = 100_000

ALL_GROUPS = 11
"""Groups of frequencies that a date is coded in, from the coarsest to the finest."""

ALL_TOKENS = 16
"""Tokens of each block of latents of a published FlexTEC."""

CONTEXTS = ("dates", "date", "none")

DEFAULTS = {
    "quality": None,
    "bands": None,
    "max_error": None,
    **dict.fromkeys(TARGETS),
    "best_effort": False,
    "context": "dates",
    "key_interval": None,
    "groups": ALL_GROUPS,
    "tokens": ALL_TOKENS,
    "effort": 1,
}
"""Fields that a store does not mention where they are like this."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How chunks are encoded.

    Parameters
    ----------
    model
        Name of the weights: "tec-tt", or that of a published checkpoint.
    weights
        SHA-256 of the weights in hexadecimal; None takes those that `model` names in this release.
    quality
        1 (smallest) to 100 (most faithful), 35 where no target is given either; with a `max_error`
        of all bands, whatever takes the fewest bytes in a chunk (None). Published models have one
        quality, and no targets.
    bands
        Names along the band axis, any names; None where they have none. Published models need those
        of their level.
    offset_dn
        What is added to the numbers of integer arrays before they are coded: 0, or -1000 with the
        offset of processing baseline 04.00. Only published models care.
    scale
        Of float arrays: the value of one DN, 1e-4 for arrays that hold reflectance.
    nodata
        Value, in the array's own units, that comes back exactly wherever it stands; None for none.
        NaN and infinities of float arrays always come back exactly. Kept as "nan", "inf" or "-inf"
        where it is not finite.
    tokens
        Of a published FlexTEC: how many of the 16 tokens of each block are kept, or that of each
        date in turn.
    max_error
        Bound on the error of every valid sample, in the array's own units; 0: lossless. One number,
        or one for each band of a mapping; bands that it does not name have none.
    psnr, rmse, bppb, ratio
        Targets, one of them at most and only without `quality`, which is searched for each chunk:
        PSNR in dB (peak 10,000 DN) and RMSE in the array's own units over valid samples; bits a
        sample; how many times smaller.
    best_effort
        Where no quality gives the target: warn and take the nearest, instead of an error.
    context
        What a date is predicted from: "dates" before it in its chunk; "date", itself alone; "none",
        nothing, which needs no network and is fastest.
    key_interval
        Every so many dates of a chunk one is coded without a look at those before it; None: only
        the first one is.
    groups
        How many of the 11 groups of frequencies of a date are sent, coarsest first, or that of each
        date of a chunk in turn; what is not sent is predicted.
    effort
        0: plain rounding; 1: rounding that weighs bits against error.
    """

    model: str = registry.DEFAULT
    weights: str | None = None
    quality: float | None = None
    bands: tuple[str, ...] | None = None
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
    context: str = "dates"
    key_interval: int | None = None
    groups: int | tuple[int, ...] = ALL_GROUPS
    effort: int = 1

    def __post_init__(self) -> None:
        entry = registry.find(self.model, self.weights or "")
        entry.check_codes()
        self._set("weights", self._checked_weights(entry))
        self._check_targets()
        self._set("bands", checked_bands(self.bands, entry))
        self._check_radiometry()
        self._set("max_error", checked_max_error(self.max_error, self.bands))
        self._check_budgets(entry)
        if entry.published and (self.target or self.quality not in (None, DEFAULT_QUALITY)):
            raise InvalidInputError(
                f"{self.model} has one quality: give neither quality nor {', '.join(TARGETS)}, or "
                "choose another model"
            )
        if self.target is None and not self._is_bounded_alone(entry):
            quality = DEFAULT_QUALITY if self.quality is None else self.quality
            self._set("quality", as_quality(quality))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def is_published(self) -> bool:
        """Whether the model is a published checkpoint."""
        return registry.find(self.model, self.weights or "").published is not None

    def _checked_weights(self, entry: registry.Entry) -> str:
        if entry.published is None and self.weights not in (None, entry.sha256):
            raise WeightsError(
                f"{self.model} with weights {self.weights} was asked for, but this release has "
                f"{entry.sha256}; install the release of tec_zarr that wrote the store"
            )
        weights = self.weights or entry.sha256
        if weights is None:
            raise WeightsError(
                f"{self.model} is not on this machine. {registry.elsewhere(self.model)}"
            )
        return weights

    def _check_targets(self) -> None:
        given = {}
        for name in ("quality", *TARGETS):
            if getattr(self, name) is not None:
                given[name] = getattr(self, name)
        if len(given) > 1:
            listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise InvalidInputError(
                f"give exactly one of quality, {', '.join(TARGETS)}; got {listed}"
            )
        if not isinstance(self.best_effort, bool):
            raise InvalidInputError(f"best_effort must be True or False; got {self.best_effort!r}")
        given.pop("quality", None)
        for name, value in given.items():
            if not is_number(value) or not math.isfinite(value) or value <= 0:
                raise InvalidInputError(f"{name} must be a positive number; got {value!r}")
            self._set(name, float(value))

    def _check_radiometry(self) -> None:
        if not isinstance(self.offset_dn, numbers.Integral) or abs(self.offset_dn) > MAX_OFFSET_DN:
            raise InvalidInputError(
                "offset_dn must be a whole number of DN, usually 0 or -1000; got "
                f"{self.offset_dn!r}"
            )
        self._set("offset_dn", int(self.offset_dn))
        if not is_number(self.scale) or not math.isfinite(self.scale) or self.scale <= 0:
            raise InvalidInputError(
                f"scale must be a positive number, 1e-4 for reflectance; got {self.scale!r}"
            )
        self._set("scale", float(self.scale))
        self._set("nodata", checked_nodata(self.nodata))

    def _check_budgets(self, entry: registry.Entry) -> None:
        self._set("tokens", checked_counts(self.tokens, "tokens", ALL_TOKENS))
        self._set("groups", checked_counts(self.groups, "groups", ALL_GROUPS))
        if self.tokens != ALL_TOKENS and not entry.drops_tokens:
            raise InvalidInputError(
                f"tokens={self.tokens} needs a published FlexTEC; with {self.model} give groups"
            )
        if self.context not in CONTEXTS:
            raise InvalidInputError(
                f'context must be "dates", "date" or "none"; got {self.context!r}'
            )
        if self.effort not in (0, 1) or not is_number(self.effort):
            raise InvalidInputError(f"effort must be 0 or 1; got {self.effort!r}")
        interval = self.key_interval
        if interval is not None and (not isinstance(interval, numbers.Integral) or interval < 1):
            raise InvalidInputError(
                f"key_interval must be a number of dates, 1 or more, or None; got {interval!r}"
            )
        shaped = self.context != "dates" or interval is not None or self.groups != ALL_GROUPS
        if entry.published and shaped:
            raise InvalidInputError(
                f"{self.model} knows neither context, key_interval nor groups; leave them out"
            )

    def tokens_of(self, times: int) -> list[int]:
        """Tokens kept of each of `times` dates; raises InvalidInputError where they are for
        another number."""
        return for_each_date(self.tokens, "tokens", times)

    def groups_of(self, times: int) -> list[int]:
        """Groups sent of each of `times` dates; raises InvalidInputError where they are for
        another number."""
        return for_each_date(self.groups, "groups", times)

    def key_dates(self, count: int, coded: int) -> list[bool]:
        """Which of `count` dates are coded without a look at those before them, where so many are
        `coded` since the last one that was."""
        interval = 1 if self.context != "dates" else self.key_interval
        keys = []
        for _ in range(count):
            is_due = coded == 0 or (interval is not None and coded >= interval)
            keys.append(is_due)
            coded = 1 if is_due else coded + 1
        return keys

    def _is_bounded_alone(self, entry: registry.Entry) -> bool:
        """Whether quality only decides on bytes, so that the codec may."""
        return self.quality is None and self.bounds_all_bands and entry.published is None

    @property
    def bounds_all_bands(self) -> bool:
        """Whether there is a bound on the error of every band."""
        if isinstance(self.max_error, tuple):
            return len(self.max_error) == len(self.bands)
        return self.max_error is not None

    @property
    def target(self) -> Target | None:
        """What quality is to be searched for; None where quality itself was given."""
        for name in TARGETS:
            if getattr(self, name) is not None:
                return Target(name, getattr(self, name))
        return None

    def bounds(self, count: int) -> tuple[float | None, ...]:
        """The bound on the error of each of `count` bands, in the array's own units; None for
        none."""
        if isinstance(self.max_error, tuple):
            named = dict(self.max_error)
            return tuple(named.get(band) for band in self.bands)
        return (self.max_error,) * count

    def to_dict(self) -> dict[str, Any]:
        """JSON fields that `Settings` is made of again; what is as by default is left out."""
        fields = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in DEFAULTS and value == DEFAULTS[field.name]:
                continue
            fields[field.name] = list(value) if isinstance(value, tuple) else value
        if isinstance(self.max_error, tuple):
            fields["max_error"] = dict(self.max_error)
        return fields

    def describe(self) -> str:
        """The fields as keyword arguments, in short."""
        return ", ".join(f"{k}={v!r}" for k, v in self.to_dict().items() if k != "weights")

    @property
    def band_indices(self) -> tuple[int, ...] | None:
        """Where the bands stand among those of a published model; None where they are the
        model's own."""
        known = registry.find(self.model, self.weights).bands
        if self.bands is None or known is None or self.bands == known:
            return None
        return tuple(known.index(band) for band in self.bands)
