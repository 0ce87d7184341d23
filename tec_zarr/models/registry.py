"""Which weights there are. Standard library only: it is read whenever a store is opened."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import pathlib

from tec_zarr.errors import WeightsError

FOLDER = pathlib.Path(__file__).with_name("weights")
DEFAULT = "tec-tt-s2"


@dataclasses.dataclass(frozen=True)
class Entry:
    """Shipped weights: the `name` that stores use, the SHA-256 of the file in hexadecimal, its path, the name of the weights
    that it builds on, if any, and of a FlexTEC the quality that goes best with 1, 2 … 16 tokens."""

    name: str
    sha256: str
    path: pathlib.Path
    base: str | None
    quality_of_tokens: tuple[float, ...] | None

    def read(self) -> bytes:
        """The file's bytes; raises WeightsError unless they have the registered hash."""
        data = self.path.read_bytes()
        if (found := hashlib.sha256(data).hexdigest()) != self.sha256:
            raise WeightsError(
                f"{self.path} has SHA-256 {found}, but {self.name} is {self.sha256}: the file was changed or cut; "
                "install tec_zarr again"
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


def find(name: str) -> Entry:
    """The entry called `name`; raises WeightsError where there is none."""
    if name not in entries():
        raise WeightsError(f"unknown model {name!r}; this release of tec_zarr has {sorted(entries())}")
    return entries()[name]
