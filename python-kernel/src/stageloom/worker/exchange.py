"""Values that travel between a host and the operations of a pool, as JSON text.

Host and worker have different numbers and different containers. What JSON has travels as it is; the rest as an object
with the key ``$stageloom``, which says what it stands for: floats that are not finite, integers beyond 53 bits, bytes,
arrays and tables. A whole float arrives in a host with one kind of number as that number, and comes back as an integer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from stageloom.worker.carrying import Carrier, describe, restore

TAG = "$stageloom"
_SAFE = 2**53 - 1
_INFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class ExchangeError(ValueError):
    """A value that cannot travel, or a text that holds none; the text starts with the path to what is wrong."""

    def __init__(self, problem: str, path: str = "") -> None:
        self.problem = problem
        self.path = path
        super().__init__(f"{path.lstrip('.')}: {problem}" if path else problem)

    def under(self, step: str) -> ExchangeError:
        """Return the same error as seen from one level further out."""
        return ExchangeError(self.problem, step + self.path)


def encode(value: object, carrier: Carrier | None = None) -> str:
    """Return ``value`` as it travels, with many bytes put to ``carrier``. Raises ExchangeError for what cannot."""
    try:
        return json.dumps(
            _plain(value, carrier or Carrier()), separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except RecursionError:
        raise ExchangeError("it is nested too deeply, or holds itself") from None


def decode(text: str, carrier: Carrier | None = None) -> Any:
    """Return the value that ``text`` holds. Raises ExchangeError."""
    try:
        if f'"{TAG}"' not in text:
            return json.loads(text)
        return json.loads(text, object_hook=partial(_untagged, carrier or Carrier()))
    except ExchangeError:
        raise
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"not a value: {error}") from None


def _plain(value: object, carrier: Carrier) -> object:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_SAFE <= value <= _SAFE else {TAG: "int", "value": str(value)}  # type: ignore[operator]
    if kind is float:
        return value if math.isfinite(value) else {TAG: "float", "value": repr(value)}  # type: ignore[arg-type]
    if isinstance(value, (list, tuple)):
        return [_at(part, f"[{index}]", carrier) for index, part in enumerate(value)]
    if isinstance(value, Mapping):
        made = {_key(key): _at(part, f".{key}", carrier) for key, part in value.items()}
        # as pairs, since readers look at what is inside first
        return {TAG: "object", "value": [[key, part] for key, part in made.items()]} if TAG in made else made
    return _other(value, carrier)


def _other(value: object, carrier: Carrier) -> object:
    """Return bytes, and what is not JSON but one of its kinds: a text or number of a derived class, NumPy's scalars."""
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return _plain(base(value), carrier)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return _plain(value.item(), carrier)
    try:
        described = describe(value, carrier)
    except (TypeError, ImportError, OSError) as error:
        raise ExchangeError(str(error)) from None
    if described is not None:
        return {TAG: described.pop("kind"), **described}
    raise ExchangeError(f"a {type(value).__name__} cannot travel")


def _at(value: object, step: str, carrier: Carrier) -> object:
    try:
        return _plain(value, carrier)
    except ExchangeError as error:
        raise error.under(step) from None


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise ExchangeError(f"a dict with the key {key!r:.60} cannot travel: keys must be text")


def _untagged(carrier: Carrier, found: dict[str, Any]) -> object:
    tag = found.get(TAG)
    if tag is None:
        return found
    value = found.get("value")
    try:
        if tag == "object":
            return dict(value)  # type: ignore[arg-type]  # told below
        if tag == "int":
            return int(value)  # type: ignore[arg-type]  # told below
        if tag == "float":
            return _INFINITE[value]  # type: ignore[index]  # told below
        if tag in ("bytes", "array", "arrow"):
            return restore(tag, found, carrier)
    except ImportError as error:
        raise ExchangeError(f"{error.name} is needed for what was sent, and not installed here") from None
    except (TypeError, ValueError, KeyError, OSError) as error:
        raise ExchangeError(f"what was sent is no {tag}: {error}") from None
    raise ExchangeError(f"nothing is known of a {tag!r:.60}")
