"""Calling a file's stage functions, to learn which derivations they make."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Literal

from stageloom.derivations.configuration import ConfigError
from stageloom.derivations.manager import Made, Manager, Surroundings, parsed
from stageloom.derivations.neighbours import Neighbours
from stageloom.derivations.source import StageFunction
from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef
from stageloom.model.values import Json
from stageloom.rpc.messages import Problem

_PACKAGE = str(Path(__file__).parents[1])


@dataclass(slots=True)
class Instances:
    """What a file's stage functions made.

    ``stages`` maps the name of each derivation to it, dependencies first; ``aliases`` maps a stage function that made
    nothing of its own to the name of the stage whose DRef it returned. ``outer`` are the references of stages of other
    languages, with their names.
    """

    stages: dict[str, Made] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    outer: dict[DRef, str] = field(default_factory=dict)


#: Returns the function itself; None where its file has none of its name once it is imported.
Find = Callable[[StageFunction], "Callable[..., object] | None"]


def instantiate(
    find: Find,
    functions: Sequence[StageFunction],
    surroundings: Surroundings,
    sets: Mapping[str, Json],
    neighbours: Neighbours,
) -> Instances:
    """Call every entry of ``functions`` and return what they made, with ``sets`` in place.

    What a stage function raises becomes a problem of its own; the others are called all the same.
    """
    names: tuple[str, ...] = ()
    if any("[" in key for key in sets):  # a name with a number is known only after all were made once
        manager, _, _ = _call(find, functions, Manager(surroundings, {}, (), neighbours=neighbours))
        by_key = _names(manager)
        names = tuple(by_key[key] for key in manager.order)
    manager, returned, problems = _call(find, functions, Manager(surroundings, sets, names, neighbours=neighbours))
    by_key = _names(manager, names)
    made_by = {made.function.name for made in manager.every.values() if made.function is not None}
    instances = Instances({by_key[key]: made for key, made in manager.every.items()}, {}, problems, manager.outer)
    failed = {name for problem in problems for name in problem.stages}
    for function in functions:
        if function.name in made_by or function.name in failed:
            continue
        made = returned.get(function.name) or manager.by_function.get(function.name)
        if made is not None:
            instances.aliases[function.name] = by_key[made.key]
        elif not function.entry and not failed:  # else nobody knows whether it would have been called
            instances.problems.append(_never_called(function))
    return instances


def _call(
    find: Find, functions: Sequence[StageFunction], manager: Manager
) -> tuple[Manager, dict[str, Made], list[Problem]]:
    returned: dict[str, Made] = {}
    problems: list[Problem] = []
    for function in functions:
        if not function.entry:
            continue
        called = find(function)
        if called is None:
            continue
        try:
            result = called(**{function.registry: manager}) if function.registry else called(manager)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is user code: whatever it raises is told
            problems.append(_problem(function, error, manager.surroundings))
            continue
        made = (
            manager.made.get(parsed(result)) if isinstance(result, (str, DRef)) and str(result)[:5] == "dref:" else None
        )
        if made is not None:
            returned[function.name] = made
        else:
            message = f"{function.name} must return the DRef that mkdrv returned, not {result!r:.60}"
            problems.append(Problem("bad-declaration", message, function.span, stages=[function.name]))
    return manager, returned, problems


def _names(manager: Manager, given: Sequence[str] = ()) -> dict[str, str]:
    """Return a name for each derivation, unique among them; those ``given`` are in the order of making."""
    if given and len(given) == len(manager.order):
        named: dict[str, str] = {}
        for key, name in zip(manager.order, given, strict=True):
            named.setdefault(key, name)
        return named
    taken: dict[str, str] = {}
    counts: dict[str, int] = {}
    for key, made in manager.every.items():
        base = name = made.derivation.name
        while name in taken:
            counts[base] = counts.get(base, 1) + 1
            name = f"{base}[{counts[base]}]"
        taken[name] = key
    return {key: name for name, key in taken.items()}


def unique(name: str, taken: Container[str]) -> str:
    """Return ``name``, or ``name[2]`` and so on where it is ``taken``."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}[{count}]"
    return found


def _problem(entry: StageFunction, error: BaseException, surroundings: Surroundings) -> Problem:
    """Return what was raised as a problem of the innermost stage function that it came through."""
    function, line = entry, 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        function = surroundings.stage_function(frame) or function
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            line = number
    code: Literal["bad-parameter", "bad-declaration"] = "bad-declaration"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, ConfigError):
        code, said = "bad-parameter", str(error)
    message = f"{function.name}, line {line}: {said}"
    return Problem(code, message, function.span, stages=list(dict.fromkeys([function.name, entry.name])))


def _never_called(function: StageFunction) -> Problem:
    message = (
        f"{function.name} needs other stages and nothing passes them: write a function of the manager alone that calls "
        f"it, such as `def stage_all(m): return {function.name}(m, …)`"
    )
    return Problem("bad-declaration", message, function.span, severity="warning", stages=[function.name])
