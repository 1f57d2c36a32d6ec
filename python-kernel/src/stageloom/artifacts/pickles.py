"""Pickles, the last resort: with a fixed protocol, and sets in an order that does not depend on hash seeds."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

PROTOCOL = 5


# the C pickler cannot be told how to write a set, so this is the one in Python, which typeshed does not know
_Python: Any = pickle._Pickler  # type: ignore[attr-defined,unused-ignore]  # noqa: SLF001


class _Canonical(_Python):  # type: ignore[misc]
    """Writes sets and frozensets sorted by their elements' own pickles."""

    dispatch: ClassVar[dict[type, Any]] = dict(_Python.dispatch)

    def _save_set(self, value: set[object] | frozenset[object]) -> None:
        self.save_reduce(type(value), (sorted(value, key=dumps),), obj=value)

    dispatch[set] = _save_set
    dispatch[frozenset] = _save_set


def dumps(value: object) -> bytes:
    """Return ``value`` as a pickle; raises whatever pickling raises."""
    stream = io.BytesIO()
    _Canonical(stream, PROTOCOL).dump(value)
    return stream.getvalue()


def loads(data: bytes) -> Any:
    """Return what a pickle holds. It runs code: only for trees of the user's own store, never for a preview."""
    load: Callable[[bytes], Any] = pickle.loads
    return load(data)
