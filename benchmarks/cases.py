"""What is measured: chunks of the corpus by group, and what each group is held against."""

from __future__ import annotations

import dataclasses
import pathlib

import locations

from tec_zarr.models.bands import L2A

KLT_BANDS = "KLT bands + JPEG 2000"
KLT_DATES = "KLT bands, dates + JPEG 2000"
PCA_X265 = "PCA + x265"
JPEG2000_BANDS = "JPEG 2000, a band a file"
JPEG2000_DATES = "JPEG 2000, bands as components"

FIRST_DESIGN = "tec-tt-s2"

CLASSICAL = (KLT_BANDS, KLT_DATES, PCA_X265)
"""The best of these at a PSNR is the best classical codec, unless a case says otherwise."""

L1C = (*L2A[:10], "B10", *L2A[10:])
FINE = ("B02", "B03", "B04", "B08")
TEN = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")

SSL4EO = ("l2a_ts_ssl4eo_0080717", "l2a_ts_ssl4eo_0181476")
CANADA = ("l1c_pair_canada_roi26_p100", "l1c_pair_canada_roi26_p500", "l1c_pair_canada_roi26_p840")
TERRAMESH = ("l1c_sd_terramesh_433d_629l_3_1", "l2a_sd_terramesh_433d_629l_3_1")
SLOVENIA = "l1c_ts_slovenia_eolearn"
FEW_BANDS = (*SSL4EO, CANADA[0], TERRAMESH[1])
"""Places that stand for all where only some of the bands are coded."""

GELUWE = tuple(f"l2a_ts_worldcereal_geluwe_{i}" for i in range(1, 6))
TRAINING = (
    "l2a_ts_greenearthnet_crisana", "l2a_ts_greenearthnet_sodertorn", "l2a_ts_ssl4eo_0173706",
    "l1c_pair_oscd_beirut_a", "l1c_pair_oscd_milano", "l1c_pair_oscd_rennes",
    "l1c_pair_oscd_saclay_w", "l2a_pair_czech_208748", "l2a_pair_czech_361044",
    "l1c_pair_cr_4294", "l1c_ts_italy_roi146_p0",
)  # fmt: skip
"""Places of the training split, quantized to steps of 4 to 16 DN: good for up to 45 dB."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A chunk that is measured.

    Attributes
    ----------
    name
        Of the case, by which its curves are kept.
    group
        Cases that are summed up.
    place
        Name of a corpus file.
    cut
        What is taken of it.
    best_of
        Classical codecs, the best of which at a PSNR is compared with.
    is_float
        Whether tec_zarr gets float32 reflectance; peers always code digital numbers.
    """

    name: str
    group: str
    place: str
    cut: locations.Cut
    best_of: tuple[str, ...] = CLASSICAL
    is_float: bool = False

    @property
    def peers_of(self) -> str:
        """Name of the case whose peers' curves hold for this one."""
        return self.name.removesuffix(" float32")

    def load(self, data: pathlib.Path) -> locations.Location:
        """The chunk, from the folder that holds `val` and `train`.

        Raises FileNotFoundError where neither has the place.
        """
        for split in ("val", "train"):
            path = data / split / f"{self.place}.zip"
            if path.exists():
                return locations.load(path, self.cut)
        raise FileNotFoundError(f"neither val nor train of {data} has {self.place}")


def whole(place: str, group: str, dates: int = 4) -> Case:
    """Twelve bands, the first dates, 256 pixels."""
    return Case(place, group, place, locations.Cut(256, dates))


def of_bands(place: str, group: str, bands: tuple[str, ...], pixels: int = 256) -> Case:
    """Only some bands, or others, held against what suits them."""
    best_of = CLASSICAL if len(bands) > 1 else (JPEG2000_BANDS, JPEG2000_DATES)
    return Case(f"{place} {group}", group, place, locations.Cut(pixels, 4, bands), best_of)


def as_float(place: str) -> Case:
    """As `whole`, in reflectance."""
    cut = locations.Cut(256, 4)
    return Case(f"{place} float32", "float32", place, cut, is_float=True)


VAL = (
    *(whole(place, "SSL4EO") for place in SSL4EO),
    *(whole(place, "Canada") for place in CANADA),
    *(whole(place, "TerraMesh") for place in TERRAMESH),
    whole(SLOVENIA, "Slovenia"),
)
OTHERS = (
    *(of_bands(place, "13 bands", L1C) for place in (CANADA[0], CANADA[1])),
    *(of_bands(place, "10 m bands", FINE) for place in FEW_BANDS),
    *(of_bands(place, "B04", ("B04",)) for place in FEW_BANDS),
    *(of_bands(place, "B08", ("B08",)) for place in FEW_BANDS),
    *(of_bands(place, "ten bands", TEN, 64) for place in GELUWE),
    *(as_float(place) for place in (*SSL4EO, CANADA[0], SLOVENIA)),
)
STAND_INS = (
    whole("l2a_ts_spain_boadella", "training", 8),
    *(whole(place, "training") for place in TRAINING),
)
SETS = {"val": VAL, "others": OTHERS, "training": STAND_INS}


def chosen(sets: list[str], names: list[str] | None = None) -> list[Case]:
    """The cases of some sets, only those of the places `names` where given."""
    found = []
    for name in sets:
        found += SETS[name]
    if names is None:
        return found
    return [case for case in found if case.place in names]
