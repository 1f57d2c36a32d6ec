"""Messages as JSON and back: strict, told by annotations alone, with decoders and encoders made once per type."""

from __future__ import annotations

import math
import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

from stageloom.model.values import Json
from stageloom.rpc.json_values import decode_values, encode_values
from stageloom.rpc.mismatch import WireError, kind_of

T = TypeVar("T")
Coder = Callable[[Any], Any]


class _Coders:
    """The coders of one direction, by annotation. A coder is seen by other threads when all that it calls is made."""

    def __init__(self, make: Callable[[object], Coder]) -> None:
        self._make = make
        self._made: dict[object, Coder] = {}
        self._making: dict[object, Coder] = {}
        self._depth = 0
        self._lock = threading.RLock()

    def of(self, kind: object) -> Coder:
        made = self._made.get(kind)
        return made if made is not None else self._new(kind)

    def begin(self, kind: object, coder: Coder) -> None:
        """Let what ``kind`` holds refer to it before it is whole: types may hold themselves."""
        self._making[kind] = coder

    def _new(self, kind: object) -> Coder:
        with self._lock:
            known = self._made.get(kind) or self._making.get(kind)
            if known is not None:
                return known
            self._depth += 1
            try:
                made = self._making[kind] = self._make(kind)
                if self._depth == 1:
                    self._made.update(self._making)
                return made
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._making.clear()


