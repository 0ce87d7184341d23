"""Which weights there are. Standard library only: it is read whenever a store is opened."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import pathlib

from tec_zarr.errors import WeightsError
from tec_zarr.models.bands import L2A, LEVELS
from tec_zarr.models.published.catalog import Published, catalog

FOLDER = pathlib.Path(__file__).with_name("weights")
DEFAULT = "tec-tt-s2"
CACHE_VARIABLE = "TEC_ZARR_CACHE"


@dataclasses.dataclass(frozen=True)
class Entry:
    """Weights: the `name` that stores use, the SHA-256 of the file in hexadecimal, its path, the name of the weights that it
    builds on, if any, and of a shipped FlexTEC the quality that goes best with 1, 2 … 16 tokens.

    Those of a checkpoint that others have `published`, which has one quality, may be missing from this machine: then they
    have neither hash nor path.
    """

    name: str
    sha256: str | None
    path: pathlib.Path | None
    base: str | None = None
    quality_of_tokens: tuple[float, ...] | None = None
    published: Published | None = None

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that the weights know."""
        return L2A if self.published is None else LEVELS[self.published.level].bands

    @property
    def drops_tokens(self) -> bool:
        """Whether they are those of a FlexTEC."""
        return self.quality_of_tokens is not None or (self.published is not None and self.published.family == "flextec")

    def read(self) -> bytes:
        """The file's bytes; raises WeightsError unless they are here and have the registered hash."""
        if self.path is None:
            raise WeightsError(f"{self.name} is not on this machine. {elsewhere(self.name)}")
        data = self.path.read_bytes()
        if (found := hashlib.sha256(data).hexdigest()) != self.sha256:
            remedy = "install tec_zarr again" if self.published is None else f"remove it and {_command(self.name)}"
            raise WeightsError(
                f"{self.path} has SHA-256 {found}, but {self.name} is {self.sha256}: the file was changed or cut; {remedy}"
            )
        return data


@functools.cache
def entries() -> dict[str, Entry]:
    """The shipped weights by name."""
    listed = json.loads((FOLDER / "registry.json").read_text())
    return {name: _entry(name, fields) for name, fields in listed.items()}


def _entry(name: str, fields: dict) -> Entry:
    qualities = fields.get("quality_of_tokens")
    return Entry(name, fields["sha256"], FOLDER / fields["file"], fields.get("base"), qualities and tuple(qualities))


def cache_folder() -> pathlib.Path:
    """Where published weights are kept: TEC_ZARR_CACHE, or `tec_zarr` in the user's cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return pathlib.Path(chosen)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tec_zarr"


def cached_path(name: str, sha256: str) -> pathlib.Path:
    """Where converted weights of a published checkpoint belong; the hash is part of the file's name."""
    return cache_folder() / f"{name}.{sha256}.safetensors"


def _command(name: str) -> str:
    return f"run `tec-zarr models fetch {name}`"


def elsewhere(name: str) -> str:
    """What to do about published weights that are not here."""
    return (
        f"To get it, {_command(name)}; without access to Hugging Face do so on a machine that has it and copy "
        f"{name}.*.safetensors from its cache folder, which `tec-zarr models list` shows, to {cache_folder()}"
    )


def find(name: str, sha256: str = "") -> Entry:
    """The entry called `name`, of published ones the file whose hash begins with `sha256`.

    Raises WeightsError where there is no such name.
    """
    if name in entries():
        return entries()[name]
    if name not in catalog():
        raise WeightsError(f"unknown model {name!r}; this release of tec_zarr has {sorted([*entries(), *catalog()])}")
    path = min(cache_folder().glob(f"{name}.{sha256}*.safetensors"), default=None)
    found = path and path.name.removeprefix(f"{name}.").removesuffix(".safetensors")
    return Entry(name, found, path, published=catalog()[name])
