"""Pickles, the last resort: with a fixed protocol, and sets in an order that does not depend on hash seeds."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

PROTOCOL = 5

#: Returns the number of a part that is written elsewhere, None for what belongs into the pickle.
Apart = Callable[[object], int | None]


def whole(value: object) -> None:
    """Keep nothing apart."""
    del value


# the C pickler cannot be told how to write a set, so this is the one in Python, which typeshed does not know
_Python: Any = pickle._Pickler  # type: ignore[attr-defined,unused-ignore]  # noqa: SLF001


class _Canonical(_Python):  # type: ignore[misc]
    """Writes sets and frozensets sorted by their elements' own pickles."""

    dispatch: ClassVar[dict[type, Any]] = dict(_Python.dispatch)

    def __init__(self, stream: io.BytesIO, apart: Apart) -> None:
        super().__init__(stream, PROTOCOL)
        self.names: set[tuple[str, str]] = set()
        self._apart = apart

    def persistent_id(self, value: object) -> int | None:
        """Return the number of a part that is kept elsewhere."""
        return self._apart(value)

    def save_global(self, value: Any, name: str | None = None) -> None:
        """Write a class or function by its name, and remember that."""
        super().save_global(value, name)
        name = name or getattr(value, "__qualname__", None) or value.__name__
        self.names.add((pickle.whichmodule(value, name), name))  # type: ignore[attr-defined,unused-ignore]

    dispatch[FunctionType] = save_global

    def _save_set(self, value: set[object] | frozenset[object]) -> None:
        self.save_reduce(type(value), (sorted(value, key=dumps),), obj=value)

    dispatch[set] = _save_set
    dispatch[frozenset] = _save_set


class _Reader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, part: Callable[[int], object]) -> None:
        super().__init__(stream)
        self._part = part
        self._parts: dict[int, object] = {}

    def persistent_load(self, number: int) -> object:
        """Return the part of that number, the same object each time."""
        if number not in self._parts:
            self._parts[number] = self._part(number)
        return self._parts[number]


def dumps(value: object) -> bytes:
    """Return ``value`` as a pickle; raises whatever pickling raises."""
    return dumps_with_names(value)[0]


def dumps_with_names(value: object, apart: Apart = whole) -> tuple[bytes, set[tuple[str, str]]]:
    """Return ``value`` as a pickle, and module and name of each class and function that the pickle refers to.

    What ``apart`` returns a number for is not in the pickle, which holds the number instead.
    """
    stream = io.BytesIO()
    pickler = _Canonical(stream, apart)
    pickler.dump(value)
    return stream.getvalue(), pickler.names


def loads(data: bytes, part: Callable[[int], object]) -> Any:
    """Return what a pickle holds, ``part`` giving what was kept apart.

    It runs code: only for trees of the user's own store, never for a preview.
    """
    return _Reader(io.BytesIO(data), part).load()
