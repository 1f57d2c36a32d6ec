"""Values typed ``Json`` on their way through a host that has one kind of number.

A host written in JavaScript keeps 53 bits of a number, so a configuration value that passes through it would come back
as another one: ``1.0`` as ``1``. Whole floats therefore travel as ``{"$float": "1.0"}`` and integers beyond 53 bits as
``{"$int": "…"}``, and are put back on this side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import cast

from stageloom.rpc.mismatch import WireError, kind_of

_SAFE = 2**53 - 1


def encode_values(value: object) -> object:
    """Return a value typed ``Json`` as it travels; raises WireError for what is not JSON."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_SAFE <= cast(int, value) <= _SAFE else {"$int": str(value)}
    if kind is float:
        return _encode_float(cast(float, value))
    if isinstance(value, (list, tuple)):
        return [_at(encode_values, part, f"[{index}]") for index, part in enumerate(value)]
    if isinstance(value, Mapping):
        if len(value) == 1 and "$int" in value:  # a dict that merely looks like the tag
            return {"$int": [encode_values(value["$int"])]}
        return {_key(key): _at(encode_values, part, f".{key}") for key, part in value.items()}
    raise WireError(f"expected JSON, got {kind_of(value)}")


def _encode_float(value: float) -> object:
    if not math.isfinite(value):
        raise WireError(f"expected JSON, got the float {value}")
    return {"$float": repr(value)} if value.is_integer() else value


def decode_values(value: object) -> object:
    """Return the value that :func:`encode_values` was given; raises WireError."""
    kind = type(value)
    if kind is list:
        return [decode_values(part) for part in cast(list[object], value)]
    if kind is dict:
        mapping = cast(dict[str, object], value)
        return _untagged(mapping) if len(mapping) == 1 else {key: decode_values(part) for key, part in mapping.items()}
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
        return {tag: decode_values(body[0])}
    return {tag: decode_values(body)}


def _at(convert: Callable[[object], object], value: object, step: str) -> object:
    try:
        return convert(value)
    except WireError as error:
        raise error.under(step) from None


def _key(key: object) -> str:
    if type(key) is str:
        return key
    raise WireError(f"expected a str as key, got {kind_of(key)}")
