"""Instantiating and realizing: what is missing runs in this process, in the order in which it was made."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path as SystemPath
from typing import Any

from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Context as ModelContext
from stageloom.model.objects import Derivation as ModelDerivation
from stageloom.model.objects import context_key
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.model.values import digest
from stageloom.pylightnix.configuration import order_of
from stageloom.pylightnix.configuration import planned as plan_of
from stageloom.pylightnix.gathering import check_names
from stageloom.pylightnix.manual_config import config_name, mkconfig
from stageloom.pylightnix.manual_manager import Manager
from stageloom.pylightnix.manual_planned import add_planned, origin
from stageloom.pylightnix.manual_references import as_context
from stageloom.pylightnix.manual_storage import Opened, opened
from stageloom.pylightnix.manual_types import (
    Closure,
    Config,
    Context,
    Derivation,
    DRef,
    Matcher,
    MatchError,
    Path,
    Realizer,
    RRef,
    StorageSettings,
    UsageError,
    isdref,
    model_dref,
    model_rref,
    other_face,
)
from stageloom.pylightnix.view import planned
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.store import lock_key, new_run

#: The manager of what is instantiated in place.
PYLIGHTNIX_MANAGER = Manager(None)


def mkdrv(
    m: Manager | PlannedManager | None = None,
    config: Config | None = None,
    matcher: Matcher | None = None,
    realizer: Realizer | None = None,
    **other: Any,
) -> DRef:
    """Make a derivation of ``config`` in the manager's storage and return its reference.

    Raises:
        OtherFaceError: for a call as Pylightnix's current API has it.
        UsageError: for an argument that is not what it should be.
    """
    if m is None or isinstance(m, Config) or "Registry" in (type(m).__name__, type(config).__name__) or other:
        other_face("mkdrv takes the manager first: mkdrv(m, config, matcher, realizer)", "mkdrv")
    if not isinstance(config, Config):
        raise UsageError(f"mkdrv takes what mkconfig returned, not {config!r:.60}")
    config = mkconfig(config.val)
    if not callable(matcher):
        raise UsageError(f"mkdrv takes a matcher, f(S, rrefs), not {matcher!r:.60}")
    if not callable(realizer):
        raise UsageError(f"mkdrv takes a realizer, such as build_wrapper returns, not {realizer!r:.60}")
    if isinstance(m, PlannedManager):
        return add_planned(m, config, matcher, realizer)
    if not isinstance(m, Manager):
        raise UsageError(f"mkdrv takes the manager that a stage function is given, not {m!r:.60}")
    if config_name(config) != planned(config.val).dref.name:
        raise UsageError(f"a stage cannot be called {config_name(config)!r}: use letters, digits, _ and -")
    dref = DRef(opened(m.S).view.note(planned(config.val)))
    m.builders.pop(dref, None)
    m.builders[dref] = Derivation(dref, matcher, realizer)
    return dref


def instantiate(stage: Callable[..., Any], *args: Any, S: StorageSettings | None = None, **kwargs: Any) -> Closure:
    """Call a stage function with a new manager for the storage ``S``; return what can be realized.

    Raises:
        OtherFaceError: for a call as Pylightnix's current API has it.
        UsageError: where the stage function does not return what mkdrv returned.
    """
    if "r" in kwargs:
        other_face("instantiate takes no registry r", "instantiate")
    return _instantiate(Manager(S), stage, args, kwargs)


def instantiate_inplace(stage: Callable[..., Any], *args: Any, **kwargs: Any) -> DRef:
    """Call a stage function with the one manager of this process, and return its derivation."""
    return _instantiate(PYLIGHTNIX_MANAGER, stage, args, kwargs).dref


def _instantiate(m: Manager, stage: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Closure:
    if not callable(stage):
        raise UsageError(f"instantiate takes a stage function, not {stage!r:.60}")
    with m.instantiating():
        dref = stage(m, *args, **kwargs)
        if not isdref(dref) or dref not in m.builders:
            named = getattr(stage, "__name__", "the stage function")
            raise UsageError(f"{named} must return the DRef that mkdrv returned, not {dref!r:.60}")
        found = opened(m.S)
        plans = [planned(found.view.configuration(model_dref(one))) for one in m.builders]
        found.store.plan(plans, {plan.dref: order_of(plan_of(plan)) for plan in plans})
        return Closure(DRef(dref), list(m.builders.values()), m.S)


def realize(
    closure: Closure,
    force_rebuild: Sequence[DRef] | bool = (),
    assert_realized: Sequence[DRef] = (),
) -> RRef:
    """Run what is missing of a closure, and return the realization that its matcher chooses.

    ``force_rebuild``: derivations to run whether or not they are there, or True for the closure's own.
    ``assert_realized``: derivations that must be there.

    Raises:
        OtherFaceError: for a call as Pylightnix's current API has it.
        UsageError: where several realizations were chosen (see :func:`realizeMany`), or one that must be there is not.
        MatchError: where the matcher is not content with what the realizer makes.
        PromiseException: where a realizer did not write what it promised; nothing is stored of that.
    """
    rrefs = realizeMany(closure, force_rebuild, assert_realized)
    if len(rrefs) != 1:
        raise UsageError(f"{len(rrefs)} realizations stand for {closure.dref}; use realizeMany")
    return rrefs[0]


def realizeMany(  # its name in Pylightnix
    closure: Closure | object,
    force_rebuild: Sequence[DRef] | bool = (),
    assert_realized: Sequence[DRef] = (),
    realize_args: Mapping[DRef, dict[str, Any]] | None = None,
) -> list[RRef]:
    """Do what :func:`realize` does for a matcher that chooses several, and return them."""
    if not isinstance(closure, Closure):
        if isinstance(closure, tuple):
            other_face("realize takes the closure that instantiate returns, which is one value", "instantiate, realize")
        raise UsageError(f"realize takes what instantiate returned, not {closure!r:.60}")
    forced = ([closure.dref] if force_rebuild else []) if isinstance(force_rebuild, bool) else force_rebuild
    run = _Run(opened(closure.S), closure.S, set(forced), set(assert_realized), dict(realize_args or {}))
    for derivation in _needed(closure):
        run.realize(derivation)
    return [RRef(one) for one in run.chosen[model_dref(closure.dref)]]


def realize_inplace(dref: DRef, force_rebuild: Sequence[DRef] | bool = ()) -> RRef:
    """Realize what :func:`instantiate_inplace` returned."""
    if not isdref(dref):
        raise UsageError(f"realize_inplace takes what instantiate_inplace returned, not {dref!r:.60}")
    return realize(Closure(dref, list(PYLIGHTNIX_MANAGER.builders.values()), PYLIGHTNIX_MANAGER.S), force_rebuild)


def evaluate(stage: Callable[..., Any], *args: Any, **kwargs: Any) -> RRef:
    """Instantiate and realize a stage function."""
    return realize(instantiate(stage, *args, **kwargs))


def _needed(closure: Closure) -> list[Derivation]:
    """Return what a closure depends on, and itself, dependencies first."""
    view = opened(closure.S).view
    by_dref = {model_dref(one.dref): one for one in closure.derivations}
    wanted: dict[ModelDRef, None] = {}
    pending: list[tuple[ModelDRef, ModelDRef | None]] = [(model_dref(closure.dref), None)]
    while pending:
        dref, dependant = pending.pop()
        if dref in wanted:
            continue
        if dref not in by_dref:
            said = f", which {dependant} depends on" if dependant is not None else ""
            raise UsageError(f"nothing says how {dref}{said}, is realized: call its stage function with this manager")
        wanted[dref] = None
        plan = planned(view.configuration(dref))
        pending.extend((one, dref) for drefs in plan.dependencies.values() for one in drefs)
    return [one for dref, one in by_dref.items() if dref in wanted]


@dataclass(slots=True)
class _Run:
    """One call of realize."""

    opened: Opened
    S: StorageSettings | None
    forced: set[DRef]
    asserted: set[DRef]
    arguments: dict[DRef, dict[str, Any]]
    chosen: dict[ModelDRef, tuple[ModelRRef, ...]] = field(default_factory=dict)
    name: str = field(default_factory=lambda: new_run(time.time()))

    def realize(self, derivation: Derivation) -> None:
        """Have the matcher choose among what is there, or run the realizer."""
        plan = planned(self.opened.view.configuration(model_dref(derivation.dref)))
        dref = plan.dref
        context: ModelContext = {
            needed: tuple(sorted(self.chosen[needed]))
            for needed in sorted({one for few in plan.dependencies.values() for one in few})
        }
        key = context_key(context)
        found = None if derivation.dref in self.forced else self._match(derivation, dref, key)
        if found is None:
            with self.opened.store.lock(lock_key(dref, key)):
                found = None if derivation.dref in self.forced else self._match(derivation, dref, key)
                if found is None:
                    found = self._make(derivation, plan, context)
        self.chosen[dref] = tuple(found)

    def _visible(self, dref: ModelDRef, key: str) -> list[ModelRRef]:
        """Return the realizations in this context, the latest last; those that are damaged are made anew."""
        found = self.opened.store.find(dref, key)
        wrong = self.opened.store.check({one.tree for one in found}) if found else {}
        return [one.rref for one in found if one.tree not in wrong]

    def _match(self, derivation: Derivation, dref: ModelDRef, key: str) -> list[ModelRRef] | None:
        rrefs = [RRef(one) for one in self._visible(dref, key)]
        answer: Any = derivation.matcher(self.S, list(rrefs))
        if answer is None:
            return None
        if isinstance(answer, str) or not isinstance(answer, Iterable):
            raise MatchError(f"the matcher of {dref} must return a list of references, or None, not {answer!r:.60}")
        taken = [model_rref(one) for one in dict.fromkeys(answer)]
        strange = [one for one in taken if str(one) not in set(map(str.__str__, rrefs))]
        if strange:
            raise MatchError(f"the matcher of {dref} chose {strange[0]}, which it was not given")
        if not taken:
            raise MatchError(f"the matcher of {dref} returned no realization; return None to ask for a new one")
        return taken

    def _make(self, derivation: Derivation, plan: ModelDerivation, context: ModelContext) -> list[ModelRRef]:
        """Run the realizer until the matcher is content, as long as that brings something new."""
        dref = plan.dref
        if derivation.dref in self.asserted:
            raise UsageError(
                f"{derivation.dref} should be realized already, and its matcher asks for a new realization"
            )
        key = context_key(context)
        while True:
            before = set(self._visible(dref, key))
            made = self._run(derivation, plan, context)
            found = self._match(derivation, dref, key)
            if found is not None:
                return found
            if set(made) <= before:
                raise MatchError(
                    f"the matcher of {dref} asks for more than the {len(before)} realizations that there are, and its "
                    f"realizer made nothing new: {', '.join(map(str, made))}"
                )

    def _run(self, derivation: Derivation, plan: ModelDerivation, context: ModelContext) -> list[ModelRRef]:
        start = time.time()
        paths: Any = derivation.realizer(
            self.S, derivation.dref, self._whole(context), self.arguments.get(derivation.dref, {})
        )
        took = time.time() - start
        if isinstance(paths, str) or not isinstance(paths, Iterable):
            raise UsageError(f"the realizer of {plan.dref} must return a list of folders, not {paths!r:.60}")
        store = self.opened.store
        scratches = [self._taken(plan, path) for path in dict.fromkeys(paths)]
        if not scratches:
            raise UsageError(f"the realizer of {plan.dref} returned no folder")
        made = Provenance(plan.name, origin(derivation.realizer, store.path), self.name, start, took)
        action = digest("references/1", [plan.dref.hash, context_key(context)])  # found by nothing else: no cutoff
        group = [NewRealization(plan, context, action, made, scratch=scratch) for scratch in scratches]
        return [one.rref for one in store.commit(group)]

    def _whole(self, context: ModelContext) -> Context:
        """Return all that is below the direct dependencies, with these."""
        whole: dict[ModelDRef, dict[ModelRRef, None]] = {}
        for dref, rrefs in context.items():
            whole.setdefault(dref, {}).update(dict.fromkeys(rrefs))
            for rref in rrefs:
                for deeper, its in self.opened.view.context(rref).items():
                    whole.setdefault(deeper, {}).update(dict.fromkeys(its))
        return as_context({dref: sorted(rrefs) for dref, rrefs in sorted(whole.items())})

    def _taken(self, plan: ModelDerivation, path: Path) -> SystemPath:
        """Return a folder that a realizer wrote to as one that the store can take in."""
        folder = SystemPath(path)
        if not folder.is_dir():
            raise UsageError(f"the realizer of {plan.dref} returned {path!r:.80}, which is no folder")
        check_names(folder, plan.dref)
        scratch = self.opened.store.path / "scratch"
        if scratch in folder.parents:
            return folder
        target = self.opened.store.scratch()
        os.rmdir(target)
        shutil.move(str(folder), str(target))
        return target
