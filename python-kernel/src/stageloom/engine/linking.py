"""Stages of several languages made one pipeline: what one names is found among the others.

Each language reads its own stages and says by which names these may mean others. Here the names are looked up, rings
and stages of one name are refused, and references made anew, dependencies first: a plan holds those of what it needs.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stageloom.engine.language import Kind, Target
from stageloom.engine.want import Want
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef
from stageloom.model.rings import rings, way_around
from stageloom.model.values import Json
from stageloom.rpc.messages import Problem

#: Problems that are none where another language has a stage of the name.
_OPEN = ("unknown-dependency", "bad-parameter")

_A = {"function": "a function stage", "derivation": "a derivation", "reactor": "a reactor"}


def refused(found: Mapping[str, Target], more: Sequence[Target]) -> Iterator[Problem]:
    """Yield two problems, one at each, for stages of two languages that have one name."""
    for target in more:
        other = found.get(target.name)
        if other is not None and other.language != target.language:
            for one, its in ((other, target), (target, other)):
                place = f"line {its.span.line + 1}" if its.span.path == one.span.path else its.span.path
                message = f"{target.name!r} is {_A[its.language]} too, in {place}. Rename one of them."
                yield Problem("duplicate-stage", message, one.span, stages=[target.name])


def linked(found: Mapping[str, Target], problems: Sequence[Problem]) -> tuple[dict[str, Target], list[Problem]]:
    """Return the stages of a pipeline with what they want of other languages, and what is wrong with it then."""
    names = _Names(found)
    twice = {name for problem in problems if problem.code == "duplicate-stage" for name in problem.stages}
    wrong = {one.span for one in problems if one.code in _OPEN and one.severity == "error"}
    targets, missing, met = dict[str, Target](), list[Problem](), set[Want]()
    for name, target in found.items():
        answers = {role: (want, *names.of(want, target)) for role, want in target.wants.items()}
        met.update(want for want, stages, _ in answers.values() if stages)
        unmet = [want for want, stages, _ in answers.values() if not stages and (want.needed or want.span in wrong)]
        missing.extend(names.unknown(want, target) for want in unmet if want.needed)
        known = {role: (stages, kind) for role, (_, stages, kind) in answers.items() if stages}
        targets[name] = _with(target, known, found) if known else target
        if unmet or name in twice:
            targets[name] = _changed(targets[name], derivation=None, dref=None, broken=True)
    spans = {want.span for want in met}
    anew = {one.span: one for one in missing}
    told = [
        anew.get(one.span, one) if one.code == "unknown-dependency" else one
        for one in problems
        if one.code not in _OPEN or one.span not in spans
    ]
    told.extend(_rings(targets))
    told = list({(one.code, one.message, one.span): one for one in told}.values())  # each language heard the planner
    return _planned(targets, {name for one in told if one.code == "cycle" for name in one.stages}), told


def in_order(targets: Mapping[str, Target]) -> list[Target]:
    """Return ``targets`` dependencies first, else as they came; what is in a cycle, or below one, comes last."""
    seen: set[str] = set()
    for name, target in targets.items():
        if not all(map(seen.issuperset, target.dependencies.values())):
            break
        seen.add(name)
    else:
        return list(targets.values())
    order: list[Target] = []
    state: dict[str, bool] = {}
    for start in targets:
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            name, entered = pending.pop()
            if entered:
                state[name] = True
                order.append(targets[name])
            elif name in targets and name not in state:
                state[name] = False
                pending.append((name, True))
                needed = [one for names in targets[name].dependencies.values() for one in names]
                pending.extend((one, False) for one in reversed(needed) if one not in state)
    return order


class _Names:
    """What the stages of a pipeline can be called by."""

    def __init__(self, found: Mapping[str, Target]) -> None:
        self._found = found
        self._functions: dict[str, list[str]] = {}
        self._senders: dict[str, list[str]] = {}
        for name, target in found.items():
            self._functions.setdefault(target.function, []).append(name)
            for sent in target.sends:
                self._senders.setdefault(sent, []).append(name)

    def of(self, want: Want, asking: Target) -> tuple[Sequence[str], Kind]:
        """Return the stages of other languages that ``want`` means, and what is received of them."""
        own = self._found.get(want.name)
        if own is not None and own.language != asking.language:
            return [want.name], "sent" if own.language == "reactor" else "value"
        named = self._others(self._functions.get(want.name, ()), asking)
        if named:
            mapped = len(named) > 1 or self._found[named[0]].language == "function"
            return named, "values" if mapped else "value"
        if not want.needed:
            return (), "value"
        sending = self._senders.get(want.name) or [
            one for sent, those in self._senders.items() if "*" in sent and fnmatch.fnmatchcase(want.name, sent)
            for one in those
        ]  # fmt: skip
        return self._others(sending, asking), "ingredient"

    def unknown(self, want: Want, asking: Target) -> Problem:
        """Return what to say where there is no such stage."""
        assert want.span is not None
        known = [*self._found, *self._functions, *(one for one in self._senders if "*" not in one)]
        close = difflib.get_close_matches(want.name, [one for one in known if one != asking.name], n=1, cutoff=0.6)
        advice = f"Did you mean {close[0]!r}?" if close else f"Write that stage, or give {want.name!r} a default."
        message = f"No stage is named {want.name!r}, which {asking.function!r} needs. {advice}"
        return Problem("unknown-dependency", message, want.span, stages=(asking.name,))

    def _others(self, names: Sequence[str], asking: Target) -> Sequence[str]:
        return list(dict.fromkeys(one for one in names if self._found[one].language != asking.language))


def _with(target: Target, known: Mapping[str, tuple[Sequence[str], Kind]], found: Mapping[str, Target]) -> Target:
    """Return ``target`` with what stages of other languages are to it."""
    dependencies = {**target.dependencies, **{role: stages for role, (stages, _) in known.items()}}
    lates = {
        role: [late for late in (found[one].late for one in stages) if late is not None]
        for role, (stages, kind) in known.items()
        if kind == "ingredient"
    }
    guesses = any(found[one].guessed and found[one].language == "derivation" for one in dict.fromkeys(_all(known)))
    return _changed(
        target,
        dependencies=dependencies,
        across={role: kind for role, (_, kind) in known.items()},
        senders=lates,
        parameters=[one for one in target.parameters if target.language != "function" or one.name not in known],
        guessed=target.guessed or guesses,
    )


def _all(known: Mapping[str, tuple[Sequence[str], Kind]]) -> Iterator[str]:
    for stages, _ in known.values():
        yield from stages


def _rings(targets: Mapping[str, Target]) -> Iterator[Problem]:
    """Yield a problem for each ring through several languages; those within one were told by that one."""
    needs = {name: [one for those in target.dependencies.values() for one in those] for name, target in targets.items()}
    for group in rings(needs):
        if len({targets[name].language for name in group}) > 1:
            way = " needs ".join(way_around(group, needs))
            message = f"Stages need each other in a ring: {way}. Take one of these dependencies away."
            yield Problem("cycle", message, targets[group[0]].span, stages=tuple(group))


def _planned(targets: Mapping[str, Target], ringed: set[str]) -> dict[str, Target]:
    """Return ``targets`` with plans that hold the references of what they need as it now is."""
    made: dict[str, Target] = {}
    for target in in_order(targets):
        if target.name in ringed:
            made[target.name] = _changed(target, derivation=None, dref=None, broken=True)
        else:
            made[target.name] = _replanned(target, made)
    return {name: made[name] for name in targets}


def _replanned(target: Target, made: Mapping[str, Target]) -> Target:
    old = target.derivation
    if old is None or target.late is not None:
        return target
    if target.alias:
        other = made.get(target.alias)
        return target if other is None else _changed(target, derivation=other.derivation, dref=other.dref)
    drefs: dict[str, list[DRef]] = {}
    for role, names in target.dependencies.items():
        found = [made[name].dref if name in made else None for name in names]
        drefs[role] = [dref for dref in found if dref is not None]
        if len(drefs[role]) < len(found):
            return _changed(target, derivation=None, dref=None)
    if drefs == {role: list(those) for role, those in old.dependencies.items()} and not target.across:
        return target
    configuration = dict(old.configuration)
    if target.language == "derivation":
        new = {
            str(was): str(now)
            for role, those in old.dependencies.items()
            for was, now in zip(those, drefs[role], strict=True)
        }
        configuration = {key: _exchanged(value, new) for key, value in configuration.items()}
    elif target.across:  # what is received is another thing, though it be made of the same tree
        configuration = {key: value for key, value in configuration.items() if key not in target.across}
        configuration.update((role, f"across: {kind}") for role, kind in target.across.items() if kind != "value")
    planned = Derivation(old.name, old.language, configuration, drefs, old.inputs, old.code)
    return _changed(target, derivation=planned, dref=planned.dref)


def _changed(target: Any, **changes: Any) -> Target:
    """Return ``target`` with some fields changed, whatever kind of value it is."""
    changed: Target = target._replace(**changes)
    return changed


def _exchanged(value: Json, new: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        for was, now in new.items():
            value = value.replace(was, now)  # within other text too: a worker puts the real one there
        return value
    if isinstance(value, list):
        return [_exchanged(item, new) for item in value]
    if isinstance(value, dict):
        return {key: _exchanged(item, new) for key, item in value.items()}
    return value
