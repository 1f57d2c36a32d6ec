"""The stages of other languages that a file's derivations may depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Protocol

from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef, make_name
from stageloom.model.values import digest


class AStage(Protocol):
    """What ``@stage`` makes of a function."""

    @property
    def function(self) -> Callable[..., object]:
        """The function."""
        ...

    def bind(self, **values: object) -> object:
        """Return another instance of the stage."""
        ...


def _none(value: object) -> Sequence[str]:
    del value
    return ()


def _nowhere(path: str) -> ModuleType:
    raise LookupError(f"{path} is not at hand")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is around a file's derivations.

    ``wanted`` are names that other stages of the project's files use, each with the file, where no stage of their own
    language has them; ``load`` imports such a file. ``names_of`` returns the names of the stages that a value is.
    ``references`` has their references by name; a planner knows none, and lets others stand in.
    """

    wanted: Sequence[tuple[str, str]] = ()
    load: Callable[[str], ModuleType] = _nowhere
    names_of: Callable[[object], Sequence[str]] = _none
    references: Mapping[str, str] = field(default_factory=dict)

    def reference(self, name: str) -> DRef:
        """Return the reference of a stage of another language, or what stands for it in a plan."""
        known = self.references.get(name)
        return DRef.parse(known) if known is not None else DRef(digest("stand-in/1", name), make_name(name))


def is_stage(value: object) -> bool:
    """Return whether ``value`` is what ``@stage`` makes of a function."""
    return getattr(type(value), "_stageloom_stage", False) is True


def place_of(value: object) -> DRef:
    """Return what stands for a stage in a configuration until a manager knows what it is called."""
    return DRef(f"{id(value):032x}", make_name(str(getattr(value, "__name__", "stage"))))
