"""What the stages of a file's languages are to each other, in a process that has imported it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

from stageloom.derivations.neighbours import Neighbours
from stageloom.derivations.read import all_functions
from stageloom.engine.want import Want
from stageloom.functions.declaration import Declarations
from stageloom.functions.wants import wants_of
from stageloom.tracking.snapshot import Snapshot


def neighbours(declared: Declarations, load: Callable[[str], ModuleType], references: Mapping[str, str]) -> Neighbours:
    """Return the function stages around the derivations of a file that declares ``declared``.

    ``references`` are theirs by name, none where that is what is to be planned.
    """
    known: dict[int, list[str]] = {}

    def names_of(value: object) -> Sequence[str]:
        if not known:
            for stage in declared.stages:
                found = getattr(load(stage.written or stage.path), stage.each or stage.name, None)
                known.setdefault(id(found), []).append(stage.name)
        return known.get(id(value), ())

    wanted = [(want.name, want.span.path) for want in wanted_in(declared) if want.span is not None]
    return Neighbours(wanted, load, names_of, references)


def other_names(declared: Declarations, snapshot: Snapshot, path: str) -> set[str]:
    """Return the names of the functions that are stages of other languages, as far as function stages name them."""
    wanted = wanted_in(declared)
    if not wanted:
        return set()
    from stageloom.reactors.language import Reactors  # on use: most files have none

    places = [(want.name, want.span.path) for want in wanted if want.span is not None]
    reactors = Reactors().names(snapshot, path) if Reactors().speaks(snapshot, path, wanted) else ()
    return {*reactors, *(one.name for one in all_functions(snapshot, path, places))}


def wanted_in(declared: Declarations) -> list[Want]:
    """Return what the function stages of a file want of other languages."""
    return list(dict.fromkeys(want for stage in declared.stages for want in wants_of(stage).values()))
