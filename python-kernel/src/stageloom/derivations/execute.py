"""Running one realizer: the stages are made again from the snapshot, for what a function holds never travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from stageloom.derivations.build import Build, Chosen, check_promises
from stageloom.derivations.configuration import Config
from stageloom.derivations.instantiate import Instances
from stageloom.derivations.manager import Made
from stageloom.derivations.plan import instances_of
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef, RRef
from stageloom.model.values import canonical_text
from stageloom.rpc.messages import RealizeJob
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot


class ChangedError(Exception):
    """The stage that the worker made is not the one that was planned."""


def execute(job: RealizeJob, module: ModuleType, snapshot: Snapshot, code: Code) -> bool:
    """Run the realizer of the stage that ``job`` names, of ``module``, imported from the job's file.

    It writes below the job's scratch folder. Returns whether it read more than its action key tells
    (``Realized.references``).

    Raises:
        ChangedError: where this worker makes another derivation than the one planned.
        MissingOutputError: for a promise that was not kept.
    """
    instances = _made(job, module, snapshot, code)
    made = _planned(job, instances)
    plans = {one.dref: (one.derivation, one.config) for one in instances.stages.values()}

    def plan_of(dref: DRef) -> tuple[Derivation, Config]:
        return plans[dref]

    build = Build(
        dref=made.dref,
        config=made.config,
        outpath=Path(job.scratch),
        chosen=_chosen(made.derivation, job.trees, job.realizations),
        plans=plan_of,
        store=Path(job.store),
        read_references=made.holds_references,
    )
    made.realizer.function(build)
    check_promises(build)
    return build.read_references


#: What this process has made of the snapshots that it runs: one pipeline has many jobs. A planner looks nothing up
#: here, so that what it made and what a worker makes are compared.
_MADE: WeakKeyDictionary[Code, dict[tuple[str, str], Instances]] = WeakKeyDictionary()


def _made(job: RealizeJob, module: ModuleType, snapshot: Snapshot, code: Code) -> Instances:
    made = _MADE.setdefault(code, {})
    key = (job.path, canonical_text(dict(job.sets)))
    if key not in made:
        made[key] = instances_of(module, job.path, snapshot, code, job.sets)
    return made[key]


def _planned(job: RealizeJob, instances: Instances) -> Made:
    made = instances.stages.get(job.stage)
    if made is not None and str(made.dref) == job.dref:
        return made
    for problem in instances.problems:
        if problem.severity == "error":
            raise ChangedError(f"{job.stage} could not be made again in a worker: {problem.message}")
    if made is None:
        raise ChangedError(f"{job.stage} was planned, and a worker that ran {job.path} did not make it")
    raise ChangedError(
        f"{job.stage} came out otherwise in a worker ({made.dref}) than when it was planned ({job.dref}). "
        "Its configuration must follow from the sources alone: no clock, no random numbers, nothing of the process."
    )


def _chosen(
    derivation: Derivation, trees: Mapping[str, Sequence[str]], realizations: Mapping[str, Sequence[str]]
) -> dict[DRef, list[Chosen]]:
    """Return what was chosen for each dependency, from the folders by role."""
    chosen: dict[DRef, list[Chosen]] = {}
    for role, drefs in derivation.dependencies.items():
        folders = trees.get(role, ())
        rrefs: Sequence[RRef | None] = [RRef.parse(text) for text in realizations.get(role, ())]
        chosen[drefs[0]] = [
            Chosen(rref, Path(folder)) for rref, folder in zip(rrefs or [None] * len(folders), folders, strict=True)
        ]
    return chosen
