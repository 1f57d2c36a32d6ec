"""Values of the standard library that are best told by a text: numbers, moments, identities."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import uuid
from collections.abc import Callable
from typing import cast

from stageloom.model.values import Json


def text_form(value: object) -> Json:
    """Return ``value`` as a tagged text, or None if it has none."""
    kind = type(value)
    if kind is complex:
        number = cast(complex, value)
        return {"$complex": [repr(number.real), repr(number.imag)]}
    if kind is range:
        steps = cast(range, value)
        return {"$range": [steps.start, steps.stop, steps.step]}
    if kind is slice:
        return _slice(cast(slice, value))
    if kind in (dt.date, decimal.Decimal, fractions.Fraction, uuid.UUID):
        return {f"${kind.__name__.lower()}": str(value)}
    if kind is dt.timedelta:
        span = cast(dt.timedelta, value)
        return {"$timedelta": [span.days, span.seconds, span.microseconds]}
    if kind in (dt.datetime, dt.time):
        moment = cast(dt.datetime, value)
        if moment.tzinfo is None or type(moment.tzinfo) is dt.timezone:
            return {f"${kind.__name__}": moment.isoformat(), **({"fold": 1} if moment.fold else {})}
    return None


def _slice(value: slice) -> Json:
    parts = [value.start, value.stop, value.step]
    return {"$slice": parts} if all(part is None or type(part) is int for part in parts) else None


def from_text(tag: str, body: object, fold: int) -> object:
    """Return the value that :func:`text_form` wrote; raises KeyError for another tag."""
    if tag in ("$complex", "$range", "$slice", "$timedelta"):
        parts = cast("list[int]", body)
        made: dict[str, Callable[[], object]] = {
            "$complex": lambda: complex(float(parts[0]), float(parts[1])),
            "$range": lambda: range(*parts),
            "$slice": lambda: slice(*parts),
            "$timedelta": lambda: dt.timedelta(*parts),
        }
        return made[tag]()
    text = cast(str, body)
    spelled: dict[str, Callable[[str], object]] = {
        "$date": dt.date.fromisoformat,
        "$datetime": lambda text: dt.datetime.fromisoformat(text).replace(fold=fold),
        "$time": lambda text: dt.time.fromisoformat(text).replace(fold=fold),
        "$decimal": decimal.Decimal,
        "$fraction": fractions.Fraction,
        "$uuid": uuid.UUID,
    }
    return spelled[tag](text)
