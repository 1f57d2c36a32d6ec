"""What the project's modules hold in this process, and which of their names came to hold something else.

What a stage reads may stay there for the next stage, which then isn't seen to read it.
"""

from __future__ import annotations

import contextlib
import zlib
from collections import deque
from collections.abc import Collection, Iterable
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

#: How many objects are looked at below one name; where there are more, nobody can say that they are the same.
_MOST = 5_000
_SAMPLE = 1 << 16


class _Sum(int):
    """A checksum of what an object holds."""


#: These hold nothing, and are another object where they differ.
_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), ModuleType, range, slice, _Sum})

#: These have no attributes.
_BARE = frozenset({dict, list, tuple, set, frozenset, deque})


class Holding:
    """What some modules hold at one moment. It keeps hold of that, so that nothing else can come to its place."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._modules = {module.__name__: module for module in modules}
        self._held = {name: _held(module) for name, module in self._modules.items()}

    def changed(self, modules: Iterable[ModuleType]) -> set[tuple[str, str]]:
        """Return module and name of what is no longer the same among ``modules``; all of one that was not there."""
        found: set[tuple[str, str]] = set()
        for module in modules:
            name = module.__name__
            before = self._held.get(name)
            if before is None or self._modules[name] is not module:
                found.update((name, one) for one in vars(module))
                continue
            now = _held(module)
            found.update((name, one) for one in before.keys() | now.keys() if not _same(before.get(one), now.get(one)))
        return found


def _held(module: ModuleType) -> dict[str, list[object]]:
    name = module.__name__
    return {one: _walk(value, name) for one, value in list(vars(module).items()) if not one.startswith("__")}


def _same(before: list[object] | None, now: list[object] | None) -> bool:
    if before is None or now is None or len(before) != len(now) or len(now) > _MOST:
        return False
    return all(map(is_, before, now)) or all(
        one is other or (type(one) is _Sum and one == other) for one, other in zip(before, now, strict=True)
    )


def _walk(value: object, module: str) -> list[object]:
    """Return ``value`` and what it holds, in an order that is the same as long as that is."""
    found = [value]
    if type(value) in _PLAIN:
        return found
    pending, seen = [value], {id(value)}
    while pending and len(found) <= _MOST:
        inside = _inside(pending.pop(), module)
        found += inside
        for one in inside:
            if type(one) not in _PLAIN and id(one) not in seen:
                seen.add(id(one))
                pending.append(one)
    return found


def _inside(one: Any, module: str) -> Collection[object]:
    kind = type(one)
    if kind is FunctionType:
        return _in_function(one) if one.__module__ == module else ()
    if isinstance(one, type):
        return tuple(vars(one).values()) if one.__module__ == module else ()
    if isinstance(one, dict):
        return [*one.keys(), *one.values(), *_attributes(one)]
    if isinstance(one, (list, tuple, set, frozenset, deque)):
        return [*one, *_attributes(one)]
    if isinstance(one, (bytearray, memoryview)) or hasattr(kind, "__array_interface__"):
        return [_sum(one)]
    return _attributes(one)


def _in_function(one: FunctionType) -> list[object]:
    found: list[object] = [one.__defaults__, one.__kwdefaults__]
    if one.__dict__:
        found.append(one.__dict__)
    for cell in one.__closure__ or ():
        with contextlib.suppress(ValueError):  # nothing in it yet
            found.append(cell.cell_contents)
    return found


def _attributes(one: object) -> list[object]:
    kind = type(one)
    if kind in _BARE:
        return []
    own = getattr(one, "__dict__", None)
    found: list[object] = list(own.values()) if isinstance(own, dict) else []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        found += [getattr(one, str(slot), None) for slot in ([slots] if isinstance(slots, str) else slots)]
    return found


def _sum(one: Any) -> _Sum:
    """Return a checksum of a buffer: of its beginning and its end where it is long."""
    try:
        data = memoryview(one).cast("B")
    except (TypeError, ValueError, BufferError):
        return _Sum(id(one))
    return _Sum(zlib.crc32(data[-_SAMPLE:], zlib.crc32(data[:_SAMPLE])))
