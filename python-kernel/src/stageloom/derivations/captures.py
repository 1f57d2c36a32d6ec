"""What a realizer brings along from the stage function that it is written in: values count by content, code by code."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType

from stageloom.derivations.configuration import Config, without_references
from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef
from stageloom.model.values import Json, NotSerialisableError, to_json

#: Returns the fingerprint of a function or class of the project, by the file its code is from and its top-level name;
#: None for what is not of the project.
FingerprintOf = Callable[[str, str], str | None]

_LAMBDA = "<lambda>"


@dataclass(slots=True)
class Captured:
    """What counts of a realizer beside its configuration.

    ``references`` says that it holds a DRef that it can read as text. ``unknown`` names what has no content that could
    be counted, with its type.
    """

    content: Json = None
    references: bool = False
    unknown: list[str] = field(default_factory=list)


def captured(function: object, needed: Mapping[str, Sequence[DRef]], fingerprint: FingerprintOf) -> Captured:
    """Return what counts of ``function``, whose stage depends on ``needed`` by role."""
    reader = _Reader({dref: role for role, drefs in needed.items() for dref in drefs}, fingerprint)
    reader.found.content = reader.read(function, "realizer")
    return reader.found


class _Reader:
    def __init__(self, roles: Mapping[DRef, str], fingerprint: FingerprintOf) -> None:
        self.found = Captured()
        self._roles = roles
        self._fingerprint = fingerprint
        self._entered: set[int] = set()

    def read(self, value: object, place: str) -> Json:  # noqa: C901  # one case a kind reads best in one place
        """Return what stands for ``value`` in the fingerprint."""
        if isinstance(value, DRef):
            self.found.references = True
            return {"dependency": self._roles.get(value, str(value))}
        if isinstance(value, FunctionType):
            return self._once(value, place, self._function)
        if isinstance(value, functools.partial):
            return self._once(value, place, self._partial)
        if isinstance(value, type):
            return self._named(value.__module__, value.__qualname__, _file_of(value))
        if isinstance(value, ModuleType):
            return {"module": value.__name__}
        if isinstance(value, Config):
            return {"config": without_references(dict(value.value))}
        if type(value) in (list, tuple) and isinstance(value, (list, tuple)):
            return self._once(value, place, self._items)
        if type(value) is dict and isinstance(value, dict):
            return self._once(value, place, self._dict)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._once(value, place, self._dataclass)
        try:
            return {"value": to_json(value, place)}
        except NotSerialisableError:
            return self._other(value, place)

    def _once(self, value: object, place: str, read: Callable[[object, str], Json]) -> Json:
        """Read ``value``, which may hold itself."""
        if id(value) in self._entered:
            return {"again": True}
        self._entered.add(id(value))
        try:
            return read(value, place)
        finally:
            self._entered.discard(id(value))

    def _function(self, value: object, place: str) -> Json:
        assert isinstance(value, FunctionType)
        named = self._named(value.__module__, value.__qualname__, value.__code__.co_filename, value.__code__)
        cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        holds: dict[str, Json] = {name: self._cell(cell, name) for name, cell in cells}
        defaults: list[Json] = [self.read(one, f"a default in {place}") for one in value.__defaults__ or ()]
        keywords: dict[str, Json] = {key: self.read(one, key) for key, one in (value.__kwdefaults__ or {}).items()}
        return {"code": named, "cells": holds, "defaults": defaults, "keywords": keywords}

    def _cell(self, cell: CellType, name: str) -> Json:
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            return None
        return self.read(value, name)

    def _partial(self, value: object, place: str) -> Json:
        assert isinstance(value, functools.partial)
        arguments: list[Json] = [self.read(one, f"an argument in {place}") for one in value.args]
        keywords: dict[str, Json] = {key: self.read(one, key) for key, one in value.keywords.items()}
        return {"partial": self.read(value.func, place), "arguments": arguments, "keywords": keywords}

    def _items(self, value: object, place: str) -> Json:
        assert isinstance(value, (list, tuple))
        return {type(value).__name__: [self.read(item, f"{place}[{index}]") for index, item in enumerate(value)]}

    def _dict(self, value: object, place: str) -> Json:
        assert isinstance(value, dict)
        return {"dict": [[self.read(key, place), self.read(item, f"{place}[{key!r}]")] for key, item in value.items()]}

    def _dataclass(self, value: object, place: str) -> Json:
        assert dataclasses.is_dataclass(value)
        fields: dict[str, Json] = {
            one.name: self.read(getattr(value, one.name, None), f"{place}.{one.name}")
            for one in dataclasses.fields(value)
        }
        return {"of": self.read(type(value), place), "fields": fields}

    def _other(self, value: object, place: str) -> Json:
        kind = type(value)
        if kind.__name__ == "Manager" and kind.__module__.startswith("stageloom."):
            return {"manager": True}
        if hasattr(value, "__fspath__"):
            return {"path": str(value)}
        if isinstance(value, MethodType):
            return {"method": self.read(value.__func__, place), "self": self.read(value.__self__, place)}
        if isinstance(value, BuiltinFunctionType) and (
            value.__self__ is None or isinstance(value.__self__, ModuleType)
        ):
            return {"builtin": f"{value.__module__}.{value.__qualname__}"}
        if callable(value) and isinstance(getattr(value, "__wrapped__", None), FunctionType):
            return {"wrapped": self.read(value.__wrapped__, place)}  # type: ignore[attr-defined]  # just looked at
        if kind.__module__ == "numpy" and hasattr(value, "tobytes") and not getattr(value.dtype, "hasobject", True):  # type: ignore[attr-defined]  # numpy's own
            facts = f"{value.dtype.str} {value.shape}".encode()  # type: ignore[attr-defined]  # numpy's own
            return {"array": hashlib.sha256(facts + value.tobytes()).hexdigest()}
        name = f"{kind.__module__}.{kind.__qualname__}"
        self.found.unknown.append(f"{place} ({name})")
        return {"unknown": name}

    def _named(self, module: str, qualname: str, file: str, code: CodeType | None = None) -> Json:
        top = qualname.partition(".")[0]
        digest = self._fingerprint(file, top) if file and top != _LAMBDA else None
        if digest is not None:
            return {"code": qualname, "reach": digest}
        if top == _LAMBDA and code is not None:
            self.found.unknown.append("a lambda outside of any function")
        return {"code": f"{module}.{qualname}"}


def _file_of(kind: type) -> str:
    """Return the file of a class, by its first method that is written in Python, else by its module."""
    for member in vars(kind).values():
        if isinstance(member, FunctionType) and member.__module__ == kind.__module__:
            return member.__code__.co_filename
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
