"""Why a stage is not cached: what differs from its newest realization, with the texts to compare."""

from __future__ import annotations

import json
from collections.abc import Mapping

from stageloom.engine.differences import configuration_differences, input_differences, input_reason
from stageloom.engine.language import Pipeline, Target
from stageloom.engine.observed import Observed
from stageloom.engine.provenance import read_stage
from stageloom.engine.status import Standing
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


def reasons(store: Store, pipeline: Pipeline, standing: Mapping[str, Standing], name: str) -> tuple[Reason, ...]:
    """Return why ``name`` isn't cached, most telling first; empty when it is, or when nothing can be said yet."""
    target, own = pipeline.targets[name], standing[name]
    if target.alias:
        return reasons(store, pipeline, standing, target.alias)
    if own.is_ in ("cached", "broken", "unknown") or target.derivation is None:
        return ()
    if own.last is None:
        return (Reason("new", "never realized"),)
    found: list[Reason] = []
    if target.late is not None:
        trees = own.looked.trees if own.looked is not None else {}
        found.extend(target.late.reasons(store, own.last, trees, target.across))
        found.extend(Reason("dependency", f"depends on {one}", one) for one in own.blockers)
        return tuple(found) or (Reason("invalidated", "invalidated"),)
    try:
        old = _plan(store, own.last.dref)
    except StoreError:
        return (Reason("unresolved", "what it was made from can no longer be read"),)
    found.extend(_code(store, pipeline, target, old, own.last))
    found.extend(configuration_differences(old, target.derivation))
    found.extend(input_differences(old, target.derivation))
    if own.last.visible:
        found.extend(_reads(own.last, Observed(pipeline)))
    found.extend(_dependencies(target, old, own, standing))
    if not found and own.looked is not None and own.looked.visible:
        more = own.looked.wanted
        found.append(Reason("new", f"wants {more} more realization{'s' if more > 1 else ''}"))
    if not found and not own.last.visible:
        found.append(Reason("invalidated", "invalidated"))
    if not found:
        found.append(Reason("dependency", "what it depends on was realized anew, with another result"))
    return tuple(found)


def _plan(store: Store, dref: DRef) -> Derivation:
    """Return a plan; its name is the hash of all there is to it, so whichever store it was read from serves."""
    known = _plans.get(dref)
    if known is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        known = _plans[dref] = store.derivation(dref)
    return known


def _code(store: Store, pipeline: Pipeline, target: Target, old: Derivation, last: Found) -> list[Reason]:
    assert target.derivation is not None
    if old.code == target.derivation.code:
        return []
    plain = [Reason("code", "code changed", target.function)]
    facts = read_stage(store.run_folder(last.run, last.stage))
    identity, function = facts.get("snapshot"), facts.get("function")
    if not isinstance(identity, str) or not isinstance(function, str):
        return plain
    try:
        snapshot = Snapshot.from_json(json.loads(store.snapshot(identity)), store, pipeline.snapshot.root)
    except (StoreError, ValueError, KeyError):
        return plain
    before = Code(snapshot, store, store.cache, write=False)
    return list(code_reasons(before, (last.path, function), pipeline.code, (target.path, target.function))) or plain


def _reads(last: Found, observed: Observed) -> list[Reason]:
    return [input_reason(name, "changed") for name in observed.changed(last.reads)]


def _dependencies(target: Target, old: Derivation, own: Standing, standing: Mapping[str, Standing]) -> list[Reason]:
    assert target.derivation is not None
    found = [Reason("dependency", f"{name} {_WORDS[standing[name].is_]}", name) for name in own.blockers]
    for role in dict.fromkeys([*old.dependencies, *target.derivation.dependencies]):
        before, after = old.dependencies.get(role, ()), target.derivation.dependencies.get(role, ())
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
