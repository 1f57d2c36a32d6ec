"""Configuration values as JSON: one text for one value, the same in every process and on every Python.

JSON's own types stand for themselves. What Python has beyond them is written as an object with the single key
``$tuple``, ``$set``, ``$bytes`` or ``$float``, so that a value read back equals the value written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from typing import TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007  # 3.10: a string has no |

_TAGS = frozenset({"$tuple", "$set", "$bytes", "$float"})

# made once: json.dumps makes one a call, which is a third of its time for small values
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


class NotSerialisableError(TypeError):
    """A value that cannot be written as JSON; ``path`` says where it stands in the whole."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        self.type_name = type(value).__qualname__
        super().__init__(f"{path} is of the type {self.type_name}, which cannot be stored as configuration")


def to_json(value: object, path: str = "value") -> Json:  # noqa: C901  # one case a type reads best in one place
    """Return ``value`` as JSON, with tags for what JSON lacks.

    Raises:
        NotSerialisableError: for a type that has no text, a mapping with keys that are not strings, or a mapping whose
            only key is one of the tags.
    """
    if value is None or type(value) in (bool, str, int):
        return value  # type: ignore[return-value]  # narrowed by type(), which a subclass cannot pass
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if type(value) is list:
        return [to_json(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if type(value) is tuple:
        return {"$tuple": [to_json(item, f"{path}[{index}]") for index, item in enumerate(value)]}
    if type(value) in (set, frozenset):
        items = [to_json(item, f"{path}{{…}}") for item in value]  # type: ignore[attr-defined]  # narrowed by type() above
        return {"$set": sorted(items, key=canonical_text)}
    if type(value) is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if type(value) is dict:
        if len(value) == 1 and next(iter(value)) in _TAGS:
            raise NotSerialisableError(path, value)
        result: dict[str, Json] = {}
        for key, item in value.items():
            if type(key) is not str:
                raise NotSerialisableError(f"{path} has the key {key!r}, which", key)
            result[key] = to_json(item, f"{path}.{key}")
        return result
    raise NotSerialisableError(path, value)


def from_json(value: Json) -> object:
    """Return what :func:`to_json` was given; a set comes back as ``frozenset``."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            tag, body = next(iter(value.items()))
            if tag == "$tuple" and isinstance(body, list):
                return tuple(from_json(item) for item in body)
            if tag == "$set" and isinstance(body, list):
                return frozenset(from_json(item) for item in body)
            if tag == "$bytes" and isinstance(body, str):
                return base64.b64decode(body)
            if tag == "$float" and isinstance(body, str):
                return float(body)
        return {key: from_json(item) for key, item in value.items()}
    return value


def canonical_text(value: Json) -> str:
    """Return the one JSON text of ``value``: keys sorted, no spaces, ASCII only; raises ValueError on NaN."""
    return _CANONICAL.encode(value)


def canonical_bytes(value: Json) -> bytes:
    """Return :func:`canonical_text` as bytes, which is what every identity is hashed from."""
    return canonical_text(value).encode("ascii")


def digest(purpose: str, value: Json) -> str:
    """Return the 32 hex digits that identify ``value`` for ``purpose``: SHA-256 cut to 128 bits.

    ``purpose`` (``"derivation/1"``, ``"record/1"``, …) keeps identities of different kinds apart.
    """
    return hashlib.sha256(f"stageloom/{purpose}\n".encode("ascii") + canonical_bytes(value)).hexdigest()[:32]
