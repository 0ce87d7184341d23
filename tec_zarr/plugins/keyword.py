"""Codecs that say, where they were given in the wrong place, what to write instead.

Zarr rejects a codec of the wrong kind with "Expected a … Got {type(codec)} instead", before it calls anything of ours;
so the place for advice is how the class prints itself.
"""

from __future__ import annotations

from abc import ABCMeta


class AdvisedClass(ABCMeta):
    """A class whose repr ends with its `advice`."""

    advice: str

    def __repr__(cls) -> str:
        return f"<class 'tec_zarr.{cls.__name__}'> ({cls.advice})"
