"""A safetensors file as tensors that stay in it until they are looked at.

For weights that are large beside everything else: processes share what they have read, and what
was read can be given back.
"""

from __future__ import annotations

import json
import math
import mmap
import pathlib

import torch
from torch import Tensor

DTYPES = {"F32": torch.float32, "I32": torch.int32}


class MappedFile:
    """`metadata` and `tensors` of a file (https://huggingface.co/docs/safetensors, "Format") of
    checked hash."""

    def __init__(self, path: pathlib.Path):
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._begin = 8 + int.from_bytes(self._memory[:8], "little")
        header = json.loads(self._memory[8 : self._begin])
        self.metadata: dict[str, str] = header.pop("__metadata__", {})
        self.tensors = {name: self._tensor(**fields) for name, fields in header.items()}

    def _tensor(self, dtype: str, shape: list[int], data_offsets: list[int]) -> Tensor:
        if not (count := math.prod(shape)):
            return torch.empty(shape, dtype=DTYPES[dtype])
        begin = self._begin + data_offsets[0]
        return torch.frombuffer(
            self._memory, dtype=DTYPES[dtype], count=count, offset=begin
        ).reshape(shape)

    def __deepcopy__(self, memo: dict) -> MappedFile:
        """A file is what it is; copies of a model share it."""
        return self

    def release(self) -> None:
        """Give back the memory of what was read; it is read again when it is looked at."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED)
