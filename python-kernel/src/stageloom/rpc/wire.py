"""Messages as JSON and back: strict, told by annotations alone, with decoders and encoders made once per type.

JSON has one kind of number and a host written in JavaScript keeps 53 bits of it, so a configuration value that passes
through it would come back as another one: ``1.0`` as ``1``. In what is typed ``Json``, whole floats therefore travel as
``{"$float": "1.0"}`` and integers beyond 53 bits as ``{"$int": "…"}``, and are put back on this side.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

from stageloom.model.values import Json

T = TypeVar("T")
Coder = Callable[[Any], Any]

_SAFE = 2**53 - 1
_ENCODERS: dict[object, Coder] = {}
_DECODERS: dict[object, Coder] = {}


class WireError(ValueError):
    """A message that does not agree with its type; the text starts with the path to what is wrong."""

    def __init__(self, problem: str, path: tuple[str, ...] = ()) -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)

    def under(self, step: str) -> WireError:
        """Return the same error as seen from one level further out."""
        return WireError(self.problem, (step, *self.path))

    def __str__(self) -> str:
        where = "".join(self.path).lstrip(".")
        return f"{where}: {self.problem}" if where else self.problem


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
    made = _ENCODERS.get(kind)
    if made is None:
        made = _ENCODERS[kind] = _make(kind, _encode_json, encoder, _dataclass_encoder, _union_encoder, list)
    return made


def decoder(kind: object) -> Coder:
    """Return the function that turns JSON into a value of the annotation ``kind``."""
    made = _DECODERS.get(kind)
    if made is None:
        made = _DECODERS[kind] = _make(kind, _decode_json, decoder, _dataclass_decoder, _union_decoder, tuple)
    return made


def resolve(kind: type) -> dict[str, object]:
    """Return the annotations of a dataclass by field, with names looked up in its module.

    ``typing.get_type_hints`` would unfold the recursive ``Json`` alias, so that it could not be told any more.
    """
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
    if is_dataclass(kind):
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


def kind_of(value: object) -> str:
    """Return how a type is named in an error."""
    return "null" if value is None else type(value).__name__


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
    tagged = [cast(type, member) for member in members if is_dataclass(member)]
    return tagged, [member for member in members if not is_dataclass(member)]


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

    _ENCODERS[kind] = convert
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

    _DECODERS[kind] = convert
    required = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(kind)}
    plan += [(wire_name(name), name, decoder(hint), required[name]) for name, hint in resolve(kind).items()]
    return convert


# --- JSON ------------------------------------------------------------------------------------------------------------


def _encode_json(value: object) -> object:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_SAFE <= cast(int, value) <= _SAFE else {"$int": str(value)}
    if kind is float:
        return _encode_float(cast(float, value))
    if isinstance(value, (list, tuple)):
        return [_at(_encode_json, part, f"[{index}]") for index, part in enumerate(value)]
    if isinstance(value, Mapping):
        if len(value) == 1 and "$int" in value:  # a dict that merely looks like the tag
            return {"$int": [_encode_json(value["$int"])]}
        return {_key(key): _at(_encode_json, part, f".{key}") for key, part in value.items()}
    raise WireError(f"expected JSON, got {kind_of(value)}")


def _encode_float(value: float) -> object:
    if not math.isfinite(value):
        raise WireError(f"expected JSON, got the float {value}")
    return {"$float": repr(value)} if value.is_integer() else value


def _decode_json(value: object) -> object:
    kind = type(value)
    if kind is list:
        return [_decode_json(part) for part in cast(list[object], value)]
    if kind is dict:
        mapping = cast(dict[str, object], value)
        return _untagged(mapping) if len(mapping) == 1 else {key: _decode_json(part) for key, part in mapping.items()}
    if kind in (str, bool, int, float) or value is None:
        return value
    raise WireError(f"expected JSON, got {kind_of(value)}")


def _untagged(mapping: dict[str, object]) -> object:
    tag, body = next(iter(mapping.items()))
    try:
        if tag == "$int" and isinstance(body, str):
            return int(body)
        if tag == "$float" and isinstance(body, str) and math.isfinite(float(body)):
            return float(body)
    except ValueError:
        raise WireError(f"{body!r:.60} is not a number", (f".{tag}",)) from None
    if tag == "$int" and isinstance(body, list) and len(body) == 1:
        return {tag: _decode_json(body[0])}
    return {tag: _decode_json(body)}


def _at(convert: Coder, value: object, step: str) -> object:
    try:
        return convert(value)
    except WireError as error:
        raise error.under(step) from None


def _key(key: object) -> str:
    if type(key) is str:
        return key
    raise WireError(f"expected a str as key, got {kind_of(key)}")
