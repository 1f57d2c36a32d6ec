"""Lenses: reading a configuration, and those of the dependencies named in it, by attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stageloom.derivations.build import Build, BuildError, Chosen, promised_path
from stageloom.derivations.configuration import Promise, Reference, promise, reference
from stageloom.model.classes import dataclass
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose configuration a lens looks at; ``chosen`` is None for the stage that is being built."""

    dref: DRef
    chosen: Chosen | None


class Lens:
    """Looks at a place in a configuration.

    An attribute (or ``lens["key"]``) goes deeper; through a dependency it goes on in that one's configuration. At the
    end stands what is wanted of the place:

    - ``val``: the value itself, and where a function stage stands, what that returned; ``syspath``: the path on disk of
      a promise, a dependency or a file in one;
    - ``contents``: the text of that file; ``dref``, ``rref``: the references of a dependency, or of the stage itself;
    - ``syspaths``, ``rrefs``, ``vals``: one for each realization, where several stand for a dependency or are made at
      once.
    """

    __slots__ = ("_build", "_owner", "_place", "_value")

    def __init__(self, build: Build, owner: _Owner, value: Json, place: str) -> None:
        self._build = build
        self._owner = owner
        self._value = value
        self._place = place

    def __getattr__(self, key: str) -> Lens:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __getitem__(self, key: str | int) -> Lens:
        found = reference(self._value)
        if found is not None:
            single = self._single(found.dref)
            owner = _Owner(found.dref, single)
            inner: Json = self._build.configuration(found.dref, single)
        else:
            owner, inner = self._owner, self._value
        place = f"{self._place}[{key}]" if isinstance(key, int) else f"{self._place}.{key}"
        if isinstance(inner, dict) and isinstance(key, str) and key in inner:
            return Lens(self._build, owner, inner[key], place)
        if isinstance(inner, list) and isinstance(key, int) and -len(inner) <= key < len(inner):
            return Lens(self._build, owner, inner[key], place)
        known = f"it has {', '.join(inner)}" if isinstance(inner, dict) else f"{self._place} is {inner!r:.60}"
        raise AttributeError(f"{place} is not in the configuration of {owner.dref.name}; {known}")

    def __dir__(self) -> list[str]:
        inner = self._value
        return [
            "contents",
            "dref",
            "rref",
            "rrefs",
            "syspath",
            "syspaths",
            "val",
            "vals",
            *(inner if isinstance(inner, dict) else ()),
        ]

    def __repr__(self) -> str:
        return f"<lens {self._place}: {self._value!r:.80}>"

    @property
    def val(self) -> Any:
        """The value at this place: a DRef for a dependency, or what it returned where that is a function stage."""
        found = reference(self._value)
        if found is not None and found.dref in self._build.outer and not found.path:
            return self._received(self._single(found.dref))
        if found is not None:
            self._build.read_references = True
            return found.dref if isinstance(self._value, str) else self._value
        if self._owner.chosen is not None:
            self._build.read_references = True
        return self._value

    @property
    def vals(self) -> list[Any]:
        """What the function stage here returned, for each realization of it that stands for it."""
        found = reference(self._value)
        if found is None or found.dref not in self._build.outer or found.path:
            raise BuildError(f"{self._place} is no function stage; use val")
        return [self._received(one) for one in self._choose(found.dref)]

    @property
    def syspath(self) -> str:
        """The path on disk: of a promise, of a dependency's folder or of a file in one; at the root, of the output."""
        return str(self._path())

    @property
    def syspaths(self) -> list[str]:
        """The paths on disk that :attr:`syspath` would be one of, one for each realization."""
        return [str(path) for path in self._paths()]

    @property
    def contents(self) -> str:
        """The text of the file at :attr:`syspath`."""
        return self._path().read_text("utf-8")

    @property
    def dref(self) -> DRef:
        """The derivation of the dependency that stands here, or of the owner of this configuration."""
        self._build.read_references = True
        found = reference(self._value)
        return found.dref if found is not None else self._owner.dref

    @property
    def rref(self) -> RRef:
        """The realization that stands for the dependency here, or that owns this configuration."""
        rrefs = self.rrefs
        if len(rrefs) != 1:
            raise BuildError(f"{len(rrefs)} realizations stand for {self._place}; use rrefs")
        return rrefs[0]

    @property
    def rrefs(self) -> list[RRef]:
        """The realizations that stand for the dependency here, or the one that owns this configuration."""
        self._build.read_references = True
        found = reference(self._value)
        several = self._choose(found.dref) if found is not None else [self._owner.chosen]
        rrefs: list[RRef] = []
        for chosen in several:
            if chosen is None:
                raise BuildError(f"{self._owner.dref.name} has no realization yet: it is being built")
            if chosen.rref is None:
                raise BuildError(f"the realization at {self._place} was not told with the job")
            rrefs.append(chosen.rref)
        return rrefs

    def _received(self, chosen: Chosen) -> Any:
        from stageloom.artifacts.values import given  # on use: most realizers read files

        return given(chosen.folder)

    def _path(self) -> Path:
        paths = self._paths()
        if len(paths) != 1:
            raise BuildError(f"{len(paths)} realizations stand for {self._place}; use syspaths")
        return paths[0]

    def _paths(self) -> list[Path]:
        spelled: Reference | Promise | None = reference(self._value) or promise(self._value)
        if isinstance(spelled, Reference):
            return [one.folder.joinpath(*spelled.path) for one in self._choose(spelled.dref)]
        if spelled is None and not isinstance(self._value, dict):
            raise BuildError(f"{self._place} is {self._value!r:.60}, which has no path")
        path = spelled.path if spelled is not None else ()
        chosen = self._owner.chosen
        if chosen is not None:
            return [chosen.folder.joinpath(*path)]
        return [promised_path(folder, path) for folder in self._build.outputs()]

    def _choose(self, dref: DRef) -> Sequence[Chosen]:
        """Return what stands for ``dref``, which the owner of this configuration depends on."""
        if self._owner.chosen is None:
            return self._build.several(dref)
        return self._build.behind(self._owner.chosen, dref)

    def _single(self, dref: DRef) -> Chosen:
        several = self._choose(dref)
        if len(several) != 1:
            raise BuildError(f"{len(several)} realizations stand for {self._place}; use syspaths, rrefs or vals")
        return several[0]


def mklens(b: Build) -> Lens:
    """Return a lens on the configuration of the stage that is built."""
    return Lens(b, _Owner(b.dref, None), dict(b.config.value), b.dref.name)
