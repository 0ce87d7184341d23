"""Codecs that say what to write instead, where they were given in the wrong place or with unknown
keywords.

Zarr rejects a codec of the wrong kind with "Expected a … Got {type(codec)} instead", before it
calls anything of ours; so the place for advice is how the class prints itself.
"""

from __future__ import annotations

import inspect
from abc import ABCMeta
from typing import Any

from tec_zarr.plugins.parameters import check_keywords, with_meanings


class CodecClass(ABCMeta):
    """A class whose repr ends with its `advice`, and whose docstring has the meanings of its
    parameters."""

    advice: str

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]):
        super().__init__(name, bases, namespace)
        cls.__doc__ = with_meanings(cls.__doc__, cls.keywords())

    def keywords(cls) -> list[str]:
        """Those that it can be made with."""
        given = dict(vars(cls).get("__annotations__", {}))
        given.update(inspect.signature(vars(cls).get("__init__", object)).parameters)
        return [name for name in given if name != "self"]

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of the constructor: what `help` and completion show."""
        made_by = inspect.signature(vars(cls).get("__init__", object))
        return made_by.replace(parameters=list(made_by.parameters.values())[1:])

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        check_keywords(cls.__name__, keywords, cls.keywords())
        return super().__call__(*args, **keywords)

    def __repr__(cls) -> str:
        return f"<class 'tec_zarr.{cls.__name__}'> ({cls.advice})"
