"""What a stage function is given, and ``mkdrv``, by which it makes a derivation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Protocol

from stageloom.derivations.build import Realizer
from stageloom.derivations.configuration import (
    Config,
    ConfigError,
    dependencies,
    mkconfig,
    named_promises,
    replace,
    with_stages,
)
from stageloom.derivations.matching import Matcher
from stageloom.derivations.neighbours import AStage, Neighbours
from stageloom.derivations.source import StageFunction
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.references import BadReferenceError, DRef
from stageloom.model.values import Json, digest


class DerivationError(Exception):
    """A derivation that cannot be made, and what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """A derivation, what realizes it, and the stage function that made it (None outside of any).

    One derivation can be made with several matchers, and above others that were: ``needs`` holds those by role, and
    ``key`` tells them apart. ``uncounted`` names what the realizer brings along that has no content to be counted;
    ``holds_references`` says that it brings along a reference, which it can read as text. ``reach`` is the fingerprint
    of its code, whether or not that counts. ``outer`` names the stages of other languages that it needs, by role.
    """

    dref: DRef
    derivation: Derivation
    config: Config
    matcher: Matcher
    realizer: Realizer
    function: StageFunction | None
    uncounted: Sequence[str] = ()
    holds_references: bool = False
    needs: Mapping[str, Sequence[Made]] = field(default_factory=dict)
    key: str = ""
    reach: str = ""
    counts: bool = True
    outer: Mapping[str, str] = field(default_factory=dict)


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
    in the order in which they are made. ``made`` is what a reference stands for just now, ``every`` all there are, by
    key, dependencies first. ``outer`` are the references of ``neighbours`` that were asked for, with their names.
    """

    surroundings: Surroundings
    sets: Mapping[str, Json] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    made: dict[DRef, Made] = field(default_factory=dict)
    every: dict[str, Made] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    by_function: dict[str, Made] = field(default_factory=dict)
    neighbours: Neighbours = field(default_factory=Neighbours)
    outer: dict[DRef, str] = field(default_factory=dict)

    def stage(self, stage: AStage) -> DRef:
        """Return the reference of what ``@stage`` made of a function, to depend on it as on any derivation.

        In ``mkconfig({…})`` the stage itself can be written instead.

        Raises:
            DerivationError: for what is no stage of this pipeline, or stands for several by its ``each=``.
        """
        references = self._references(stage)
        if len(references) != 1:
            name = getattr(stage, "__name__", "it")
            raise DerivationError(
                f"{name} stands for {len(references)} stages by its each=; write it in mkconfig, which makes a list"
            )
        return references[0]

    def _references(self, stage: object) -> list[DRef]:
        names = self.neighbours.names_of(stage)
        if not names:
            name = getattr(stage, "__name__", repr(stage))
            raise DerivationError(
                f"{name} is no stage of this pipeline; name one by the variable that the pipeline's file, or a file of "
                "the project that it imports it from, has for it"
            )
        found = [self.neighbours.reference(name) for name in names]
        self.outer.update(zip(found, names, strict=True))
        return found

    def _with_stages(self, config: Config) -> Config:
        """Return ``config`` with references in the place of stages."""
        if not config.stages:
            return config
        known: dict[str, Json] = {}
        for text, stage in config.stages.items():
            references: list[Json] = [str(one) for one in self._references(stage)]
            known[text] = references[0] if len(references) == 1 else references
        values = with_stages(dict(config.value), known)
        assert isinstance(values, dict)
        return Config(values)

    def add(
        self, config: Config, matcher: Matcher, realizer: Realizer, caller: FrameType | None, *, counts: bool = True
    ) -> DRef:
        """Make a derivation; what was made before is not made again. Its code is no part of it unless it ``counts``."""
        function = self._stage_function(caller)
        name = config.name or (function.name if function is not None else "unnamed")
        values = self._with_sets(config.value, name, function)
        return self._add(name, Config(values, config.stages), matcher, realizer, function, counts=counts)

    def redefine(
        self,
        stage: Callable[[], object],
        change: Callable[[Config], Config],
        matcher: Matcher | None,
        realizer: Realizer | None,
    ) -> DRef:
        """Make what ``stage`` makes, with another configuration, matcher or realizer, in its place."""
        known = set(self.every)
        returned = stage()
        made = self.made.get(parsed(returned)) if isinstance(returned, (str, DRef)) else None
        if made is None:
            raise DerivationError(
                f"redefine takes a stage function, which returns what mkdrv returned, not {returned!r:.60}"
            )
        if made.key not in known:
            del self.every[made.key]
        self.order.pop()
        config = change(made.config)
        name = config.name or made.derivation.name
        return self._add(
            name, config, matcher or made.matcher, realizer or made.realizer, made.function, counts=made.counts
        )

    def _add(
        self,
        name: str,
        config: Config,
        matcher: Matcher,
        realizer: Realizer,
        function: StageFunction | None,
        *,
        counts: bool,
    ) -> DRef:
        config = self._with_stages(config)
        needed = dependencies(config.value)
        for place, (dref,) in needed.items():
            if dref not in self.made and dref not in self.outer:
                raise DerivationError(
                    f"{name}: {place} names {dref}, which no stage of this manager made; pass what mkdrv returned"
                )
        reach, uncounted, holds = self.surroundings.code(realizer, function, needed)
        code = self._with_promises(reach, needed) if counts else ""
        derivation = Derivation(name, "derivation", dict(config.value), needed, {}, code)
        dref = derivation.dref
        needs = {place: [self.made[dref]] for place, (dref,) in needed.items() if dref not in self.outer}
        outer = {place: self.outer[dref] for place, (dref,) in needed.items() if dref in self.outer}
        told: list[Json] = [one.key for few in needs.values() for one in few]
        key = digest("made/1", [str(dref), matcher.match, matcher.count, matcher.label, told])
        made = Made(
            dref, derivation, config, matcher, realizer, function, uncounted if counts else (), holds, needs, key,
            reach, counts, outer,
        )  # fmt: skip
        made = self.every.setdefault(key, made)
        self.order.append(key)
        self.made[dref] = made
        if function is not None:
            self.by_function[function.name] = made
        return dref

    def _with_promises(self, code: str, needed: Mapping[str, Sequence[DRef]]) -> str:
        """Return ``code`` with what its dependencies promise.

        A lens finds a file by what its maker's configuration calls it, and the action key tells of a dependency only
        its tree.
        """
        promised: dict[str, Json] = {}
        for place, (dref,) in needed.items():
            places = named_promises(self.made[dref].config.value) if dref not in self.outer else {}
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


def parsed(dref: str | DRef) -> DRef:
    """Return a reference that may be a text, as it is in Pylightnix's API; raises DerivationError."""
    try:
        return DRef.parse(str(dref))
    except BadReferenceError as error:
        raise DerivationError(str(error)) from None


