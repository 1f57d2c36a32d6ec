"""Parameters with a search space: ``def train(data, depth=search.Int(1, 9, default=3))``.

A stage that is simply realized gets the default; a study draws other values from the space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeVar, cast

from stageloom.model.classes import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Space:
    """A default and the values around it that a study may try."""

    kind: Literal["int", "float", "categorical"]
    default: object
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    choices: tuple[object, ...] = ()


def Int(low: int, high: int, *, default: int, log: bool = False, step: int | None = None) -> int:  # noqa: N802  # reads as a type
    """Return an integer from ``low`` to ``high``, both included. Raises ValueError where these don't fit together."""
    if not all(type(one) is int for one in (low, high, default)):
        raise TypeError("search.Int needs integers: search.Int(1, 9, default=3)")
    return cast(int, _numeric("int", low, high, default, log=log, step=step))


def Float(low: float, high: float, *, default: float, log: bool = False, step: float | None = None) -> float:  # noqa: N802  # reads as a type
    """Return a number from ``low`` to ``high``. Raises ValueError where these don't fit together."""
    return cast(float, _numeric("float", low, high, default, log=log, step=step))


def Categorical(choices: Sequence[T], *, default: T) -> T:  # noqa: N802  # it reads as a type
    """Return one of ``choices``. Raises ValueError if the default isn't among them."""
    if default not in choices:
        raise ValueError(f"the default {default!r} is not among the choices {list(choices)!r}")
    return cast(T, Space("categorical", default, choices=tuple(choices)))


def _numeric(
    kind: Literal["int", "float"], low: float, high: float, default: float, *, log: bool, step: float | None
) -> Space:
    if not all(math.isfinite(one) for one in (low, high, default)) or not low <= default <= high:
        raise ValueError(f"the default {default!r} is not from {low!r} to {high!r}")
    if log and (low <= 0 or step is not None):
        raise ValueError("a logarithmic space starts above 0 and has no step")
    if step is not None and not step > 0:
        raise ValueError(f"a step is above 0, not {step!r}")
    return Space(kind, default, low, high, log, step)
