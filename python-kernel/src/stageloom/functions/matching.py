"""Which of a function stage's realizations its dependants receive: ``@stage(match=best(3, key="loss", of=10))``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from stageloom.model.classes import dataclass

#: How a value is weighed: a function of it, or where its number is, as ``"result.fun"``; ``""`` for itself.
Key = Callable[[Any], Any] | str


class MatchingError(ValueError):
    """A key that a value does not answer to."""


@dataclass(frozen=True, slots=True)
class Match:
    """Chooses ``n`` among at least ``of`` realizations: the newest, the only, or the best by ``key``.

    With ``n`` above 1, dependants receive a list.
    """

    kind: Literal["latest", "only", "best"]
    n: int = 1
    of: int = 1
    key: Key = ""
    highest: bool = False

    def __post_init__(self) -> None:
        for number in (self.n, self.of):
            if type(number) is not int or number < 1:
                raise ValueError(f"a stage is matched by one realization or more, not {number!r}")
        if not callable(self.key) and not isinstance(self.key, str):
            raise TypeError(f"key= is a function, or a text like 'result.fun', not {self.key!r}")

    def choose(self, values: Mapping[str, Any]) -> list[str]:
        """Return the best of ``values``, by reference, the best first; raises MatchingError."""
        ranked = sorted(values, key=lambda name: self._rank(values[name]), reverse=self.highest)
        return ranked[: self.n]

    def _rank(self, value: Any) -> Any:
        if callable(self.key):
            return self.key(value)
        for step in filter(None, self.key.split(".")):
            value = _within(value, step, self.key)
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise MatchingError(f"match= by key={self.key!r} finds a {type(value).__name__}, not a number")
        return float(value)


def _within(value: Any, step: str, key: str) -> Any:
    try:
        if isinstance(value, Mapping):
            return value[step]
        if isinstance(value, Sequence) and not isinstance(value, str) and step.lstrip("-").isdigit():
            return value[int(step)]
        return getattr(value, step)
    except (LookupError, AttributeError):
        raise MatchingError(f"match= by key={key!r}: a {type(value).__name__} has no {step!r}") from None


def latest(n: int = 1) -> Match:
    """Take the ``n`` newest realizations; those that are missing are made side by side."""
    return Match("latest", n, n)


def only() -> Match:
    """Take the one realization there is; a second one that differs is an error, for a stage that must be repeatable."""
    return Match("only")


def best(n: int = 1, *, key: Key, of: int = 0, highest: bool = False) -> Match:
    """Take the ``n`` realizations with the lowest ``key``, or the ``highest``, among at least ``of`` (``n`` where 0).

    ``key`` is a function of what the stage returned, or a text: ``"loss"`` is its entry or attribute of that name,
    ``"result.fun"`` one within another, ``""`` the value itself. What is missing of ``of`` is made side by side, each
    with random numbers of its own.
    """
    return Match("best", n, max(n, of), key, highest)