def redefine(
    stage: Callable[..., DRef],
    *,
    new_config: Callable[[dict[str, Json]], Mapping[str, object] | Config | None] | None = None,
    new_matcher: Matcher | None = None,
    new_realizer: Realizer | None = None,
) -> Callable[..., DRef]:
    """Return the stage function ``stage`` with another configuration, matcher or realizer.

    ``new_config`` is given the configuration as a dict; it changes that, or returns another one.
    """

    def change(old: Config) -> Config:
        if new_config is None:
            return old
        values: dict[str, Json] = json.loads(json.dumps(dict(old.value)))
        returned = new_config(values)
        if isinstance(returned, Config):
            return returned
        return mkconfig(values if returned is None else returned)

    def redefined(m: Manager, *args: object, **kwargs: object) -> DRef:
        _expect(m, Manager, "a Manager, which a stage function gets as its first argument")
        return m.redefine(lambda: stage(m, *args, **kwargs), change, new_matcher, new_realizer)

    redefined.__name__ = getattr(stage, "__name__", "redefined")
    return redefined


def mkdrv(m: Manager, config: Config, matcher: Matcher, realizer: Realizer) -> DRef:
    """Make a derivation of ``config``, realized by ``realizer``, and return its reference.

    ``matcher`` chooses a realization: ``match_only()``, ``match_latest()``, ``match_best(…)``, ``match_by(…)``.

    Raises:
        TypeError: where an argument is not what ``mkconfig``, a matcher or ``build_wrapper`` returned.
        DerivationError: where the configuration names a derivation that ``m`` does not know.
    """
    _expect(m, Manager, "a Manager, which a stage function gets as its first argument")
    _expect(config, Config, "what mkconfig({…}) returns")
    _expect(matcher, Matcher, "match_only(), match_latest(), match_best(…) or match_by(…)")
    _expect(realizer, Realizer, "what build_wrapper(…) returns")
    return m.add(config, matcher, realizer, sys._getframe(1))  # noqa: SLF001  # who calls says which stage this is


def _expect(value: object, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"mkdrv takes {what}, not {value!r:.80}")
