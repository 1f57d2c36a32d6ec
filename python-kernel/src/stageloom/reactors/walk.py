"""Looking a reactor up among its past runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

from stageloom.model.classes import dataclass
from stageloom.model.values import Json
from stageloom.reactors.trace import Kind, Trace


@dataclass(frozen=True, slots=True)
class Want:
    """What a look-up or a reactor waits for."""

    ingredient: str


class HasTrace(Protocol):
    """A past run."""

    @property
    def steps(self) -> Trace:
        """Its trace."""
        ...


_Run = TypeVar("_Run", bound=HasTrace)

#: Answers a question about the configuration or about subreactors, as things stand; None where it does not count.
Ask = Callable[[Kind, tuple[str, ...]], Json]

#: What a look-up yields, is sent (a content, or None where there is no such ingredient), and returns.
Walk = Generator[Want, "str | None", "_Run | None"]


def holding(runs: Sequence[_Run], ask: Ask) -> list[_Run]:
    """Return those of ``runs`` whose answers but for ingredients are still the same."""
    answers: dict[tuple[Kind, tuple[str, ...]], Json] = {}

    def holds(run: _Run) -> bool:
        for step in run.steps:
            if step.kind == "ingredient":
                continue
            key = (step.kind, step.path)
            if key not in answers:
                answers[key] = ask(step.kind, step.path)
            if answers[key] is None:
                continue
            if not same(answers[key], step.answer):
                return False
        return True

    return [run for run in runs if holds(run)]


def walk(runs: Sequence[_Run], ask: Ask) -> Walk[_Run]:
    """Return the first of ``runs``, newest first, that would be the same again; None if there is none.

    An ingredient is asked for only where a run that agrees with all answers so far goes on with it: the reactor would
    ask for it too.
    """
    left = holding(runs, ask)
    known: dict[str, str | None] = {}
    while left:
        missing = next((step.path[0] for step in left[0].steps if _open(step.kind, step.path[0], known)), None)
        if missing is None:
            return left[0]
        known[missing] = yield Want(missing)
        left = [run for run in left if _agrees(run, known)]
    return None


def _open(kind: Kind, name: str, known: dict[str, str | None]) -> bool:
    return kind == "ingredient" and name not in known


def _agrees(run: HasTrace, known: dict[str, str | None]) -> bool:
    return all(
        step.kind != "ingredient" or step.path[0] not in known or known[step.path[0]] == step.answer
        for step in run.steps
    )


def same(one: Json, other: Json) -> bool:
    """Return whether two answers say the same: True is not 1, nor 1 1.0; what is shown of a digest does not count."""
    if isinstance(one, dict) and isinstance(other, dict) and "digest" in one and "digest" in other:
        return one["digest"] == other["digest"]
    return one == other and _alike(one, other)


def _alike(one: Json, other: Json) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_alike(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(map(_alike, one, other))
    return True
