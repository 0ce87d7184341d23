"""Metadata documents of Zarr: which keys they are, and which chunks readers of them look for."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from tec_zarr.errors import InvalidInputError

ROOTS = (".zattrs", ".zmetadata", ".zgroup", "zarr.json")
"""Documents of a root group, in the order in which they are written: the last one of each format
is the one by which readers find a new store."""

FOUND_BY = (".zgroup", ".zarray", "zarr.json")
"""Documents without which readers find nothing."""

DOCUMENTS = (*ROOTS, ".zarray")


def is_document(key: str) -> bool:
    """Whether a key is that of metadata."""
    return key.rpartition("/")[2] in DOCUMENTS


def within(prefix: str, name: str) -> str:
    """The key of what a group or array holds."""
    return f"{prefix}/{name}" if prefix else name


def is_within(key: str, prefix: str) -> bool:
    return not prefix or key.startswith(f"{prefix}/")


@dataclasses.dataclass(frozen=True)
class Grid:
    """The chunks of one array: their keys begin with `prefix`, and count chunks along each dim."""

    prefix: str
    separator: str
    counts: tuple[int, ...]

    @classmethod
    def of(cls, path: str, document: Mapping[str, Any]) -> Self:
        """The chunks of the array at `path`; raises InvalidInputError where they are on no regular
        grid."""
        shape = document["shape"]
        if document["zarr_format"] == 2:
            chunk = document["chunks"]
            separator = document.get("dimension_separator", ".")
            begins_with_c = False
        else:
            grid = document["chunk_grid"]
            if grid["name"] != "regular":
                raise InvalidInputError(
                    f"{path} has chunks on a {grid['name']} grid, not a regular"
                )
            chunk = grid["configuration"]["chunk_shape"]
            encoding = document["chunk_key_encoding"]
            begins_with_c = encoding["name"] == "default"
            settings = encoding.get("configuration") or {}
            separator = settings.get("separator", "/" if begins_with_c else ".")
        counts = []
        for length, step in zip(shape, chunk, strict=True):
            counts.append(math.ceil(length / step))
        prefix = within(path, "")
        if begins_with_c:
            prefix += f"c{separator}" if counts else "c"
        return cls(prefix, separator, tuple(counts))

    @property
    def _is_scalar_of_format_2(self) -> bool:
        return not self.counts and not self.prefix.endswith("c")

    def keys(self) -> Iterator[str]:
        """Of all chunks, whether stored or not."""
        for place in itertools.product(*map(range, self.counts)):
            name = self.separator.join(map(str, place))
            yield self.prefix + ("0" if self._is_scalar_of_format_2 else name)

    def holds(self, key: str) -> bool:
        """Whether a key is one of `keys`."""
        if not key.startswith(self.prefix):
            return False
        name = key[len(self.prefix) :]
        if not self.counts:
            return name == ("0" if self._is_scalar_of_format_2 else "")
        numbers = name.split(self.separator)
        if len(numbers) != len(self.counts):
            return False
        for number, count in zip(numbers, self.counts, strict=True):
            if not number.isdecimal() or int(number) >= count:
                return False
        return True


def grids(documents: Mapping[str, Mapping[str, Any]]) -> list[Grid]:
    """The chunks of all arrays, by documents as JSON has them under their keys."""
    found = []
    for key, document in documents.items():
        path, _, name = key.rpartition("/")
        if name == ".zarray" or (name == "zarr.json" and document["node_type"] == "array"):
            found.append(Grid.of(path, document))
    return found


def shapes(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Shapes of arrays by key of the document that tells them."""
    found = {}
    for key, document in documents.items():
        if "shape" in document:
            found[key] = document["shape"]
    return found


def consolidated(root: Mapping[str, bytes]) -> dict[str, dict[str, Any]] | None:
    """What the documents of a root say of all below it, by key; None where they say nothing."""
    if "zarr.json" in root:
        below = json.loads(root["zarr.json"]).get("consolidated_metadata")
        if below is None:
            return None
        return {f"{path}/zarr.json": node for path, node in below["metadata"].items()}
    if ".zmetadata" in root:
        return json.loads(root[".zmetadata"])["metadata"]
    return None


def in_order(keys: Iterable[str], prefix: str = "") -> list[str]:
    """Keys of documents as they are to be written: those of the root last of all."""
    last = [within(prefix, name) for name in ROOTS]
    return sorted(keys, key=lambda key: (last.index(key) if key in last else -1, key))
