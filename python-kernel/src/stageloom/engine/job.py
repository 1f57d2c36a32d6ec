"""One stage at work in a run: what is asked of the worker, and what is stored of its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from stageloom.engine.language import Pipeline, Target
from stageloom.engine.limits import Clock
from stageloom.engine.look import Choice, Looked
from stageloom.engine.provenance import Recorder, machine_facts
from stageloom.engine.telling import Entry
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.values import Json, digest
from stageloom.rpc.messages import Realized, RealizeJob
from stageloom.rpc.wire import encode
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.locks import Lock
from stageloom.store.objects import parse_derivation
from stageloom.store.store import Store


@dataclass(slots=True)
class Job:
    """A stage at work, and what it holds meanwhile."""

    target: Target
    looked: Looked
    scratch: Path
    recorder: Recorder
    lock: Lock
    instance: int = 0
    cancel: Callable[[], None] = field(default=lambda: None)
    clock: Clock = field(default_factory=lambda: Clock(None, lambda: None))


def _seed(job: Job) -> int:
    """Return the seed of a job's random numbers: another one for each of several realizations of one derivation."""
    action = job.looked.action
    return int((digest("instance/1", [action, job.instance]) if job.instance else action)[:8], 16)


def named_by_derivations(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the references of the stages of another language that the derivations of a pipeline name."""
    targets = pipeline.targets
    wanted = {want.name for one in targets.values() if one.language == "derivation" for want in one.wants.values()}
    return {name: str(targets[name].dref) for name in sorted(wanted) if name in targets}


class Jobs:
    """Words the jobs of one run."""

    def __init__(self, run: str, store: Store, pipeline: Pipeline) -> None:
        self._run = run
        self._store = store
        self._pipeline = pipeline
        self._stages = named_by_derivations(pipeline)

    def request(self, job: Job, choices: Mapping[str, Choice]) -> RealizeJob:
        """Return what a worker is asked, given what was chosen for all that the stage depends on."""
        target = job.target
        assert target.derivation is not None
        return RealizeJob(
            job=f"{self.run_of(job.instance)}/{target.name}",
            store=str(self._store.path),
            root=str(self._pipeline.snapshot.root),
            snapshot=self._pipeline.snapshot.id,
            language=target.language,
            path=target.path,
            stage=target.name,
            dref=str(job.looked.dref),
            code=target.derivation.code,
            configuration=target.derivation.configuration,
            trees={
                role: [str(self._store.tree(tree)) for needed in names for tree in choices[needed].trees]
                for role, names in target.dependencies.items()
            },
            scratch=str(job.scratch),
            seed=_seed(job),
            sets=self._pipeline.sets,
            inputs=target.derivation.inputs,
            realizations={
                role: [str(rref) for needed in names for rref in choices[needed].rrefs]
                for role, names in target.dependencies.items()
            },
            across={role: str(kind) for role, kind in target.across.items()},
            stages=self._stages if target.language == "derivation" else {},
        )

    def run_of(self, instance: int) -> str:
        """Return the run's name, as it is told of one of several realizations that are made at once."""
        return f"{self._run}.{instance}" if instance else self._run

    def made(self, job: Job, entry: Entry, realized: Realized) -> list[NewRealization]:
        """Return what the stage made, to be stored: one realization, or several at once."""
        return [self._made(job, entry, realized, instance) for instance in realized.instances or ("",)]

    def _made(self, job: Job, entry: Entry, realized: Realized, instance: str) -> NewRealization:
        below = f"{instance}/" if instance else ""
        return self._new(
            job.target,
            job.looked,
            entry,
            action=self._action(job.looked, realized),
            scratch=job.scratch / instance,
            files=[
                (file.path[len(below) :], file.size, file.sha256)
                for file in realized.files
                if file.path.startswith(below)
            ],
            took=realized.took,
            reads=realized.reads,
            derivation=parse_derivation(realized.derivation) if realized.derivation is not None else None,
            run=self.run_of(job.instance),
        )

    def same(self, target: Target, looked: Looked, entry: Entry) -> NewRealization:
        """Return the realization of a stage for which equal work was found, to be recorded."""
        assert looked.choice is not None
        took = looked.found.took if looked.found is not None else 0.0
        reads = looked.found.reads if looked.found is not None else {}
        tree = looked.choice.trees[0]
        return self._new(target, looked, entry, action=looked.action, tree=tree, took=took, reads=reads)

    def _new(  # what both kinds have in common
        self,
        target: Target,
        looked: Looked,
        entry: Entry,
        *,
        action: str,
        took: float,
        reads: Mapping[str, str],
        derivation: Derivation | None = None,
        scratch: Path | None = None,
        files: list[tuple[str, int, str]] | None = None,
        tree: str | None = None,
        run: str = "",
    ) -> NewRealization:
        assert target.derivation is not None
        return NewRealization(
            derivation=derivation or target.derivation,
            context=looked.context,
            action=action,
            scratch=scratch,
            files=files or [],
            tree=tree,
            reads=reads,
            provenance=Provenance(
                stage=target.name,
                path=target.path,
                run=run or self._run,
                at=entry.started or time.time(),
                took=took,
                more=self.facts(target, entry),
            ),
        )

    def _action(self, looked: Looked, realized: Realized) -> str:
        """Return the key under which equal work finds this; work that read references is found by nothing else."""
        if realized.derivation is not None:
            return digest("late/1", realized.derivation)
        if realized.references:
            return digest("references/1", [looked.dref.hash, looked.context_key])
        return looked.action

    def facts(self, target: Target, entry: Entry) -> dict[str, Json]:
        """Return what is kept of the stage beside its realization, or where it has none."""
        assert target.derivation is not None
        return {
            "stage": target.name,
            "path": target.path,
            "function": target.function,
            "run": self._run,
            "snapshot": self._pipeline.snapshot.id,
            "code": target.reach or target.derivation.code,
            "at": entry.started,
            "took": entry.took,
            "memory": entry.memory,
            "warnings": list(entry.warnings),
            "tries": [encode(failure) for failure in entry.tries],
            **machine_facts(),
        }
