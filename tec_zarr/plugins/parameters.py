"""Signatures of the public API: what parameters mean, one text for all, and advice for those
that there are not."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from tec_zarr.errors import UnknownKeywordError

Function = TypeVar("Function", bound=Callable[..., Any])

MEANINGS = {
    "model": (
        'Name of the weights: "tec-tt", or that of a published checkpoint (`tec-zarr models list`).'
    ),
    "quality": (
        "1 (smallest) to 100 (most faithful); on Sentinel-2 imagery about 30 to beyond 60 dB of "
        "PSNR (peak 10,000 DN). Default: 35; with `max_error` for all bands, what takes the "
        "fewest bytes."
    ),
    "bands": (
        "Names along the band axis, any texts: what `max_error` may name. Published models need "
        "those of their level."
    ),
    "offset_dn": (
        "For integer arrays, reflectance = (DN + offset_dn) * 1e-4: 0, or -1000 for products of "
        "processing baseline 04.00 and later whose offset was not taken off. Only published "
        "models care."
    ),
    "scale": (
        "For float arrays, the value of one DN: 1e-4 for reflectance, 0.01 for kelvin to a "
        "hundredth."
    ),
    "nodata": (
        "Value in the array's units that comes back exactly; None for none. NaN and infinities "
        "always come back exactly."
    ),
    "tokens": (
        "Of a published FlexTEC: how many of the 16 tokens of each block are kept, or a number "
        "for each date of a chunk."
    ),
    "max_error": (
        "Hard bound on the error of every valid sample, in the array's units, on every machine; 0 "
        "is lossless. One number, or a mapping of bands to numbers; bands that are not named have "
        "no bound."
    ),
    "psnr, rmse": (
        "Instead of `quality`: PSNR in dB (peak 10,000 DN), or RMSE in the array's units. Quality "
        "is searched for each chunk until it is within 0.05 dB."
    ),
    "bppb, ratio": (
        "Instead of `quality`: bits a sample, or how many times smaller than the array. Quality "
        "is searched for each chunk until it is within 2 %."
    ),
    "best_effort": (
        "With a target that no quality gives: warn (TargetWarning), write the nearest and note it "
        "in the chunk, instead of raising TargetError."
    ),
    "context": (
        'What a date is predicted from: "dates", those before it in its chunk, which is smallest; '
        '"date", itself alone, so that any date decodes alone; "none", nothing at all: no network '
        "is needed, fastest and larger."
    ),
    "key_interval": (
        "Every so many dates of a chunk one is coded without a look at those before it, so that a "
        "late date does not need all of them. None: only the first one is."
    ),
    "groups": (
        "A budget: how many of the 11 groups of detail of a date are sent, coarsest first, or a "
        "number for each date of a chunk. What is not sent is predicted from other dates."
    ),
    "effort": ("1: weigh bits against error when rounding, 4 to 10 % smaller; 0: plain rounding."),
    "weights": (
        "SHA-256 of the weights; written into every store, and checked when one is opened."
    ),
    "device": ('"auto" (a GPU where torch sees one), or a torch device. Not stored.'),
    "allow_download": (
        "Whether weights of a published checkpoint that are not on this machine may be downloaded "
        "now. Not stored: opening a store never downloads."
    ),
}
"""By the name of a parameter, or of those that belong together."""

PLACE = re.compile(r"^( *)\{codec_parameters\}\n", re.MULTILINE)
WIDTH = 84


def public(function: Function) -> Function:
    """A function of the public API: documented, and with advice for keywords that it does not have.

    Where its docstring says `{codec_parameters}` it gets what those of its parameters mean that
    it does not describe.
    """
    names = list(inspect.signature(function).parameters)
    # The function itself has it, too: tools look through the wrapper.
    function.__doc__ = with_meanings(function.__doc__, names)

    @functools.wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        check_keywords(function.__name__, keywords, [name for name in names if name != "self"])
        return function(*args, **keywords)

    return cast("Function", checked)


def with_meanings(doc: str | None, names: Iterable[str]) -> str | None:
    """A docstring with the meanings of those parameters that it leaves to `{codec_parameters}`."""
    if doc is None:  # python -OO
        return None
    described = set(
        re.findall(r"\w+", " ".join(re.findall(r"^ *((?:\w+, )*\w+)$", doc, re.MULTILINE)))
    )
    entries = []
    for together, meaning in MEANINGS.items():
        present = [name for name in together.split(", ") if name in names and name not in described]
        if present:
            body = textwrap.indent(textwrap.fill(meaning, WIDTH), "    ")
            entries.append(f"{', '.join(present)}\n{body}\n")
    text = "".join(entries)
    return PLACE.sub(lambda found: textwrap.indent(text, found[1]), doc)


def check_keywords(callee: str, keywords: Iterable[str], names: Sequence[str]) -> None:
    """Raise UnknownKeywordError for the first keyword that is none of `names`, with the nearest
    of them."""
    for keyword in keywords:
        if keyword in names:
            continue
        near = difflib.get_close_matches(keyword, names, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise UnknownKeywordError(f"{callee} has no keyword {keyword!r}: {advice}")
