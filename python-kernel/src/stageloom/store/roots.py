"""Roots: what the pipelines of a workspace stand on, noted in the journal for whoever collects from another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stageloom.model.classes import dataclass
from stageloom.store.index import Index
from stageloom.store.journal import Event

#: For how many seconds the note of a workspace counts that has not said it again: 90 days.
OTHERS = 90 * 86400.0
#: What is so yet is said again after a day.
_AGAIN = 86400.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose roots they are: a workspace by :func:`~stageloom.store.pins.workspace_name`, a file, and its parameters.

    ``variant`` is empty for the parameters as they are written.
    """

    workspace: str
    path: str
    variant: str = ""


def events(index: Index, sequence: int, of: Owner, roots: Mapping[str, Sequence[str]], now: float) -> list[Event]:
    """Return what is to be said: the ``roots``, by stage, that differ from what was said last, or were long ago."""
    known = index.roots(of.workspace, of.path, of.variant)
    new = {
        stage: list(rrefs)
        for stage, rrefs in roots.items()
        if (said := known.get(stage)) is None or said[1] != list(rrefs) or not 0 <= now - said[0] < _AGAIN
    }
    if not new:
        return []
    names: Event = {"workspace": of.workspace, "path": of.path, "variant": of.variant}
    return [{"seq": sequence, "is": "roots", **names, "roots": new, "at": now}]


@dataclass(frozen=True, slots=True)
class Spared:
    """What stays for another workspace alone: ``count`` realizations, which it reached last at ``at``."""

    workspace: str
    at: float
    count: int
