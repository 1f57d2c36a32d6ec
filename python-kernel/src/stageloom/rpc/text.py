"""JSON bytes for frames; through orjson where the environment has it. Identities are never hashed from these."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _fast() -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]] | None:
    try:
        import orjson  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return orjson.dumps, orjson.loads


def dump(value: object) -> bytes:
    """Return ``value`` as JSON in UTF-8."""
    fast = _fast()
    if fast is not None:
        try:
            return fast[0](value)
        except TypeError:  # lone surrogates, say, which json escapes
            pass
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def parse(body: bytes) -> Any:
    """Return what JSON in UTF-8 holds; raises ValueError."""
    fast = _fast()
    if fast is not None:
        try:
            return fast[1](body)
        except ValueError:  # it takes no lone surrogates, and says less about what is wrong
            pass
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
