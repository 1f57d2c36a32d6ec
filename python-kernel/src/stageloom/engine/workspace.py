"""All that can be asked of the engine about one workspace, whoever asks: editor, command line, library."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from stageloom.engine.failures import store_failure
from stageloom.engine.job import named_by_derivations
from stageloom.engine.language import CannotPlanError, Check, Executor, Language, Pipeline, Target, never
from stageloom.engine.last_run import last_run
from stageloom.engine.look import Choice
from stageloom.engine.project import read_pipeline, stages_named
from stageloom.engine.provenance import read_curve, read_log, read_stage
from stageloom.engine.roots import note_roots
from stageloom.engine.run import Run
from stageloom.engine.status import Standing, standings
from stageloom.engine.telling import RunListener, realization_of
from stageloom.engine.why import note_plans, reasons
from stageloom.model.classes import replace
from stageloom.model.references import BadReferenceError, RRef
from stageloom.model.values import Json, canonical_text
from stageloom.rpc.messages import (
    ArtifactFile,
    Artifacts,
    FilePreview,
    Invalidated,
    JobDone,
    JobFailed,
    LastRun,
    Matched,
    MatchJob,
    Outputs,
    Plan,
    PlanJob,
    Planned,
    RealizationFiles,
    Reason,
    RunRecord,
    StageArtifacts,
    StageStatus,
    Undone,
)
from stageloom.rpc.wire import decode
from stageloom.store.errors import StoreError
from stageloom.store.found import Found
from stageloom.store.store import Store, new_run
from stageloom.tracking.reads import path_of
from stageloom.tracking.snapshot import Snapshot

_PREVIEWED_FILES = 24
_PLANS_KEPT = 32
_MATCHES_KEPT = 1000
_CHECK_SECONDS = 0.05


class NoSuchRealizationError(LookupError):
    """A reference, or a file of a tree, that the store does not hold."""


class Workspace:
    """A folder of pipeline files and its store. Safe to use from several threads."""

    def __init__(self, root: Path, store: Store, languages: Sequence[Language], executor: Executor) -> None:
        self.root = root
        self.store = store
        self._languages = languages
        self._executor = executor
        self._lock = threading.Lock()
        self._planning: dict[str, threading.Lock] = {}
        self._unsaid: dict[tuple[str, str], tuple[Pipeline, Mapping[str, Choice]]] = {}
        self._planned: dict[tuple[str, str, str], Planned] = {}
        self._matched: dict[tuple[str, ...], Sequence[str] | None] = {}

    def read(
        self,
        path: str,
        overlays: Mapping[str, str] | None = None,
        sets: Mapping[str, Json] | None = None,
        *,
        may_run: bool = True,
        afresh: bool = False,
        check: Check = never,
    ) -> Pipeline:
        """Return the pipeline at ``path``; a planner runs its file where its source isn't enough, if it ``may_run``.

        What the file does when it runs may depend on more than its source, so what acts on the answer has it run
        ``afresh``. ``check`` is called now and then; what it raises ends the reading, and the planner with it.
        """

        def ask(snapshot: Snapshot, path: str, sets: Mapping[str, Json]) -> Planned:
            return self._ask(snapshot, path, sets, check, afresh=afresh)

        with self._turn(path, check):
            pipeline = read_pipeline(
                self.root, path, self._languages, self.store, overlays, sets, ask if may_run else None
            )
        if not any(target.match == "custom" for target in pipeline.targets.values()):
            return pipeline
        return replace(pipeline, ask=lambda target, rrefs: self._match(pipeline, target, rrefs, check))

    def plan(
        self,
        path: str,
        overlays: Mapping[str, str] | None = None,
        sets: Mapping[str, Json] | None = None,
        *,
        check: Check = never,
    ) -> Plan:
        """Return how the pipeline at ``path`` stands; :meth:`say_roots` says later what that is."""
        pipeline = self.read(path, overlays, sets, check=check)
        standing = standings(self.store, pipeline)
        if not overlays:
            with self._lock:
                self._unsaid[path, canonical_text(dict(pipeline.sets))] = (pipeline, _choices(standing))
        return self._described(pipeline, standing)

    def say_roots(self) -> int:
        """Note what pipelines that were planned stand on, for collections from elsewhere; return how many were new.

        It takes a write to the disk, for which nobody who edits should wait.
        """
        with self._lock:
            unsaid, self._unsaid = list(self._unsaid.values()), {}
        return sum(note_roots(self.store, self.root, *one) for one in unsaid)

    def describe(self, pipeline: Pipeline) -> Plan:
        """Return how ``pipeline`` stands, as it is told to others, and note what it stands on."""
        standing = standings(self.store, pipeline)
        note_roots(self.store, self.root, pipeline, _choices(standing))
        return self._described(pipeline, standing)

    def _described(self, pipeline: Pipeline, standing: Mapping[str, Standing]) -> Plan:
        note_plans(one for name, one in pipeline.targets.items() if standing[name].is_ == "cached")
        return Plan(
            path=pipeline.path,
            snapshot=pipeline.snapshot.id,
            stages=[self._status(pipeline, standing, target) for target in pipeline.targets.values()],
            problems=pipeline.problems,
            files=sorted(pipeline.snapshot.files),
        )

    def why(
        self,
        path: str,
        stage: str,
        overlays: Mapping[str, str] | None = None,
        sets: Mapping[str, Json] | None = None,
        *,
        check: Check = never,
    ) -> tuple[Reason, ...]:
        """Return why ``stage`` isn't cached, with the texts to compare."""
        pipeline = self.read(path, overlays, sets, check=check)
        standing = standings(self.store, pipeline)
        found: list[Reason] = []
        for name in stages_named(pipeline, [stage]):
            found.extend(reasons(self.store, pipeline, standing, name))
        return tuple(found)

    def run(
        self,
        pipeline: Pipeline,
        targets: Sequence[str],
        listener: RunListener,
        run: str = "",
        executor: Executor | None = None,
    ) -> Run:
        """Return a run that realizes ``targets`` of ``pipeline``; it starts with ``execute()``."""
        names = stages_named(pipeline, targets)
        return Run(self.store, pipeline, names, executor or self._executor, listener, run, self._note_roots)

    def invalidate(
        self,
        path: str,
        stages: Sequence[str],
        *,
        dependents: bool = False,
        sets: Mapping[str, Json] | None = None,
        check: Check = never,
    ) -> Invalidated:
        """Hide what now stands for ``stages`` of the pipeline at ``path``, and for what depends on them if asked."""
        pipeline = self.read(path, sets=sets, afresh=True, check=check)
        names = stages_named(pipeline, stages)
        if dependents:
            names = _with_dependents(pipeline, names)
        standing = standings(self.store, pipeline)
        hidden: dict[RRef, None] = {}
        touched: list[str] = []
        for name in names:
            rrefs = self._standing_for(pipeline.targets[name], standing[name])
            hidden.update(dict.fromkeys(rrefs))
            if rrefs:
                touched.append(name)
        return self._hide(hidden, touched)

    def invalidate_realizations(self, rrefs: Sequence[str]) -> Invalidated:
        """Hide single realizations."""
        found = [self.realization(rref) for rref in rrefs]
        return self._hide([one.rref for one in found if one.visible], [one.stage for one in found])

    def undo(self, sequence: int = 0) -> Undone:
        """Undo an invalidation, the last one when ``sequence`` is 0."""
        undone, rrefs = self.store.undo(sequence)
        return Undone(undone, [str(rref) for rref in rrefs])

    def artifacts(self, path: str = "", *, hidden: bool = False) -> Artifacts:
        """List what is cached, by stage, newest first."""
        by_stage: dict[tuple[str, str], list[RealizationFiles]] = {}
        for found in self.store.history(path=path or None, hidden=hidden):
            files = RealizationFiles(realization_of(found), self._files(found))
            by_stage.setdefault((found.path, found.stage), []).append(files)
        stages = [StageArtifacts(path, stage, listed) for (path, stage), listed in sorted(by_stage.items())]
        return Artifacts(stages, sum(found.realization.size for stage in stages for found in stage.realizations))

    def realization(self, rref: str) -> Found:
        """Return the realization that ``rref`` names; raises NoSuchRealizationError."""
        try:
            found = self.store.get(RRef.parse(rref))
        except BadReferenceError as error:
            raise NoSuchRealizationError(str(error)) from None
        if found is None:
            raise NoSuchRealizationError(f"The store has no realization {rref}")
        return found

    def preview(self, rref: str, file: str) -> FilePreview:
        """Return what a file of a realization looks like."""
        from stageloom.artifacts.previews import preview_file

        found = self.realization(rref)
        listed = {one.path: one for one in self._files(found)}
        if file not in listed:
            raise NoSuchRealizationError(f"{rref} has no file {file!r}")
        return preview_file(self.store.tree(found.tree), listed[file])

    def outputs(self, rref: str) -> Outputs:
        """Return all that a realization made, to be shown together."""
        found = self.realization(rref)
        folder = self.store.run_folder(found.run, found.stage)
        previews = [self._shown(found, file) for file in self._files(found)[:_PREVIEWED_FILES]]
        return Outputs(realization_of(found), previews, read_log(folder), read_curve(folder))

    def record(self, run: str, stage: str) -> RunRecord:
        """Return what is kept of a stage in a run; empty where nothing is."""
        folder = self.store.run_folder(run, stage, make=False)
        return RunRecord(read_log(folder), read_curve(folder))

    def locate(self, rref: str, file: str = "") -> Path:
        """Return where a file of a realization is, or its whole tree."""
        found = self.realization(rref)
        if file and file not in {one.path for one in self._files(found)}:
            raise NoSuchRealizationError(f"{rref} has no file {file!r}")
        return self.store.tree(found.tree) / file

    def export(self, rref: str, target: Path, file: str = "") -> Path:
        """Copy a file of a realization, or its whole tree, to ``target``, writable; never over what is there."""
        import shutil

        source = self.locate(rref, file)
        if target.exists() and not (file and target.is_file()):
            raise FileExistsError(f"{target} exists; choose another place")
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copyfile)
            for folder in [target, *(one for one in target.rglob("*") if one.is_dir())]:
                folder.chmod(0o755)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return target

    def _note_roots(self, pipeline: Pipeline, choices: Mapping[str, Choice]) -> None:
        note_roots(self.store, self.root, pipeline, choices)

    @contextmanager
    def _turn(self, path: str, check: Check) -> Iterator[None]:
        """Let one at a time read a file, since the second finds what the first one's planner said."""
        with self._lock:
            turn = self._planning.setdefault(path, threading.Lock())
        while not turn.acquire(timeout=_CHECK_SECONDS):
            check()
        try:
            yield
        finally:
            turn.release()

    def _ask(self, snapshot: Snapshot, path: str, sets: Mapping[str, Json], check: Check, *, afresh: bool) -> Planned:
        key = (snapshot.id, path, canonical_text(dict(sets)))
        if key in self._planned and not afresh:
            return self._planned[key]
        job = PlanJob(f"plan/{new_run(time.time())}", str(self.store.path), str(self.root), snapshot.id, path, sets)
        outcome = self._executor.plan(job, check)
        if isinstance(outcome, JobDone):
            planned: Planned = decode(Planned, outcome.result)
            with self._lock:
                if key not in self._planned and len(self._planned) >= _PLANS_KEPT:
                    del self._planned[next(iter(self._planned))]
                self._planned[key] = planned
            return planned
        if isinstance(outcome, JobFailed):
            raise CannotPlanError(outcome.failure)
        raise RuntimeError("a planner answered that it is stale, which only a worker may")

    def _match(self, pipeline: Pipeline, target: Target, rrefs: Sequence[RRef], check: Check) -> Sequence[RRef] | None:
        """Return what a stage's own matcher chooses; it is asked once about the same realizations."""
        snapshot, told = pipeline.snapshot, [str(rref) for rref in rrefs]
        key = (snapshot.id, target.path, target.name, canonical_text(dict(pipeline.sets)), *told)
        if key not in self._matched:
            job = MatchJob(
                f"match/{new_run(time.time())}", str(self.store.path), str(self.root), snapshot.id, target.path,
                target.name, str(target.dref), told, pipeline.sets, named_by_derivations(pipeline),
            )  # fmt: skip
            outcome = self._executor.plan(job, check)
            if isinstance(outcome, JobFailed):
                raise CannotPlanError(outcome.failure)
            if not isinstance(outcome, JobDone):
                raise RuntimeError("a planner answered that it is stale, which only a worker may")
            answer: Matched = decode(Matched, outcome.result)
            with self._lock:
                if len(self._matched) >= _MATCHES_KEPT:
                    del self._matched[next(iter(self._matched))]
                self._matched[key] = answer.rrefs
        chosen = self._matched[key]
        return None if chosen is None else [RRef.parse(one) for one in chosen]

    def _note(self, target: Target, found: Found | None) -> str:
        """Return what to say of a stage whose code does not count, where it is another than it was made with."""
        if not target.reach or found is None:
            return ""
        code = read_stage(self.store.run_folder(found.run, found.stage)).get("code")
        return "code changed since, not counted here" if code and code != target.reach else ""

    def _status(self, pipeline: Pipeline, standing: Mapping[str, Standing], target: Target) -> StageStatus:
        own = standing[target.name]
        is_, found = own.is_, own.found
        why = reasons(self.store, pipeline, standing, target.name) if is_ in ("stale", "absent") else ()
        seen = found or own.last
        return StageStatus(  # all by position, since there may be 10,000 of them
            target.name,
            target.function,
            target.language,
            target.span,
            is_,
            list(dict.fromkeys(chain.from_iterable(target.dependencies.values()))),
            target.parameters,
            [
                Reason(one.kind, one.summary, one.subject) if (one.before, one.after) != (None, None) else one
                for one in why
            ],
            str(target.dref) if target.dref is not None else None,
            realization_of(found) if found is not None else None,
            target.pool,
            target.guessed,
            target.doc,
            " · ".join(filter(None, (self._note(target, found), _several(own)))) if found is not None else "",
            list(dict.fromkeys(map(path_of, seen.reads))) if seen is not None and seen.reads else (),
            own.last.took if own.last is not None and is_ != "cached" else None,
            self._last_run(own) if own.looked is not None else None,
        )

    def _last_run(self, own: Standing) -> LastRun | None:
        if own.is_ not in ("stale", "absent") or own.looked is None:
            return None
        return last_run(self.store, own.looked.dref, own.looked.context_key)

    def _standing_for(self, target: Target, standing: Standing) -> list[RRef]:
        """Return the visible realizations that would be taken for ``target`` as it now is."""
        found = {standing.found.rref: None} if standing.found is not None else {}
        action = standing.looked.action if standing.looked is not None else None
        for one in self.store.history(path=target.path, stage=target.name):
            if one.dref == target.dref or (action is not None and one.action == action):
                found[one.rref] = None
        return list(found)

    def _hide(self, rrefs: Iterable[RRef], stages: Sequence[str]) -> Invalidated:
        hidden = list(rrefs)
        sequence = self.store.invalidate(hidden) if hidden else 0
        return Invalidated(sequence, [str(rref) for rref in hidden], list(dict.fromkeys(stages)))

    def _files(self, found: Found) -> list[ArtifactFile]:
        from stageloom.artifacts.media import list_files  # on use: how a pipeline stands is asked far more often

        try:
            return list_files(self.store.manifest(found.tree))
        except StoreError:
            return []

    def _shown(self, found: Found, file: ArtifactFile) -> FilePreview:
        from stageloom.artifacts.previews import preview_file

        try:
            return preview_file(self.store.tree(found.tree), file)
        except StoreError as error:
            return FilePreview(file, None, store_failure(error))


def _several(standing: Standing) -> str:
    """Return how many realizations stand for a stage, where it asks for several."""
    choice = standing.looked.choice if standing.is_ == "cached" and standing.looked is not None else None
    return f"{len(choice.rrefs)} realizations" if choice is not None and len(choice.rrefs) > 1 else ""


def _choices(standing: Mapping[str, Standing]) -> Mapping[str, Choice]:
    """Return what stands for stages, and is recorded."""
    looked = ((name, one.looked) for name, one in standing.items())
    return {name: one.choice for name, one in looked if one and one.choice and one.recorded}


def _with_dependents(pipeline: Pipeline, names: Sequence[str]) -> list[str]:
    wanted = set(names)
    for name, target in pipeline.targets.items():
        if any(needed in wanted for group in target.dependencies.values() for needed in group):
            wanted.add(name)
    return [name for name in pipeline.targets if name in wanted]
