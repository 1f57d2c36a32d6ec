"""A pipeline file and what it imports, read into targets in one immutable snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stageloom.engine.language import AskPlanner, Language, Pipeline, Target
from stageloom.engine.linking import in_order, linked, refused
from stageloom.engine.staged import StagedBlobs
from stageloom.engine.want import Want
from stageloom.model.values import Json
from stageloom.rpc.messages import Planned, Problem
from stageloom.store.store import Store
from stageloom.tracking.evidence import Evidence
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot, take


class UnknownParameterError(ValueError):
    """A parameter was set that no stage has."""


class UnknownStageError(ValueError):
    """A stage was named that the pipeline does not have."""


def read_pipeline(
    root: Path,
    path: str,
    languages: Sequence[Language],
    store: Store,
    overlays: Mapping[str, str] | None = None,
    sets: Mapping[str, Json] | None = None,
    ask: AskPlanner | None = None,
) -> Pipeline:
    """Return the pipeline in the file at ``path`` below ``root``.

    Raises:
        UnknownParameterError: for a key of ``sets`` that is no ``stage.parameter`` of it.
        FileNotFoundError: where there is no such file.
    """
    given = sets or {}
    blobs = StagedBlobs(store)
    evidence = Evidence()
    if overlays:
        evidence.doubt("unsaved texts")
    snapshot = take(root, path, overlays or {}, blobs, evidence=evidence)
    code = Code(snapshot, blobs, store.cache, write=not overlays, evidence=evidence)
    blobs.keep_too(code.cache.settle)
    found: dict[str, Target] = {}
    problems: list[Problem] = []
    wanted: list[Want] = []
    for language in languages:
        if language.speaks(snapshot, path, wanted):
            asking = _keeping(ask, blobs, evidence) if ask is not None else None
            targets, wrong = language.read(snapshot, path, code, asking, given, blobs, wanted)
            problems.extend(wrong)
            problems.extend(refused(found, targets) if found else ())
            mine = {target.name: target for target in targets}
            found = {**found, **{name: one for name, one in mine.items() if name not in found}} if found else mine
            wanted.extend(want for target in targets if target.wants for want in target.wants.values())
    if len({target.language for target in found.values()}) > 1 or wanted:
        found, problems = linked(found, problems)
    targets_in_order = {target.name: target for target in in_order(found)}
    pipeline = Pipeline(path, snapshot, code, targets_in_order, problems, blobs, given, evidence)
    if given:
        _check_sets(pipeline, given)
    return pipeline


def _keeping(ask: AskPlanner, blobs: StagedBlobs, evidence: Evidence) -> AskPlanner:
    """Return ``ask`` as one that writes the snapshot to the store first, where the planner finds it."""

    def asking(snapshot: Snapshot, path: str, sets: Mapping[str, Json]) -> Planned:
        evidence.doubt("the file was run, which may look at anything")
        blobs.keep(snapshot)
        return ask(snapshot, path, sets)

    return asking


def stages_named(pipeline: Pipeline, names: Sequence[str]) -> list[str]:
    """Return the targets that ``names`` stand for, all when empty: a target's own name, or its function's.

    Raises:
        UnknownStageError: naming the closest stage there is.
    """
    if not names:
        return list(pipeline.targets)
    result: dict[str, None] = {}
    for name in names:
        if name in pipeline.targets:
            result[name] = None
            continue
        instances = [target.name for target in pipeline.targets.values() if target.function == name]
        if not instances:
            raise UnknownStageError(f"{pipeline.path} has no stage {name!r}{closest(name, pipeline.targets)}")
        result.update(dict.fromkeys(instances))
    return list(result)


def blocking_problems(pipeline: Pipeline, stages: Sequence[str]) -> list[Problem]:
    """Return the problems that keep ``stages`` from running: theirs, and those of the whole file."""
    wanted = set(stages)
    return [
        problem
        for problem in pipeline.problems
        if problem.severity == "error" and (not problem.stages or wanted.intersection(problem.stages))
    ]


def closest(name: str, known: Mapping[str, object]) -> str:
    """Return what to say of the names there are, after one that there is not."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has {', '.join(known)}" if known and len(known) <= 12 else ""


def _check_sets(pipeline: Pipeline, sets: Mapping[str, Json]) -> None:
    known: dict[str, Json] = {}
    for target in pipeline.targets.values():
        known.update(
            (f"{name}.{one.name}", one.value) for one in target.parameters for name in (target.name, target.function)
        )
    for key in sets:
        if not _has(known, key) and any(not one.guessed or one.parameters for one in pipeline.targets.values()):
            raise UnknownParameterError(f"{pipeline.path} has no parameter {key!r}{closest(key, known)}")


def _has(known: Mapping[str, Json], key: str) -> bool:
    """Return whether ``key`` is a parameter, or leads into one that holds names: ``stage.parameter.name``."""
    if key in known:
        return True
    head, dot, tail = key.rpartition(".")
    inside: list[str] = []
    while dot:
        inside.insert(0, tail)
        if head in known:
            return _leads(known[head], inside)
        head, dot, tail = head.rpartition(".")
    return False


def _leads(value: Json, names: Sequence[str]) -> bool:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
