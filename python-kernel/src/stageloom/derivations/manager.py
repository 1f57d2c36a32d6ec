"""What a stage function is given, and ``mkdrv``, by which it makes a derivation."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Protocol

from stageloom.derivations.build import Realizer
from stageloom.derivations.configuration import Config, ConfigError, dependencies, named_promises, replace
from stageloom.derivations.matching import Matcher
from stageloom.derivations.source import StageFunction
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef
from stageloom.model.values import Json, digest


class DerivationError(Exception):
    """A derivation that cannot be made, and what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """A derivation, what realizes it, and the stage function that made it (None outside of any).

    ``uncounted`` names what the realizer brings along that has no content to be counted; ``holds_references`` says
    that it brings along a reference, which it can read as text.
    """

    dref: DRef
    derivation: Derivation
    config: Config
    matcher: Matcher
    realizer: Realizer
    function: StageFunction | None
    uncounted: Sequence[str] = ()
    holds_references: bool = False


class Surroundings(Protocol):
    """What a manager asks about the project."""

    def stage_function(self, frame: FrameType) -> StageFunction | None:
        """Return the stage function that runs in ``frame``."""
        ...

    def code(
        self, realizer: Realizer, function: StageFunction | None, needed: Mapping[str, Sequence[DRef]]
    ) -> tuple[str, Sequence[str], bool]:
        """Return what :class:`Made` says of the code of a stage with the dependencies ``needed``, by role.

        These are the fingerprint of all that the realizer reaches; what could not be counted; and whether the realizer
        holds a reference that it can read as text.
        """
        ...


@dataclass(slots=True)
class Manager:
    """Collects the derivations that stage functions make. Whoever plans or runs a pipeline file makes one.

    ``names`` and ``sets``: parameters to put in the place of configured ones, and the names that the stages go by,
    in the order in which they are made.
    """

    surroundings: Surroundings
    sets: Mapping[str, Json] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    made: dict[DRef, Made] = field(default_factory=dict)
    order: list[DRef] = field(default_factory=list)
    by_function: dict[str, DRef] = field(default_factory=dict)

    def add(self, config: Config, matcher: Matcher, realizer: Realizer, caller: FrameType | None) -> DRef:
        """Make a derivation; what was made before is not made again."""
        function = self._stage_function(caller)
        name = config.name or (function.name if function is not None else "unnamed")
        values = self._with_sets(config.value, name, function)
        needed = dependencies(values)
        for place, (dref,) in needed.items():
            if dref not in self.made:
                raise DerivationError(
                    f"{name}: {place} names {dref}, which no stage of this manager made; pass what mkdrv returned"
                )
        code, uncounted, holds = self.surroundings.code(realizer, function, needed)
        derivation = Derivation(name, "derivation", dict(values), needed, {}, self._with_promises(code, needed))
        dref = derivation.dref
        self.order.append(dref)
        if function is not None:
            self.by_function[function.name] = dref
        before = self.made.get(dref)
        if before is not None and before.matcher != matcher:
            raise DerivationError(f"{name} is made twice, with match_{before.matcher.match} and match_{matcher.match}")
        made = Made(dref, derivation, Config(values), matcher, realizer, function, uncounted, holds)
        self.made.setdefault(dref, made)
        return dref

    def _with_promises(self, code: str, needed: Mapping[str, Sequence[DRef]]) -> str:
        """Return ``code`` with what its dependencies promise.

        A lens finds a file by what its maker's configuration calls it, and the action key tells of a dependency only
        its tree.
        """
        promised: dict[str, Json] = {}
        for place, (dref,) in needed.items():
            places = named_promises(self.made[dref].config.value)
            if places:
                promised[place] = dict(places)
        return digest("derivation-code/1", [code, promised]) if promised else code

    def _stage_function(self, caller: FrameType | None) -> StageFunction | None:
        while caller is not None:
            function = self.surroundings.stage_function(caller)
            if function is not None:
                return function
            caller = caller.f_back
        return None

    def _with_sets(self, values: Mapping[str, Json], name: str, function: StageFunction | None) -> Mapping[str, Json]:
        known = {name} if function is None else {name, function.name}
        if len(self.order) < len(self.names):
            known.add(self.names[len(self.order)])
        for stage in sorted(known, key=len):
            for key, value in self.sets.items():
                if key.startswith(f"{stage}."):
                    changed = replace(values, key[len(stage) + 1 :], value)
                    if changed is None:
                        raise ConfigError(f"{key} cannot be set: the configuration of {name} has no such parameter")
                    values = changed
        return values


def mkdrv(m: Manager, config: Config, matcher: Matcher, realizer: Realizer) -> DRef:
    """Make a derivation of ``config``, realized by ``realizer``, and return its reference.

    ``matcher`` chooses among its realizations: ``match_latest()`` or ``match_only()``.

    Raises:
        TypeError: where an argument is not what ``mkconfig``, a matcher or ``build_wrapper`` returned.
        DerivationError: where the configuration names a derivation that ``m`` does not know.
    """
    _expect(m, Manager, "a Manager, which a stage function gets as its first argument")
    _expect(config, Config, "what mkconfig({…}) returns")
    _expect(matcher, Matcher, "match_latest() or match_only()")
    _expect(realizer, Realizer, "what build_wrapper(…) returns")
    return m.add(config, matcher, realizer, sys._getframe(1))  # noqa: SLF001  # who calls says which stage this is


def _expect(value: object, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"mkdrv takes {what}, not {value!r:.80}")
