"""What names of files tell: the date and the band of an image."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import re

import numpy as np

from tec_zarr.cubes.bands import band_name

DATES = (
    (re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)T?(\d{6})(?!\d)"), "%Y%m%d%H%M%S"),
    (re.compile(r"(?<!\d)(\d{4})[-_.](\d\d)[-_.](\d\d)T(\d\d)[-:_]?(\d\d)[-:_]?(\d\d)"), None),
    (re.compile(r"(?<!\d)(\d{4})(\d{3})T(\d{6})(?!\d)"), "%Y%j%H%M%S"),
    (re.compile(r"(?<!\d)(\d{4})[-_.](\d\d)[-_.](\d\d)(?!\d)"), "%Y%m%d"),
    (re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)(?!\d)"), "%Y%m%d"),
    (re.compile(r"(?<![A-Za-z\d])[AD]?(\d{4})(\d{3})(?!\d)"), "%Y%j"),
)
"""Ways in which dates are written, those that tell more first, and how to read their digits. HLS
and MODIS count days of the year."""

YEARS = range(1970, 2100)

MASKS = ("SCL", "QA_PIXEL", "QA60", "Fmask", "CLDPRB", "SNWPRB", "QAI")
"""Images of classes or bits that belong to a cube and are none of its bands."""

NO_BANDS = (
    "TCI",
    "AOT",
    "WVP",
    "PVI",
    "visual",
    "thumbnail",
    "preview",
    "overview",
    "browse",
    "QA_RADSAT",
    "SR_QA_AEROSOL",
    "ST_QA",
)
"""Images that products hold beside their bands."""

LANDSAT = re.compile(r"(?:SR|ST)_B\d{1,2}$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Told:
    """What a path tells: the date, and the name of a band or mask; None where nothing."""

    date: np.datetime64 | None
    band: str | None = None
    mask: str | None = None
    is_no_band: bool = False


def read_name(path: str) -> Told:
    """What the name of a file tells, and the nearest folder that tells a date where it does not."""
    pure = pathlib.PurePosixPath(path)
    date = _nearest_date(pure)
    tokens = [token for token in re.split(r"[_.\s-]+", pure.stem) if token]
    for mask in MASKS:
        if _holds(tokens, mask):
            return Told(date, mask=mask)
    if any(_holds(tokens, other) for other in NO_BANDS):
        return Told(date, is_no_band=True)
    return Told(date, band=_band(pure.stem, tokens))


def _nearest_date(path: pathlib.PurePosixPath) -> np.datetime64 | None:
    """Of the file, else of the folder that is nearest to it, as 20240512 or 2024/5/12."""
    folders = path.parts[:-1]
    for part in (path.stem, *reversed(folders)):
        date = _date(part)
        if date is not None:
            return date
    for year, month, day in zip(folders, folders[1:], folders[2:], strict=False):
        date = _date(f"{year}-{month.zfill(2)}-{day.zfill(2)}")
        if date is not None:
            return date
    return None


def _date(text: str) -> np.datetime64 | None:
    """The first date that can be one."""
    for pattern, form in DATES:
        for match in pattern.finditer(text):
            digits = "".join(match.groups())
            try:
                found = datetime.datetime.strptime(digits, form or "%Y%m%d%H%M%S")
            except ValueError:
                continue
            if found.year in YEARS:
                return np.datetime64(found, "ns")
    return None


def _holds(tokens: list[str], name: str) -> bool:
    wanted = name.lower().split("_")
    given = [token.lower() for token in tokens]
    count = len(wanted)
    return any(given[i : i + count] == wanted for i in range(len(given) - count + 1))


def _band(stem: str, tokens: list[str]) -> str | None:
    """The one band that a name names; None where it names none, or several."""
    landsat = LANDSAT.search(stem)
    if landsat:
        # Numbers of Landsat's bands are not those of Sentinel-2.
        return landsat[0].upper()
    found: list[str] = []
    start = 0
    while start < len(tokens):
        # The longest first: red_edge_1 is not red.
        for length in (3, 2, 1):
            band = band_name("_".join(tokens[start : start + length]))
            if band is not None:
                found.append(band)
                start += length - 1
                break
        start += 1
    if len(set(found)) == 1:
        return found[0]
    l1c = [token.upper() for token in tokens if token.upper() == "B10"]
    return l1c[0] if l1c and not found else None


def rest_of_name(path: str) -> str:
    """What is left of a file's name without its date: of files a date each, what tells bands
    apart."""
    stem = pathlib.PurePosixPath(path).stem
    for pattern, _ in DATES:
        stem = pattern.sub("", stem)
    return re.sub(r"^[_.\s-]+|[_.\s-]+$", "", re.sub(r"[_.\s-]{2,}", "_", stem))
