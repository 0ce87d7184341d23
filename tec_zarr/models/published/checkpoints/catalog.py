"""Which checkpoints are published, and where. Standard library only: it is read whenever a store
is opened."""

from __future__ import annotations

import dataclasses
import functools


@dataclasses.dataclass(frozen=True)
class Published:
    """A published checkpoint: its family, the Hugging Face repository and file, and the
    processing level (see `tec_zarr.models.bands`)."""

    family: str
    repository: str
    file: str
    level: str


_IMAGE_LMBDAS = ("0.5", "2", "10", "40", "200")
_SERIES = (
    ("tec-fp", "FP", "L2A", _IMAGE_LMBDAS),
    ("tec-elic", "ELIC", "L2A", _IMAGE_LMBDAS),
    ("tec-tt", "TT", "L2A", ("0.4", "1", "5", "20", "100", "200", "700")),
    ("tec-tt", "TT", "L1C", ("5", "20", "100")),
)


@functools.cache
def catalog() -> dict[str, Published]:
    """The checkpoints by name: family, level, and the lambda that each was trained at."""
    found = {}
    for family, short, level, lmbdas in _SERIES:
        for lmbda in lmbdas:
            repository = f"embed2scale/TerraCodec-1.0-{short}-S2{level}"
            file = f"TerraCodec_v1_{short}_S2{level}_lambda-{lmbda}.pt"
            found[f"{family}-s2{level.lower()}@{lmbda}"] = Published(
                family, repository, file, f"s2{level.lower()}"
            )
    for suffix, short in (("", "FlexTEC"), ("-lronly", "FlexTEC_LRonly")):
        found[f"flextec-s2l2a@800{suffix}"] = Published(
            "flextec",
            "embed2scale/TerraCodec-1.0-FlexTEC-S2L2A",
            f"{short}_v1_S2L2A_lambda-800.pt",
            "s2l2a",
        )
    return found
