"""Running one function stage from a snapshot, and what a planner answers of a file's functions."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from stageloom.artifacts.errors import MissingFileError
from stageloom.artifacts.values import CodeOf, given, no_code, save
from stageloom.functions.declaration import Declaration, Declarations, ParameterDeclaration
from stageloom.functions.declare import Stage, given_input, unwrap
from stageloom.functions.inputs import env_value
from stageloom.functions.places import Input, Out
from stageloom.functions.unchanged import ChangedInputError, Inputs
from stageloom.model.references import RRef
from stageloom.model.values import Json, NotSerialisableError, from_json, to_json
from stageloom.rpc.messages import MatchJob, Planned, PlannedStage, Problem, RealizeJob
from stageloom.store.layout import Layout
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.reads import VARIABLE, text_hash

#: Returns what a reactor sent, or the ingredient of a name, given the folders of the runs that may have sent it.
Receive = Callable[[Sequence[Path], "str | None"], object]

#: Imports a file of the project by its path.
Load = Callable[[str], ModuleType]


class ChangedError(Exception):
    """The stage that the worker finds is not the one that was planned."""


def execute(
    job: RealizeJob, declared: Declarations, code: Code, load: Load, receive: Receive, code_of: CodeOf = no_code
) -> tuple[str, ...]:
    """Run the stage that ``job`` names and write what it made below the job's scratch folder.

    ``code_of`` tells the code of the project's classes and functions, by which what refers to them is stored;
    ``receive`` reads what reactors sent. Returns sentences to show.

    Raises:
        ChangedError: where the code, once loaded, is not what was planned.
        ChangedInputError: where an input file is not what was planned, or does not stay so.
        MissingFileError: when the stage has a folder for files, and neither wrote into it nor returned anything.
        UnstorableError: for a return value that cannot be written.
    """
    stage = declared.named(job.stage)
    if stage is None:
        raise ChangedError(f"{job.stage} was planned, and {job.path} does not declare it")
    function = find(stage, load).function
    fingerprint = code.fingerprint(stage.path, stage.function).digest
    if fingerprint != job.code:
        raise ChangedError(f"the code of {job.stage} is not what was planned ({fingerprint}, not {job.code})")
    inputs = _inputs(stage, job)
    inputs.check("after the plan was made")
    arguments = {one.name: _argument(one, stage, function, job, receive) for one in stage.parameters}
    value = _call(function, arguments)
    inputs.check(f"while {job.stage} ran")
    scratch = Path(job.scratch)
    wrote = any(scratch.iterdir())
    if value is None and not wrote and any(one.role == "out" for one in stage.parameters):
        raise MissingFileError(
            f"{job.stage} has a folder for files, and neither wrote into it nor returned anything",
            f'Write into it (out / "name"), return a value, or take the parameter out of {stage.function}.',
        )
    return save(value.path if isinstance(value, Out) else value, scratch, code_of)


def _call(function: Callable[..., Any], arguments: Mapping[str, object]) -> Any:
    """Call ``function``, positional-only parameters included."""
    bound = inspect.signature(function).bind_partial()
    bound.arguments.update({name: arguments[name] for name in bound.signature.parameters if name in arguments})
    result = function(*bound.args, **bound.kwargs)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def find(stage: Declaration, load: Load) -> Stage[..., Any]:
    """Return the stage object behind a declaration; raises ChangedError."""
    found = getattr(load(stage.path), stage.function, None)
    if not isinstance(found, Stage):
        raise ChangedError(f"{stage.function} in {stage.path} is a {type(found).__name__} once imported, not a stage")
    return found


def _argument(
    one: ParameterDeclaration, stage: Declaration, function: Callable[..., Any], job: RealizeJob, receive: Receive
) -> object:
    if one.role == "out":
        return Out(job.scratch)
    if one.role == "dependency" or one.name in job.across:
        kind = job.across.get(one.name, "")
        if kind in ("sent", "ingredient"):
            folders = [Path(tree) for tree in job.trees.get(one.name, ())]
            return receive(folders, one.name if kind == "ingredient" else None)
        values = [given(Path(tree)) for tree in job.trees.get(one.name, ())]
        if not values:
            raise ChangedError(f"{job.stage} needs {one.name}, and was planned without it")
        return values if one.many or kind == "values" or len(values) > 1 else values[0]
    counts = one.name in job.configuration
    value = job.configuration[one.name] if counts else _uncounted(one, stage, function, job)
    if one.kind == "env":
        return from_json(value) if any(key in job.sets for key in stage.keys_of(one)) else _variable(value, job)
    if one.role == "input":
        return given_input(Input(str(value), one.kind or "file"), Path(job.root), stage.path)
    return from_json(value)


def _variable(value: Json, job: RealizeJob) -> str:
    name, text = env_value(value)
    if job.inputs.get(VARIABLE + name, text_hash(text)) != text_hash(text):
        raise ChangedInputError(f"The environment variable {name} is not what it was when the plan was made")
    return text


def match(job: MatchJob, declared: Declarations, load: Load) -> list[str]:
    """Return which realizations the ``match=`` of the stage that ``job`` names chooses.

    Raises:
        ChangedError: where the stage has none any more.
        MatchingError: where a value does not answer to its key.
    """
    stage = declared.named(job.stage)
    chosen = find(stage, load).match if stage is not None else None
    if chosen is None:
        raise ChangedError(f"{job.stage} was planned with a match=, and has none")
    layout = Layout(job.store)
    trees = {rref: _tree(layout, RRef.parse(rref)) for rref in job.rrefs}
    return chosen.choose({rref: given(tree) for rref, tree in trees.items()})


def _tree(layout: Layout, rref: RRef) -> Path:
    return Path(layout.tree(json.loads(Path(layout.record(rref)).read_text("utf-8"))["tree"]))


def _inputs(stage: Declaration, job: RealizeJob) -> Inputs:
    """Return the inputs that count."""
    patterns = [
        (str(job.configuration[one.name]), one.kind or "file")
        for one in stage.parameters
        if one.role == "input" and one.kind != "env" and one.name in job.configuration
    ]
    files = {name: state for name, state in job.inputs.items() if not name.startswith(VARIABLE)}
    return Inputs(Path(job.root), stage.path, patterns, files)


def _uncounted(one: ParameterDeclaration, stage: Declaration, function: Callable[..., Any], job: RealizeJob) -> Json:
    for key in stage.keys_of(one):
        if key in job.sets:
            return job.sets[key]
    if one.static:
        return one.value
    default = unwrap(inspect.signature(function).parameters[one.name].default)
    return default.told if isinstance(default, Input) else to_json(default, one.name)


def _instead(error: NotSerialisableError | ChangedError) -> str:
    kind = error.type_name if isinstance(error, NotSerialisableError) else ""
    if kind in ("date", "datetime", "time", "timedelta", "Decimal") or kind.endswith("Path"):
        return "Give it as text, and make the value in the stage."
    if kind in ("ndarray", "DataFrame", "Series", "Tensor"):
        return "Make it in a stage of its own, and name that stage as a parameter."
    return "Give it a plain value."


def plan(declared: Declarations, load: Load, others: Container[str] = ()) -> Planned:
    """Return a file's function stages with the values that only running it can tell.

    ``others`` are the names of stages of other languages: what is bound to one has no value.
    """
    stages, problems = [], []
    for stage in declared.stages:
        configuration: dict[str, Json] = {}
        try:
            for one in stage.parameters:
                if one.role in ("configuration", "input") and not (one.source == "bind" and one.text in others):
                    configuration[one.name] = one.value if one.static else _value(one, stage, load)
        except (NotSerialisableError, ChangedError) as error:
            problems.append(Problem("bad-parameter", f"{error}. {_instead(error)}", stage.span, stages=[stage.name]))
            continue
        if stage.guessed and not stage.bound and _is_mapped(stage, load):
            message = f"The values of each= of {stage.name!r} must be written in the file, where they can be read."
            problems.append(Problem("bad-declaration", message, stage.span, stages=[stage.name]))
            continue
        dependencies: dict[str, Sequence[str]] = {role: list(names) for role, names in stage.dependencies.items()}
        stages.append(
            PlannedStage(
                stage.name,
                stage.function,
                "function",
                configuration=configuration,
                dependencies=dependencies,
                span=stage.span,
                doc=stage.doc,
                pool=stage.pool,
            )
        )
    return Planned(stages, problems)


def _value(one: ParameterDeclaration, stage: Declaration, load: Load) -> Json:
    """Return a parameter's value as the imported file has it."""
    found: object = getattr(load(stage.written or stage.path), stage.name, None) if stage.bound else find(stage, load)
    if not isinstance(found, Stage):
        raise ChangedError(f"{stage.name} is a {type(found).__name__} once imported, not a stage")
    try:
        value = unwrap(found.value(one.name))
    except KeyError:
        raise ChangedError(f"{one.name} of {stage.name} has no value once imported") from None
    return value.told if isinstance(value, Input) else to_json(value, f"{one.name} of {stage.name}")


def _is_mapped(stage: Declaration, load: Load) -> bool:
    return not stage.each and find(stage, load).each is not None


def folder_of(root: str, path: str) -> str:
    """Return the folder that a file of the project lies in, which is where its stages run."""
    return os.path.dirname(os.path.join(root, *path.split("/")))
