"""Parameters as answers: any Python value as JSON that is equal for equal values, in every process."""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from stageloom.model.values import Json, NotSerialisableError, canonical_text, to_json

#: Returns the digest of a function's, or class's, code.
CodeOf = Callable[[Any], str]

_LONGEST = 2000
_SHOWN = 200
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def answer_of(value: object, code_of: CodeOf) -> Json:
    """Return what stands for ``value`` in a trace: itself where it is JSON and short, else a digest and its beginning.

    What cannot be compared between processes is never equal to anything, and says so.
    """
    described = described_or_none(value, code_of)
    if described is None:
        return {"incomparable": type(value).__qualname__}
    return answer_described(described[0], lambda: _ADDRESS.sub("", repr(value)))


def described_or_none(value: object, code_of: CodeOf) -> tuple[Json] | None:
    """Return ``value`` as JSON, None where it cannot be compared between processes."""
    try:
        return (describe(value, code_of),)
    except (RecursionError, _IncomparableError):
        return None


def answer_described(described: Json, show: Callable[[], str] | None = None) -> Json:
    """Return what :func:`answer_of` does, for a value that is described already."""
    text = canonical_text(described)
    if len(text) <= _LONGEST:
        return {"value": described}
    shown = show() if show is not None else text
    return {"digest": hashlib.sha256(text.encode("ascii")).hexdigest(), "shown": shown[:_SHOWN]}


class _IncomparableError(Exception):
    """A value that has no text and no pickle."""


def describe(value: object, code_of: CodeOf) -> Json:
    """Return ``value`` as JSON, with functions and classes by their code."""
    try:
        return to_json(value)
    except NotSerialisableError:
        pass
    if isinstance(value, dict):
        pairs: list[Json] = [[describe(key, code_of), describe(item, code_of)] for key, item in value.items()]
        return {"of": _name(value), "pairs": sorted(pairs, key=canonical_text)}
    if isinstance(value, (list, tuple)):
        return {"of": _name(value), "items": [describe(item, code_of) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {"of": _name(value), "items": sorted((describe(item, code_of) for item in value), key=canonical_text)}
    if isinstance(value, enum.Enum):
        return {"of": _name(value), "name": value.name}
    if isinstance(value, PurePath):
        return {"of": "path", "value": value.as_posix()}
    if isinstance(value, (slice, range)):
        return {"of": _name(value), "items": [describe(one, code_of) for one in (value.start, value.stop, value.step)]}
    made = _called(value, code_of)
    return made if made is not None else _instance(value, code_of)


def _called(value: object, code_of: CodeOf) -> Json:
    """Return what stands for something that can be called, None for other values."""
    if isinstance(value, (FunctionType, type)):
        return {"code": code_of(value), "name": value.__qualname__}
    if isinstance(value, MethodType):
        return {"code": code_of(value.__func__), "self": describe(value.__self__, code_of)}
    if isinstance(value, functools.partial):
        parts: list[object] = [value.args, value.keywords]
        return {"partial": describe(value.func, code_of), "with": describe(parts, code_of)}
    if isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        own: Json = None if owner is None or isinstance(owner, ModuleType) else describe(owner, code_of)
        return {"builtin": f"{value.__module__}.{value.__qualname__}", "self": own}
    if isinstance(value, ModuleType):
        return {"module": value.__name__}
    return None


def _instance(value: object, code_of: CodeOf) -> Json:
    fields: Mapping[str, object] | None = None
    if dataclasses.is_dataclass(value):
        fields = {one.name: getattr(value, one.name, None) for one in dataclasses.fields(value)}
    elif isinstance(value, SimpleNamespace) or getattr(type(value), "_stageloom_by_fields", False):
        fields = vars(value)
    if fields is not None:
        own: dict[str, Json] = {str(key): describe(item, code_of) for key, item in fields.items()}
        return {"of": _name(value), "fields": own, "code": code_of(type(value))}
    array = _array(value)
    if array is not None:
        return array
    if type(value).__repr__ is not object.__repr__:
        text = repr(value)
        if not _ADDRESS.search(text) and "..." not in text:
            return {"of": _name(value), "repr": text}
    from stageloom.artifacts import pickles

    try:
        return {"of": _name(value), "pickle": hashlib.sha256(pickles.dumps(value)).hexdigest()}
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, NotImplementedError) as error:
        raise _IncomparableError from error


def _array(value: Any) -> Json:
    if type(value).__module__ != "numpy" or not hasattr(value, "tobytes"):
        return None
    if getattr(value.dtype, "hasobject", True):
        return None
    facts = f"{value.dtype.str} {value.shape}".encode()
    return {"of": "numpy", "array": hashlib.sha256(facts + value.tobytes()).hexdigest(), "shown": repr(value)[:_SHOWN]}


def _name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
