"""Derivations as the engine sees them: what the planner answered, and until then a guess from the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from stageloom.derivations.configuration import names_something
from stageloom.derivations.instantiate import unique
from stageloom.derivations.read import all_functions, read_functions
from stageloom.derivations.source import StageFunction
from stageloom.engine.language import AskPlanner, CannotPlanError, Target
from stageloom.engine.want import Want
from stageloom.model.classes import replace
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef
from stageloom.model.values import Json, from_json
from stageloom.rpc.messages import Failure, Parameter, PlannedStage, Problem, Span
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot

_SHOWN = 80


class Derivations:
    """Pylightnix's way of writing stages. Which there are is known only when the file has run."""

    def speaks(self, snapshot: Snapshot, path: str, wanted: Sequence[Want] = ()) -> bool:
        """Return whether the file imports what derivations are written with, or a stage function that is wanted."""
        return read_functions(snapshot, path).speaks or bool(all_functions(snapshot, path, _places(wanted)))

    def read(
        self,
        snapshot: Snapshot,
        path: str,
        code: Code,
        ask: AskPlanner | None,
        sets: Mapping[str, Json],
        blobs: Blobs,
        wanted: Sequence[Want] = (),
    ) -> tuple[Sequence[Target], Sequence[Problem]]:
        """Return the file's stages as the planner tells them, or as they are guessed where none may run."""
        del code, blobs
        functions = all_functions(snapshot, path, _places(wanted))
        if not functions:
            return (), ()
        if ask is None:
            return _guesses(functions, functions, path, set(), broken=False), ()
        try:
            planned = ask(snapshot, path, sets)
        except CannotPlanError as error:
            problem = _import_problem(error.failure, functions, path)
            return _guesses(functions, functions, path, set(), broken=True), [problem]
        told = [one for one in planned.stages if one.language == "derivation"]
        made = _targets(told, path, sets)
        seen = {one.function for one in made}
        rest = [one for one in functions if one.name not in seen]
        lost = _guesses(rest, functions, path, {one.name for one in made}, broken=True)
        names = {one.function: one.name for one in (*lost, *made)}
        problems = [replace(one, stages=[names.get(stage, stage) for stage in one.stages]) for one in planned.problems]
        return [*made, *lost], problems


def _places(wanted: Sequence[Want]) -> list[tuple[str, str]]:
    return [(want.name, want.span.path) for want in wanted if want.span is not None]


def _targets(told: Sequence[PlannedStage], path: str, sets: Mapping[str, Json]) -> list[Target]:
    derivations = {one.name: _derivation(one.derivation) for one in told}
    drefs = {name: one.dref for name, one in derivations.items()}
    nowhere = Span(path, 0, 0, 0, 0)
    return [
        Target(
            name=one.name,
            function=one.function,
            language="derivation",
            path=path,
            span=one.span or nowhere,
            derivation=derivations[one.name],
            dref=drefs[one.name],
            dependencies={role: names for role, names in one.dependencies.items() if set(names) <= drefs.keys()},
            wants={role: Want(names[0]) for role, names in one.dependencies.items() if not set(names) <= drefs.keys()},
            parameters=() if one.alias else _parameters(one, derivations[one.name].configuration, sets),
            pool=one.pool,
            doc=one.doc,
            match=one.match,
            alias=one.alias,
            count=one.count,
            outputs=one.outputs,
            reach=one.reach,
        )
        for one in told
    ]


def _derivation(told: Json) -> Derivation:
    """Return the derivation that a planner told."""
    assert isinstance(told, dict)
    name, configuration, code, roles = told["name"], told["configuration"], told["code"], told["dependencies"]
    assert isinstance(name, str)
    assert isinstance(code, str)
    assert isinstance(configuration, dict)
    assert isinstance(roles, dict)
    dependencies = {
        role: tuple(DRef.parse(str(text)) for text in texts) for role, texts in roles.items() if isinstance(texts, list)
    }
    return Derivation(name, "derivation", configuration, dependencies, {}, code)


def _parameters(stage: PlannedStage, configuration: Mapping[str, Json], sets: Mapping[str, Json]) -> list[Parameter]:
    by = {stage.name, stage.function, str(configuration.get("name", ""))}
    given = {key for key in configuration for name in by if _is_set(f"{name}.{key}", sets)}
    return [_parameter(key, value, given) for key, value in configuration.items() if _is_parameter(key, value)]


def _is_set(key: str, sets: Mapping[str, Json]) -> bool:
    return any(one == key or one.startswith(f"{key}.") for one in sets)


def _is_parameter(key: str, value: Json) -> bool:
    return key != "name" and not key.startswith("__") and not names_something(value)


def _parameter(key: str, value: Json, given: set[str]) -> Parameter:
    text = repr(from_json(value))
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return Parameter(key, value, shown, "set" if key in given else "default")


def _guesses(
    wanted: Sequence[StageFunction],
    functions: Sequence[StageFunction],
    path: str,
    taken: AbstractSet[str],
    *,
    broken: bool,
) -> list[Target]:
    """Return targets for the ``wanted`` among ``functions``, by names that are not ``taken``."""
    names: dict[str, str] = {}
    for one in wanted:
        names[one.name] = unique(one.stage, {*taken, *names.values()})
    known = {**{one.name: one.stage for one in functions if one.stage in taken}, **names}
    return [_guess(one, known, path, broken=broken) for one in wanted]


def _guess(function: StageFunction, names: Mapping[str, str], path: str, *, broken: bool) -> Target:
    return Target(
        name=names[function.name],
        function=function.name,
        language="derivation",
        path=path,
        span=function.span,
        derivation=None,
        dref=None,
        dependencies={role: [names[one] for one in needed if one in names] for role, needed in function.needs.items()},
        parameters=[_parameter(key, value, set()) for key, value in function.configuration.items()],
        doc=function.doc,
        guessed=True,
        broken=broken,
        alias=names.get(function.alias, ""),
        wants={one: Want(one) for one in function.uses},
    )


def _import_problem(failure: Failure, functions: Sequence[StageFunction], path: str) -> Problem:
    """Return the planner's failure as a problem at the line of this file that it came through."""
    line = next((frame.line for frame in reversed(failure.frames) if frame.path.endswith(path)), None)
    span = functions[0].span if line is None else Span(path, line, 0, line + 1, 0)
    message = ". ".join(one.rstrip(".") for one in (failure.message, failure.advice) if one)
    return Problem("import-failed", f"{path} could not be run to learn its stages: {message}", span)
