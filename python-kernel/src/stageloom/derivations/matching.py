"""Matchers: which of a derivation's realizations stand for it, or that new ones are wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from stageloom.model.classes import dataclass, field
from stageloom.model.references import RRef
from stageloom.store.layout import Layout

#: Chooses among realizations in the store at a path, given in the order they were made; None asks for a new one.
Choose = Callable[[Path, Sequence[RRef]], "Sequence[RRef] | None"]


class MatchingError(Exception):
    """A matcher that answered what cannot be, or cannot be content."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """Chooses among realizations; what it chooses does not change what the stage is.

    ``count`` is how many it wants, ``choose`` decides where the engine itself cannot, ``label`` tells it from others.
    """

    match: Literal["latest", "only", "custom"]
    count: int = 1
    choose: Choose | None = field(default=None, compare=False)
    label: str = ""


def match_latest(n: int = 1) -> Matcher:
    """Take the ``n`` newest realizations; what is missing is made, at once."""
    return Matcher("latest", _counted(n))


def match_only() -> Matcher:
    """Take the one realization there is; a second one that differs is an error."""
    return Matcher("only")


def match_best(n: int = 1, *, key: Callable[[Path], Any], of: int = 0, highest: bool = False) -> Matcher:
    """Take the ``n`` realizations with the lowest ``key`` among at least ``of`` (``n`` where 0).

    ``key`` is called with the folder of a realization's artifacts. What is missing is made, at once.
    """
    wanted = max(_counted(n), of)

    def choose(store: Path, rrefs: Sequence[RRef]) -> Sequence[RRef] | None:
        if len(rrefs) < wanted:
            return None
        return sorted(rrefs, key=lambda rref: key(artifacts(store, rref)), reverse=highest)[:n]

    return Matcher("custom", wanted, choose, f"best {n} {of} {highest} {describe(key)}")


def match_by(choose: Callable[[Mapping[RRef, Path]], Sequence[RRef] | None], count: int = 1) -> Matcher:
    """Take what ``choose`` returns; None asks for a new one.

    It is given the folders of the realizations by their references, in the order they were made. ``count`` is how many
    there have to be before it is asked; what is missing of them is made, at once.
    """

    def chosen(store: Path, rrefs: Sequence[RRef]) -> Sequence[RRef] | None:
        return choose({rref: artifacts(store, rref) for rref in rrefs})

    return Matcher("custom", _counted(count), chosen, describe(choose))


def artifacts(store: Path, rref: RRef) -> Path:
    """Return the folder of a realization's artifacts."""
    layout = Layout(str(store))
    tree = json.loads(Path(layout.record(rref)).read_text("utf-8"))["tree"]
    return Path(layout.tree(tree))


def describe(function: Callable[..., object]) -> str:
    """Return a text that tells a function from others, by where it is written and by the plain values it holds."""
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{type(function).__module__}.{type(function).__qualname__}"
    cells = [_plain(cell) for cell in getattr(function, "__closure__", None) or ()]
    held = [*cells, *map(repr, getattr(function, "__defaults__", None) or ())]
    return f"{code.co_filename}:{code.co_firstlineno} {code.co_name} {' '.join(held)}"


def _plain(cell: Any) -> str:
    try:
        value = cell.cell_contents
    except ValueError:  # not bound yet
        return "?"
    return repr(value) if isinstance(value, (str, int, float, bool, tuple, type(None))) else type(value).__name__


def _counted(n: int) -> int:
    if type(n) is not int or n < 1:
        raise ValueError(f"a matcher takes one realization or more, not {n!r}")
    return n
