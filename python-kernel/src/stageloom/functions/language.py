"""Function stages as the engine sees them: declarations turned into derivations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from stageloom.engine.language import AskPlanner, CannotPlanError, Target
from stageloom.engine.want import Want
from stageloom.functions.declaration import Declaration, Declarations, ParameterDeclaration
from stageloom.functions.inputs import NoInputError, env_hashes, input_hashes
from stageloom.functions.source import read as read_source
from stageloom.functions.wants import wants_of
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef
from stageloom.model.values import Json, from_json
from stageloom.rpc.messages import Parameter, PlannedStage, Problem
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot


class Functions:
    """The way of writing stages that is shown first; see design: a parameter that names a stage is a dependency."""

    def speaks(self, snapshot: Snapshot, path: str, wanted: Sequence[Want] = ()) -> bool:
        """Return whether the file can hold function stages: any can."""
        del snapshot, path, wanted
        return True

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
        """Return the file's function stages and its problems; a planner is asked only where the source isn't enough."""
        del wanted  # stages of other files belong to the pipeline by being imported
        declared = read_source(snapshot, path, blobs, code.cache)
        problems = list(declared.problems)
        told: Mapping[str, PlannedStage] = {}
        asked = False
        if declared.needs_planner and ask is not None and not _file_is_broken(declared):
            try:
                planned = ask(snapshot, path, {})
                told = {stage.name: stage for stage in planned.stages}
                problems.extend(planned.problems)
                asked = True
            except CannotPlanError as error:
                problems.append(_import_problem(error, declared))
        before = _latest.pop((str(snapshot.root), path), _NOTHING)
        reader = _Reader(snapshot, code, sets, declared, told, problems, before, asked=asked)
        targets = reader.targets()
        while len(_latest) >= _MOST_LATEST:
            _latest.pop(next(iter(_latest)), None)
        _latest[str(snapshot.root), path] = reader.plain()
        return targets, [*problems, *reader.problems]


class _Latest(NamedTuple):
    """What a file declared, in its order, and the target made of each."""

    names: Sequence[str]
    made: Mapping[str, tuple[Declaration, Target] | None]


_NOTHING = _Latest((), {})
#: Where the span stands in a target; derivation and reference come next.
_AT = Target._fields.index("span")

#: This process's, by root and path: with every key in an editor most stages are declared as they were.
_latest: dict[tuple[str, str], _Latest] = {}
_MOST_LATEST = 4


class _Reader:
    """Makes targets, dependencies first, whatever order the file has them in."""

    def __init__(
        self,
        snapshot: Snapshot,
        code: Code,
        sets: Mapping[str, Json],
        declared: Declarations,
        told: Mapping[str, PlannedStage],
        problems: Sequence[Problem],
        before: _Latest,
        *,
        asked: bool,
    ) -> None:
        self.problems: list[Problem] = []
        self._snapshot = snapshot
        self._code = code
        self._sets = sets
        self._declared = {stage.name: stage for stage in declared.stages}
        self._told = told
        self._asked = asked
        # a name that no function has may be that of another language's stage: linking tells
        wrong = [one for one in problems if one.severity == "error" and one.code != "unknown-dependency"]
        open_ = {want.span for stage in declared.stages for want in wants_of(stage).values()} if wrong else set()
        self._broken = {name for problem in wrong if problem.span not in open_ for name in problem.stages}
        self._file_broken = _file_is_broken(declared)
        self._made: dict[str, Target] = {}
        self._plain = not (sets or told or asked or self._file_broken)
        self._before = before.made if self._plain and before.names == list(self._declared) else {}

    def targets(self) -> list[Target]:
        """Return a target for each declaration."""
        for name, stage in self._declared.items():
            if name in self._made:
                continue
            target = self._again(stage)
            if target is not None:
                self._made[name] = target
            else:
                self._make(name)
        return list(self._made.values())

    def plain(self) -> _Latest:
        """Return the targets that their declaration, their code and what they depend on alone made what they are."""
        if not self._plain:
            return _NOTHING
        result: dict[str, tuple[Declaration, Target] | None] = {}
        for name, target in self._made.items():
            stage, known = self._declared[name], self._before.get(name)
            if target.derivation is None or stage.guessed or target.wants:
                result[name] = None
            elif known is not None and stage.says_as(known[0]):
                result[name] = known if known[0] is stage and known[1] is target else (stage, target)
            else:
                alone = all(one.role != "input" and one.static for one in stage.parameters)
                result[name] = (stage, target) if alone else None
        return _Latest(list(self._declared), result)

    def _again(self, stage: Declaration) -> Target | None:
        """Return the target of a stage that is declared as it was; None where it must be made anew, or not yet."""
        known = self._before.get(stage.name)
        if known is None or stage.name in self._broken or not stage.says_as(known[0]):
            return None
        target, made = known[1], self._made
        old = target.derivation
        if old is None:
            return None
        drefs: dict[str, Sequence[DRef]] = {}
        for role, names in target.dependencies.items():
            found = drefs[role] = [one.dref for one in map(made.get, names) if one is not None and one.dref is not None]
            if len(found) < len(names):
                return None
        code = self._code.fingerprint(stage.path, stage.function).digest
        span = target.span if stage is known[0] else stage.span
        if old.code == code and old.dependencies == drefs:
            return target if stage is known[0] else target._replace(span=span)
        derivation = Derivation(old.name, old.language, old.configuration, drefs, old.inputs, code)
        return Target._make((*target[:_AT], span, derivation, derivation.dref, *target[_AT + 3 :]))

    def _make(self, start: str) -> None:
        """Make ``start`` and what it depends on, without recursion: a chain may be 10,000 long."""
        pending = [(start, False)]
        entered: set[str] = set()
        while pending:
            name, ready = pending.pop()
            if name in self._made or name not in self._declared:
                continue
            if ready:
                stage = self._declared[name]
                self._made[name] = self._again(stage) or self._target(stage)
            elif name not in entered:
                entered.add(name)
                pending.append((name, True))
                for stages in self._declared[name].dependencies.values():
                    pending.extend((stage, False) for stage in stages if stage not in entered)

    def _target(self, stage: Declaration) -> Target:
        broken = self._file_broken or stage.name in self._broken
        dependencies: dict[str, Sequence[str]] = {
            role: [name for name in names if name in self._declared] for role, names in stage.dependencies.items()
        }
        told = [self._parameter(stage, one) for one in stage.parameters]
        parameters = [one for one in told if one is not None]
        derivation = None
        if not broken and self._known(stage):
            derivation = self._derivation(stage, parameters, dependencies)
            broken = derivation is None and not any(self._made[n].derivation is None for n in _names(dependencies))
        return Target(
            name=stage.name,
            function=stage.function,
            language="function",
            path=stage.path,
            span=stage.span,
            derivation=derivation,
            dref=derivation.known_dref if derivation is not None else None,
            dependencies=dependencies,
            parameters=parameters,
            pool=stage.pool,
            retries=stage.retries,
            timeout=stage.timeout,
            doc=stage.doc,
            guessed=stage.guessed and not self._asked,
            broken=broken,
            match=stage.matching[0],
            count=stage.matching[1],
            wants=wants_of(stage),
        )

    def _known(self, stage: Declaration) -> bool:
        return stage.static or stage.name in self._told

    def _parameter(self, stage: Declaration, one: ParameterDeclaration) -> Parameter | None:
        if one.role not in ("configuration", "input"):
            return None
        for key in stage.keys_of(one):
            if key in self._sets:
                value = self._sets[key]
                return Parameter(one.name, value, _text(value), "set")
        if not one.static and stage.name in self._told:
            value = self._told[stage.name].configuration.get(one.name)
            return Parameter(one.name, value, _text(value), "default")
        source: Literal["default", "bind", "input"] = "bind" if one.source in ("bind", "each") else "default"
        text = one.text or _text(one.value)
        return Parameter(one.name, one.value, text, "input" if one.role == "input" else source)

    def _derivation(
        self, stage: Declaration, parameters: Sequence[Parameter], dependencies: Mapping[str, Sequence[str]]
    ) -> Derivation | None:
        drefs: dict[str, list[DRef]] = {}
        for role, names in dependencies.items():
            found = [self._made[name].dref if name in self._made else None for name in names]
            known = [dref for dref in found if dref is not None]
            if len(known) < len(found):
                return None
            drefs[role] = known
        by_name = {one.name: one for one in stage.parameters}
        # a list of one value is not that value, though it is made of the same tree
        configuration: dict[str, Json] = {
            role: "in a list" for role, one in drefs.items() if len(one) == 1 and by_name[role].many
        }
        inputs: dict[str, str] = {}
        evidence = self._code.evidence
        for parameter in parameters:
            declared = by_name[parameter.name]
            if declared.auxiliary:
                continue
            configuration[parameter.name] = parameter.value
            if declared.role == "input":
                try:
                    if declared.kind == "env":
                        # a value that is set by hand is a parameter like any other
                        hashes = {} if parameter.source == "set" else env_hashes(parameter.value)
                        for name, sha256 in hashes.items():
                            evidence.variable(name, sha256)
                        inputs.update(hashes)
                        continue
                    root = Path(self._snapshot.root)
                    inputs.update(input_hashes(root, stage.path, parameter.value, declared.kind, evidence))
                except NoInputError as error:
                    self.problems.append(Problem("bad-parameter", str(error), declared.span, stages=[stage.name]))
                    return None
        fingerprint = self._code.fingerprint(stage.path, stage.function)
        return Derivation(stage.name, "function", configuration, drefs, inputs, fingerprint.digest)


def _names(dependencies: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for names in dependencies.values() for name in names]


def _text(value: Json) -> str:
    text = repr(from_json(value))
    return text if len(text) <= 80 else text[:79] + "…"


def _file_is_broken(declared: Declarations) -> bool:
    return any(problem.severity == "error" and not problem.stages for problem in declared.problems)


def _import_problem(error: CannotPlanError, declared: Declarations) -> Problem:
    """Return the planner's failure as a problem at the first stage that needs it."""
    first = next(stage for stage in declared.stages if stage.name in declared.needs_planner)
    message = f"The file could not be run to learn the parameters of {', '.join(declared.needs_planner)}: {error}"
    if error.failure.advice:
        message += f". {error.failure.advice}"
    return Problem("import-failed", message, first.span, stages=list(declared.needs_planner))
