"""What a run of a reactor asked for and was told, in order: what its result depends on, known only when it has run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation
from stageloom.model.values import Json, digest

#: *parameter*: the value at a path of keys; *mapping*: whether that is a dict, or its value; *has*: whether it is
#: there; *keys*: which keys a dict has; *ingredient*: the content received; *subreactor*: the code of one called.
Kind = Literal["parameter", "mapping", "has", "keys", "ingredient", "subreactor"]

#: The answer about a parameter that the configuration does not have.
ABSENT: Json = {"absent": True}


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer. ``path`` leads into the configuration, or is the name of what was asked for."""

    kind: Kind
    path: tuple[str, ...]
    answer: Json

    @property
    def name(self) -> str:
        """The path as it is shown."""
        return ".".join(self.path)


Trace = Sequence[Step]


def derivation_of(reactor: str, code: str, trace: Trace) -> Derivation:
    """Return the derivation of a run, which holds its trace."""
    steps: list[Json] = [[step.kind, list(step.path), step.answer] for step in trace]
    return Derivation(reactor, "reactor", {"trace": steps}, code=code)


def trace_of(derivation: Derivation) -> tuple[Step, ...]:
    """Return the trace that :func:`derivation_of` was given; raises ValueError for another kind of derivation."""
    steps = cast(Any, derivation.configuration.get("trace"))
    if derivation.language != "reactor" or not isinstance(steps, list):
        raise ValueError(f"{derivation.name} is no run of a reactor")
    try:
        return tuple(Step(kind, tuple(path), answer) for kind, path, answer in steps)
    except TypeError as error:
        raise ValueError(f"the trace of {derivation.name} cannot be read: {error}") from None


def action_of(derivation: Derivation) -> str:
    """Return the action key of a run: its trace tells contents, so its derivation says all that counts."""
    return digest("reactor/1", derivation.as_json())


def content_of_trees(trees: Sequence[str], *, several: bool) -> str:
    """Return the hash of what stages of other languages made, which a reactor receives as an ingredient."""
    return digest("ingredients/1", list(trees)) if several or len(trees) != 1 else trees[0]


def content_of(part: Json, files: Mapping[str, str], code: Mapping[str, str]) -> str:
    """Return the hash of an ingredient: of its JSON, of the SHA-256 of each of its files, of its classes' code."""
    return digest("ingredient/1", {"value": part, "files": dict(files), "code": dict(code)})
