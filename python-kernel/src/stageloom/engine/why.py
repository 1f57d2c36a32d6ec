"""Why a stage is not cached: what differs from its newest realization, with the texts to compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from stageloom.engine.differences import configuration_differences, input_differences, input_reason
from stageloom.engine.language import Kind, Late, Pipeline, Target
from stageloom.engine.observed import Observed
from stageloom.engine.provenance import read_stage
from stageloom.engine.status import Standing, State
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef
from stageloom.rpc.messages import Reason
from stageloom.store.errors import StoreError
from stageloom.store.found import Found
from stageloom.store.store import Store
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.reasons import code_reasons
from stageloom.tracking.snapshot import Snapshot

#: This process's: an editor asks with every key why each stage is stale.
_plans: dict[DRef, Derivation] = {}
_MOST_PLANS = 50_000
#: The code that realizations were made from, by store, root and snapshot.
_codes: dict[tuple[str, str, str], Code] = {}
_MOST_CODES = 4


def reasons(store: Store, pipeline: Pipeline, standing: Mapping[str, Standing], name: str) -> tuple[Reason, ...]:
    """Return why ``name`` isn't cached, most telling first; empty when it is, or when nothing can be said yet."""
    target, own = pipeline.targets[name], standing[name]
    if target.alias:
        return reasons(store, pipeline, standing, target.alias)
    if own.is_ in ("cached", "broken", "unknown") or target.derivation is None:
        return ()
    if own.last is None:
        return (Reason("new", "never realized"),)
    if own.blockers and _is_alike(_plans.get(own.last.dref), target) and not own.last.reads:
        return tuple([_blocked(one, standing[one].is_) for one in own.blockers])
    if target.late is not None:
        return _late(store, target.late, target.across, own, own.last)
    try:
        old = _plan(store, own.last.dref)
    except StoreError:
        return (Reason("unresolved", "what it was made from can no longer be read"),)
    found = _differences(store, pipeline, target, old, own.last)
    found.extend(_dependencies(target.derivation, old, own, standing))
    if not found and own.looked is not None and own.looked.visible:
        more = own.looked.wanted
        found.append(Reason("new", f"wants {more} more realization{'s' if more > 1 else ''}"))
    if not found and not own.last.visible:
        found.append(Reason("invalidated", "invalidated"))
    if not found:
        found.append(Reason("dependency", "what it depends on was realized anew, with another result"))
    return tuple(found)


def _late(store: Store, late: Late, across: Mapping[str, Kind], own: Standing, last: Found) -> tuple[Reason, ...]:
    trees = own.looked.trees if own.looked is not None else {}
    found = [
        *late.reasons(store, last, trees, across),
        *(Reason("dependency", f"depends on {one}", one) for one in own.blockers),
    ]
    return tuple(found) or (Reason("invalidated", "invalidated"),)


def _differences(store: Store, pipeline: Pipeline, target: Target, old: Derivation, last: Found) -> list[Reason]:
    """Return what of a stage itself is another."""
    new, found = target.derivation, list[Reason]()
    assert new is not None
    if old.code != new.code:
        found.extend(_code(store, pipeline, target, last))
    if old.configuration or new.configuration:
        found.extend(configuration_differences(old, new))
    if old.inputs or new.inputs:
        found.extend(input_differences(old, new))
    if last.visible and last.reads:
        found.extend(_reads(last, Observed(pipeline)))
    return found


def _is_alike(old: Derivation | None, target: Target) -> bool:
    """Return whether a stage that waits for others differs from an old plan by those alone: of thousands most do."""
    new = target.derivation
    if old is None or new is None or old.code != new.code or target.late is not None:
        return False
    if old.configuration is not new.configuration and (old.configuration or new.configuration):
        return False
    if old.inputs is not new.inputs and (old.inputs or new.inputs):
        return False
    return old.dependencies.keys() == new.dependencies.keys() and all(
        map(all, (old.dependencies.values(), new.dependencies.values()))
    )


@lru_cache(maxsize=_MOST_PLANS)
def _blocked(name: str, state: State) -> Reason:
    return Reason("dependency", f"{name} {_WORDS[state]}", name)


def note_plans(targets: Iterable[Target]) -> None:
    """Remember plans that need not be read then, once they are old."""
    for target in targets:
        if target.dref is not None and target.derivation is not None and target.dref not in _plans:
            if len(_plans) >= _MOST_PLANS:
                _plans.clear()
            _plans[target.dref] = target.derivation


def _plan(store: Store, dref: DRef) -> Derivation:
    """Return a plan; its name is the hash of all there is to it, so whichever store it was read from serves."""
    known = _plans.get(dref)
    if known is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        known = _plans[dref] = store.derivation(dref)
    return known


def _code(store: Store, pipeline: Pipeline, target: Target, last: Found) -> list[Reason]:
    plain = [Reason("code", "code changed", target.function)]
    facts = read_stage(store.run_folder(last.run, last.stage))
    identity, function = facts.get("snapshot"), facts.get("function")
    if not isinstance(identity, str) or not isinstance(function, str):
        return plain
    root = pipeline.snapshot.root
    key = (str(store.path), str(root), identity)
    before = _codes.pop(key, None)  # whoever uses it has it alone
    if before is None:
        try:
            snapshot = Snapshot.from_json(json.loads(store.snapshot(identity)), store, root)
        except (StoreError, ValueError, KeyError):
            return plain
        before = Code(snapshot, store, store.cache, write=False)
    found = code_reasons(before, (last.path, function), pipeline.code, (target.path, target.function))
    while len(_codes) >= _MOST_CODES:
        _codes.pop(next(iter(_codes)), None)
    _codes[key] = before
    return list(found) or plain


def _reads(last: Found, observed: Observed) -> list[Reason]:
    return [input_reason(name, "changed") for name in observed.changed(last.reads)]


def _dependencies(new: Derivation, old: Derivation, own: Standing, standing: Mapping[str, Standing]) -> list[Reason]:
    found = [_blocked(name, standing[name].is_) for name in own.blockers]
    roles = old.dependencies.keys() == new.dependencies.keys()
    if own.blockers and roles and all(old.dependencies.values()) and all(new.dependencies.values()):
        return found  # what else is another about them follows from these
    for role in dict.fromkeys([*old.dependencies, *new.dependencies]):
        before, after = old.dependencies.get(role, ()), new.dependencies.get(role, ())
        if not before:
            found.append(Reason("dependency", f"depends on {role} now", role))
        elif not after:
            found.append(Reason("dependency", f"no longer depends on {role}", role))
        elif not own.blockers and tuple(before) != tuple(after):
            found.append(Reason("dependency", f"{role} changed", role))
    return found


_WORDS = {
    "stale": "is stale",
    "absent": "was never realized",
    "unknown": "must run first",
    "broken": "has a problem",
    "cached": "",
}