def wire_name(name: str) -> str:
    """Return the field's name on the wire: ``end_line`` is ``endLine``, ``is_`` is ``is``."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def encode(message: object) -> Json:
    """Return a message as JSON. Raises WireError where a value does not agree with its annotation."""
    return cast(Json, encoder(type(message))(message))


def decode(kind: type[T] | object, value: object) -> T:
    """Return the message of type ``kind`` (a dataclass or a union of them) that ``value`` holds; raises WireError."""
    return cast(T, decoder(kind)(value))


def encoder(kind: object) -> Coder:
    """Return the function that turns a value of the annotation ``kind`` into JSON."""
    return _ENCODERS.of(kind)


def decoder(kind: object) -> Coder:
    """Return the function that turns JSON into a value of the annotation ``kind``."""
    return _DECODERS.of(kind)


def resolve(kind: type) -> dict[str, object]:
    """Return the annotations of a dataclass by field, with names looked up in its module.

    ``typing.get_type_hints`` would unfold the recursive ``Json`` alias, so that it could not be told any more.
    """
    from dataclasses import fields  # on use: it brings much with it

    scope = vars(sys.modules[kind.__module__])
    return {
        field.name: eval(field.type, scope) if isinstance(field.type, str) else field.type  # noqa: S307  # our own annotations
        for field in fields(kind)
    }


def _make(
    kind: object,
    json: Coder,
    inner: Callable[[object], Coder],
    dataclass: Callable[[type], Coder],
    union: Callable[[tuple[object, ...]], Coder],
    collect: Callable[[list[Any]], Any],
) -> Coder:
    if kind is Json:
        return json
    if kind in _SCALARS:
        return _SCALARS[kind]
    if hasattr(kind, "__dataclass_fields__"):
        return dataclass(cast(type, kind))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, types.UnionType):
        return union(arguments)
    if origin is Sequence:
        return _sequence(inner(arguments[0]), collect)
    if origin is Mapping:
        return _mapping(inner(arguments[1]))
    raise TypeError(f"a message cannot hold {kind!r}")


# --- scalars ---------------------------------------------------------------------------------------------------------


def _string(value: object) -> object:
    if type(value) is str:
        return value
    raise WireError(f"expected str, got {kind_of(value)}")


def _integer(value: object) -> object:
    if type(value) is int:
        return value
    raise WireError(f"expected int, got {kind_of(value)}")


def _boolean(value: object) -> object:
    if type(value) is bool:
        return value
    raise WireError(f"expected bool, got {kind_of(value)}")


def _number(value: object) -> object:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int:
        return float(value)
    raise WireError(f"expected a finite float, got {value if type(value) is float else kind_of(value)}")


def _nothing(value: object) -> object:
    if value is None:
        return None
    raise WireError(f"expected null, got {kind_of(value)}")


_SCALARS: dict[object, Coder] = {str: _string, int: _integer, bool: _boolean, float: _number, type(None): _nothing}


def _literal(allowed: tuple[object, ...]) -> Coder:
    choices = frozenset(allowed)
    listed = ", ".join(map(repr, allowed))

    def check(value: object) -> object:
        if type(value) is str and value in choices:
            return value
        raise WireError(f"expected one of {listed}, got {value!r:.60}")

    return check


# --- containers ------------------------------------------------------------------------------------------------------


def _sequence(item: Coder, collect: Callable[[list[Any]], Any]) -> Coder:
    def convert(value: object) -> object:
        if not isinstance(value, (list, tuple)):
            raise WireError(f"expected a list, got {kind_of(value)}")
        made: list[object] = []
        try:
            for part in value:
                made.append(item(part))  # noqa: PERF401  # the error names the index by what was made so far
        except WireError as error:
            raise error.under(f"[{len(made)}]") from None
        return made if collect is list else collect(made)

    return convert


def _mapping(item: Coder) -> Coder:
    def convert(value: object) -> object:
        if not isinstance(value, Mapping):
            raise WireError(f"expected an object, got {kind_of(value)}")
        made: dict[str, object] = {}
        key: object = None
        try:
            for key, part in value.items():
                made[cast(str, _string(key))] = item(part)
        except WireError as error:
            raise error.under(f"[{key!r}]") from None
        return made

    return convert


def _union_members(members: tuple[object, ...]) -> tuple[list[type], list[object]]:
    tagged = [cast(type, member) for member in members if hasattr(member, "__dataclass_fields__")]
    return tagged, [member for member in members if member not in tagged]


def _union_encoder(members: tuple[object, ...]) -> Coder:
    tagged, plain = _union_members(members)
    by_type = {member: encoder(member) for member in tagged}
    other = _plain_union([encoder(member) for member in plain], members)

    def convert(value: object) -> object:
        known = by_type.get(type(value))
        return other(value) if known is None else known(value)

    return convert


def _union_decoder(members: tuple[object, ...]) -> Coder:
    tagged, plain = _union_members(members)
    other = _plain_union([decoder(member) for member in plain], members)
    if len(tagged) < 2:
        return _plain_union([decoder(member) for member in [*plain, *tagged]], members)
    by_tag = {get_args(resolve(member)["is_"])[0]: decoder(member) for member in tagged}
    listed = ", ".join(map(repr, by_tag))

    def convert(value: object) -> object:
        if not isinstance(value, dict):
            return other(value)
        tag = value.get("is")
        known = by_tag.get(tag) if isinstance(tag, str) else None
        if known is None:
            raise WireError(f"expected one of {listed}, got {tag!r:.60}", (".is",))
        return known(value)

    return convert


def _plain_union(coders: list[Coder], members: tuple[object, ...]) -> Coder:
    names = " or ".join(str(getattr(member, "__name__", member)) for member in members).replace("NoneType", "null")

    def convert(value: object) -> object:
        deeper: WireError | None = None
        for coder in coders:
            try:
                return coder(value)
            except WireError as error:  # noqa: PERF203  # the next member may take it
                deeper = error if error.path else deeper
        raise deeper or WireError(f"expected {names}, got {kind_of(value)}")

    return convert


# --- dataclasses -----------------------------------------------------------------------------------------------------


def _dataclass_encoder(kind: type) -> Coder:
    plan: list[tuple[str, str, Coder]] = []

    def convert(value: object) -> object:
        if type(value) is not kind:
            raise WireError(f"expected {kind.__name__}, got {kind_of(value)}")
        made: dict[str, object] = {}
        name = ""
        try:
            for name, attribute, coder in plan:
                made[name] = coder(getattr(value, attribute))
        except WireError as error:
            raise error.under(f".{name}") from None
        return made

    _ENCODERS.begin(kind, convert)
    plan += [(wire_name(name), name, encoder(hint)) for name, hint in resolve(kind).items()]
    return convert


def _dataclass_decoder(kind: type) -> Coder:
    plan: list[tuple[str, str, Coder, bool]] = []

    def convert(value: object) -> object:
        if not isinstance(value, dict):
            raise WireError(f"expected {kind.__name__}, got {kind_of(value)}")
        made: dict[str, object] = {}
        name = ""
        try:
            for name, attribute, coder, required in plan:
                if name in value:
                    made[attribute] = coder(value[name])
                elif required:
                    raise WireError("is missing")  # the path is added below
        except WireError as error:
            raise error.under(f".{name}") from None
        if len(made) != len(value):
            known = {name for name, _, _, _ in plan}
            raise WireError(f"unexpected field {next(key for key in value if key not in known)!r}")
        return kind(**made)

    _DECODERS.begin(kind, convert)
    from dataclasses import MISSING, fields

    required = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(kind)}
    plan += [(wire_name(name), name, decoder(hint), required[name]) for name, hint in resolve(kind).items()]
    return convert


def _new_encoder(kind: object) -> Coder:
    return _make(kind, encode_values, encoder, _dataclass_encoder, _union_encoder, list)


def _new_decoder(kind: object) -> Coder:
    return _make(kind, decode_values, decoder, _dataclass_decoder, _union_decoder, tuple)


_ENCODERS = _Coders(_new_encoder)
_DECODERS = _Coders(_new_decoder)
