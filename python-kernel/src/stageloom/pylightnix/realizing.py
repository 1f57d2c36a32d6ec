"""Realizing a plan: what is there is matched, what is missing is made, one derivation after the other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stageloom.model.objects import context_key
from stageloom.pylightnix.context import context_add
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.planning import assert_valid_closure, instantiate, unpack_closure
from stageloom.pylightnix.realizations import check_promises, find, record_context, store
from stageloom.pylightnix.references import isrref, model_dref, rref2dref
from stageloom.pylightnix.storage import Storage, opened
from stageloom.pylightnix.types import (
    Closure,
    Context,
    Derivation,
    DRef,
    RealizeArg,
    RealizeSeqGen,
    RRef,
    StorageSettings,
)
from stageloom.store.errors import LockedError
from stageloom.store.store import lock_key

_log = logging.getLogger(__name__)

_NONE: Sequence[DRef] = ()
_NO_ARGS: Mapping[DRef, RealizeArg] = {}

#: On a realizer whose realizations may lack what the configuration promises, as a recorded failure does.
LENIENT = "stageloom_lenient"


def realize(
    closure: Closure | tuple[Any, Closure],
    force_rebuild: Sequence[DRef] | bool = _NONE,
    assert_realized: Sequence[DRef] = _NONE,
    realize_args: Mapping[DRef, RealizeArg] = _NO_ARGS,
    dry_run: bool = False,
) -> tuple[Any, Closure, Context]:
    """Realize a plan, and return what the stage returned, the plan, and what stands for each of its derivations.

    ``force_rebuild`` names derivations that are made anew in any case, or says that the plan's own are.
    ``assert_realized`` names those that must be there, ``realize_args`` what realizers get as ``rarg``. In a
    ``dry_run`` nothing is made: what would be, or depends on it, is missing in the context, and named in the log.

    Raises:
        BuildError, PromiseException: by a realizer; what was made before it is stored.
        CheckError: where a matcher, or what a realizer gave, is not right.
    """
    result, plan = unpack_closure(closure)
    generator = realizeSeq(plan, _forced(force_rebuild, plan), assert_realized, realize_args, dry_run)
    try:
        next(generator)
        while True:
            generator.send((None, False))
    except StopIteration as done:
        context: Context = done.value
    return result, plan, context


def realizeMany(
    closure: Closure | tuple[Any, Closure],
    force_rebuild: Sequence[DRef] | bool = _NONE,
    assert_realized: Sequence[DRef] = _NONE,
    realize_args: Mapping[DRef, RealizeArg] = _NO_ARGS,
    dry_run: bool = False,
) -> list[RRef]:
    """Realize a plan for one derivation, and return what its matcher chose; see :func:`realize`."""
    _, plan, context = realize(closure, force_rebuild, assert_realized, realize_args, dry_run)
    targets = set(plan.targets)
    check(len(targets) == 1, f"the plan is for {len(targets)} derivations: take realize")
    return context.get(plan.targets[0], [])


def realize1(
    closure: Closure | tuple[Any, Closure],
    force_rebuild: Sequence[DRef] | bool = _NONE,
    assert_realized: Sequence[DRef] = _NONE,
    realize_args: Mapping[DRef, RealizeArg] = _NO_ARGS,
    dry_run: bool = False,
) -> RRef:
    """Realize a plan for one derivation whose matcher chooses one realization, and return it; see :func:`realize`."""
    rrefs = realizeMany(closure, force_rebuild, assert_realized, realize_args, dry_run)
    if dry_run and not rrefs:
        raise CheckError("it would have to be made, which a dry run does not")
    check(len(rrefs) == 1, f"the matcher chose {len(rrefs)} realizations: take realizeMany")
    return rrefs[0]


def evaluate(stage: Any, *args: Any, **kwargs: Any) -> RRef:
    """Instantiate and realize a stage; see :func:`realize1`."""
    return realize1(instantiate(stage, *args, **kwargs))


def realizeSeq(
    closure: Closure,
    force_interrupt: Sequence[DRef] = _NONE,
    assert_realized: Sequence[DRef] = _NONE,
    realize_args: Mapping[DRef, RealizeArg] = _NO_ARGS,
    dry_run: bool = False,
) -> RealizeSeqGen:
    """Realize a plan step by step: stop before each derivation in ``force_interrupt``.

    Yields the storage, the derivation with its context, and its arguments. What is sent is a pair: the realizations to
    take, None for making new ones, and whether to end here. Returns what stands for each derivation of the plan.
    """
    assert_valid_closure(closure)
    walk = _Walk(closure, set(assert_realized), realize_args, dry_run=dry_run)
    interrupts = set(force_interrupt)
    for drv in walk.order():
        context = walk.direct(drv)
        if context is None:
            continue  # in a dry run: what it depends on is missing
        if drv.dref in interrupts and not dry_run:
            whole = walk.whole(drv)
            rrefs, abort = yield (closure.S, drv.dref, whole, drv, dict(realize_args.get(drv.dref, {})))
            if abort:
                return {}
            walk.chosen[drv.dref] = walk.checked(drv, rrefs) if rrefs is not None else walk.make(drv, forced=True)
        else:
            rrefs = walk.match(drv)
            if rrefs is not None:
                walk.chosen[drv.dref] = rrefs
            elif dry_run:
                _log.info("%s would be made", drv.dref)
            else:
                walk.chosen[drv.dref] = walk.make(drv, forced=False)
    return {dref: walk.chosen[dref] for dref in closure.targets if dref in walk.chosen}


class _Walk:
    """One way through a plan."""

    def __init__(
        self, closure: Closure, asserted: set[DRef], arguments: Mapping[DRef, RealizeArg], *, dry_run: bool
    ) -> None:
        self.chosen: dict[DRef, list[RRef]] = {}
        self._closure = closure
        self._storage: Storage = opened(closure.S)
        self._derivations = {one.dref: one for one in closure.derivations}
        self._asserted = asserted
        self._arguments = arguments
        self._dry_run = dry_run
        self._refused: list[RRef] | None = None

    @property
    def _S(self) -> StorageSettings | None:
        return self._closure.S

    def order(self) -> Iterator[Derivation]:
        """Yield what the targets need, dependencies first, else as they were registered."""
        needed: set[DRef] = set()
        pending = list(self._closure.targets)
        while pending:
            dref = pending.pop()
            if dref not in needed:
                needed.add(dref)
                pending.extend(self._storage.plan(dref).dependencies)
        given: set[DRef] = set()
        for first in self._derivations:
            stack = [first] if first in needed else []
            while stack:
                dref = stack[-1]
                ahead = [one for one in self._storage.plan(dref).dependencies if one not in given]
                if dref in given or not ahead:
                    stack.pop()
                    if dref not in given:
                        given.add(dref)
                        check(dref in self._derivations, f"{dref} is needed and is not in the plan")
                        yield self._derivations[dref]
                else:
                    stack.extend(ahead)

    def direct(self, drv: Derivation) -> Context | None:
        """Return what stands for the direct dependencies; None where something is missing, in a dry run."""
        needed = self._storage.plan(drv.dref).dependencies
        if any(dref not in self.chosen for dref in needed):
            return None
        return {dref: self.chosen[dref] for dref in needed}

    def whole(self, drv: Derivation) -> Context:
        """Return what stands for all that a derivation depends on."""
        found: set[DRef] = set()
        pending = [drv.dref]
        while pending:
            for one in self._storage.plan(pending.pop()).dependencies:
                if one not in found:
                    found.add(one)
                    pending.append(one)
        return {dref: sorted(self.chosen[dref]) for dref in sorted(found)}

    def match(self, drv: Derivation, refused: list[RRef] | None = None) -> list[RRef] | None:
        """Return what the matcher chooses of what is there; None where it asks for more.

        It is not asked again where that is what it has ``refused`` just now.
        """
        plan = self._storage.plan(drv.dref)
        context = self.direct(drv) or {}
        if not all(context.values()):
            context = self.whole(drv)
        candidates = find(self._storage, plan, record_context(self._storage, plan, context))
        if refused is not None and candidates == refused:
            return None
        self._refused = candidates
        try:
            chosen = drv.matcher(self._S, candidates)
        finally:
            self._storage.seen = {}
        return None if chosen is None else self.checked(drv, chosen)

    def checked(self, drv: Derivation, chosen: Any) -> list[RRef]:
        """Return what was chosen; raises CheckError unless these are realizations of the derivation."""
        check(
            isinstance(chosen, list) and all(isrref(one) and rref2dref(one) == drv.dref for one in chosen),
            f"the matcher of {drv.dref} chose {chosen!r:.120}: it has to return a list of its realizations, or None",
        )
        return [RRef(one) for one in chosen]

    def make(self, drv: Derivation, *, forced: bool) -> list[RRef]:
        """Run the realizer, unless another process has just done so, and return what the matcher chooses then."""
        check(
            drv.dref not in self._asserted,
            f"{drv.dref} was asserted to be realized, and is not, in its present context",
        )
        plan = self._storage.plan(drv.dref)
        whole = self.whole(drv)
        key = lock_key(model_dref(drv.dref), context_key(record_context(self._storage, plan, whole)))
        with self._locked(key, drv.dref):
            if not forced:
                there = self.match(drv, self._refused)
                if there is not None:
                    return there
            arguments = dict(self._arguments.get(drv.dref, {}))
            folders = drv.realizer(self._S, drv.dref, whole, arguments)
            check(
                isinstance(folders, list) and folders,
                f"the realizer of {drv.dref} returned {folders!r:.80}: it has to return a list of folders",
            )
            if not getattr(drv.realizer, LENIENT, False):
                check_promises(plan, folders)
            built = store(self._storage, plan, whole, folders)
            if len(set(built)) < len(folders):
                _log.warning("the realizer of %s made equal realizations", drv.dref)
            chosen = self.match(drv)
        if chosen is None:
            raise CheckError(f"the matcher of {drv.dref} asks for another realization after {built} was made for it")
        if chosen and not set(chosen) & set(built):
            _log.warning("the matcher of %s chose none of the realizations just made: %s", drv.dref, built)
        return chosen

    @contextlib.contextmanager
    def _locked(self, key: str, dref: DRef) -> Iterator[None]:
        try:
            lock = self._storage.store.lock(key, wait=0)
        except LockedError:
            _log.info("another process is making %s: waiting for it", dref)
            lock = self._storage.store.lock(key)
        with lock:
            yield


def _forced(force_rebuild: Sequence[DRef] | bool, plan: Closure) -> Sequence[DRef]:
    if isinstance(force_rebuild, bool):
        return plan.targets if force_rebuild else ()
    check(
        isinstance(force_rebuild, (list, tuple, set)),
        f"force_rebuild is a list of derivations, or True, not {force_rebuild!r:.60}",
    )
    return list(force_rebuild)


__all__ = ["LENIENT", "context_add", "evaluate", "realize", "realize1", "realizeMany", "realizeSeq"]
