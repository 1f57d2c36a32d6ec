"""Pickles, the last resort: with a fixed protocol, and sets in an order that does not depend on hash seeds."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

PROTOCOL = 5


# the C pickler cannot be told how to write a set, so this is the one in Python, which typeshed does not know
_Python: Any = pickle._Pickler  # type: ignore[attr-defined,unused-ignore]  # noqa: SLF001


class _Canonical(_Python):  # type: ignore[misc]
    """Writes sets and frozensets sorted by their elements' own pickles."""

    dispatch: ClassVar[dict[type, Any]] = dict(_Python.dispatch)

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, PROTOCOL)
        self.names: set[tuple[str, str]] = set()

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


def dumps(value: object) -> bytes:
    """Return ``value`` as a pickle; raises whatever pickling raises."""
    return dumps_with_names(value)[0]


def dumps_with_names(value: object) -> tuple[bytes, set[tuple[str, str]]]:
    """Return ``value`` as a pickle, and module and name of each class and function that the pickle refers to."""
    stream = io.BytesIO()
    pickler = _Canonical(stream)
    pickler.dump(value)
    return stream.getvalue(), pickler.names


def loads(data: bytes) -> Any:
    """Return what a pickle holds. It runs code: only for trees of the user's own store, never for a preview."""
    load: Callable[[bytes], Any] = pickle.loads
    return load(data)
