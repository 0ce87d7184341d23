"""Which weights there are. Standard library only: it is read whenever a store is opened."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import json
import pathlib
import re
import tempfile

from tec_zarr.errors import WeightsError
from tec_zarr.folders import cache_folder
from tec_zarr.models.bands import LEVELS
from tec_zarr.models.published.checkpoints.catalog import Published, catalog

FOLDER = pathlib.Path(__file__).with_name("weights")
DEFAULT = "tec-tt"

INPAINTING = "tec-tt-s2"
"""Weights that predict what clouds hide, and code nothing."""

RETIRED = ("tec-tt-s2", "tec-elic-s2", "tec-fp-s2", "flextec-s2")
"""Names that stores of development versions may hold."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Weights: the `name` that stores use, the SHA-256 of the file in hexadecimal, its path.

    Those of a checkpoint that others have `published`, which has one quality, may be missing
    from this machine: then they have neither hash nor path.
    """

    name: str
    sha256: str | None
    path: pathlib.Path | None
    published: Published | None = None

    @property
    def bands(self) -> tuple[str, ...] | None:
        """The bands that published weights know, None where any will do."""
        return LEVELS[self.published.level].bands if self.published else None

    def check_codes(self) -> None:
        """Raise WeightsError where the weights are not those of a codec."""
        if self.name in RETIRED:
            raise _retired(self.name)

    @property
    def drops_tokens(self) -> bool:
        """Whether they are those of a FlexTEC: names begin with the family."""
        return self.name.startswith("flextec")

    def checked(self) -> pathlib.Path:
        """The path of the file; raises WeightsError unless it is here and has the registered
        hash."""
        if self.path is None:
            raise WeightsError(f"{self.name} is not on this machine. {elsewhere(self.name)}")
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            shipped = any(entry.sha256 == self.sha256 for entry in entries().values())
            remedy = "install tec_zarr again" if shipped else "remove it"
            remedy += f" and {_command(self.name)}" if self.published else ""
            raise WeightsError(
                f"{self.path} has SHA-256 {found}, but {self.name} is {self.sha256}: the file was "
                f"changed or cut; {remedy}"
            )
        return self.path

    def read(self) -> bytes:
        """The file's bytes; raises WeightsError as `checked` does."""
        return self.checked().read_bytes()


@functools.cache
def entries() -> dict[str, Entry]:
    """The shipped weights by name."""
    listed = json.loads((FOLDER / "registry.json").read_text())
    return {name: _entry(name, fields) for name, fields in listed.items()}


def _entry(name: str, fields: dict) -> Entry:
    return Entry(name, fields["sha256"], FOLDER / fields["file"])


def cache(name: str, sha256: str, data: bytes) -> None:
    """Put a weights file into the cache folder, whole or not at all; the hash is part of its
    name."""
    path = cache_folder() / f"{_plain(name)}.{sha256}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        temporary = pathlib.Path(file.name)
        try:
            file.write(data)
            file.close()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _plain(name: str) -> str:
    """A name that may be part of a path; stores, which name weights, are not to be trusted."""
    is_name = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9@._-]*", name)
    if not is_name:
        raise WeightsError(
            f"{name!r} cannot be the name of weights; `tec-zarr models list` shows those there are"
        )
    return name


def _command(name: str) -> str:
    return f"run `tec-zarr models fetch {name}`"


def elsewhere(name: str) -> str:
    """What to do about published weights that are not here."""
    return (
        f"To get it, {_command(name)}; without access to Hugging Face do so on a machine that has "
        f"it and copy {name}.*.safetensors from its cache folder, which `tec-zarr models list` "
        f"shows, to {cache_folder()}"
    )


def find(name: str, sha256: str = "") -> Entry:
    """The entry called `name`: the shipped one, unless its hash does not begin with `sha256` and
    there is one in the cache folder whose does.

    Raises WeightsError where there is no such name.
    """
    shipped = entries().get(name)
    if shipped and shipped.sha256.startswith(sha256):
        return shipped
    path = min(cache_folder().glob(f"{_plain(name)}.{sha256}*.safetensors"), default=None)
    if path is None and shipped:
        return shipped
    if path is None and name in RETIRED:
        raise _retired(name)
    if path is None and name not in catalog():
        near = difflib.get_close_matches(name, [*entries(), *catalog()], 1)
        guess = f": did you mean {near[0]}?" if near else "."
        raise WeightsError(
            f"unknown model {name!r}{guess} This release of tec_zarr ships "
            f"{', '.join(entries())}; `tec-zarr models list` shows all"
        )
    found = path and path.name.removeprefix(f"{name}.").removesuffix(".safetensors")
    return Entry(name, found, path, published=catalog().get(name))


def _retired(name: str) -> WeightsError:
    return WeightsError(
        f"{name} was a codec of development versions of tec_zarr, and this release reads none of "
        f"its chunks; write the data anew, with model={DEFAULT!r}"
    )


def metadata_of(data: bytes) -> dict[str, str]:
    """What a weights file says of itself."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
