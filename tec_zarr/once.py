"""Properties that are computed once for each object.

That of functools has one lock for all objects of a class in Python 3.11, and holds it while it
computes: threads would wait for each other's chunks, and a child that is forked meanwhile for
ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 (it is used as a decorator, like property)
    """A property whose value stays with the object from the first time on.

    Threads that ask the same object at the same time may each compute it.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self._compute(instance)
        # What lies in the object itself is found before this is asked again.
        instance.__dict__[self._name] = value
        return value
