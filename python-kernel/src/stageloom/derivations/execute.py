"""Running one realizer: the stages are made again from the snapshot, for what a function holds never travels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from stageloom.derivations.build import Build, Chosen, check_promises
from stageloom.derivations.configuration import Config
from stageloom.derivations.instantiate import Instances
from stageloom.derivations.manager import Made
from stageloom.derivations.matching import MatchingError
from stageloom.derivations.neighbours import Neighbours
from stageloom.derivations.plan import instances_of
from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef, RRef
from stageloom.model.values import canonical_text
from stageloom.rpc.messages import MatchJob, RealizeJob
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot


class ChangedError(Exception):
    """The stage that the worker made is not the one that was planned."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What a realizer did: whether it read more than its action key tells, and the folders of several realizations."""

    references: bool
    instances: Sequence[str]


def execute(job: RealizeJob, module: ModuleType, snapshot: Snapshot, code: Code, neighbours: Neighbours) -> Executed:
    """Run the realizer of the stage that ``job`` names, of ``module``, imported from the job's file.

    ``neighbours`` are the stages of other languages. It writes below the job's scratch folder.

    Raises:
        ChangedError: where this worker makes another derivation than the one planned.
        MissingOutputError: for a promise that was not kept.
    """
    instances = _made(job, module, snapshot, code, neighbours)
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
        outer=instances.outer,
    )
    if made.realizer.nouts > 1 and not made.realizer.own_folders:
        build.outpaths = [build.outpath / f"instance-{number}" for number in range(made.realizer.nouts)]
        for folder in build.outpaths:
            folder.mkdir()
    made.realizer.function(build)
    check_promises(build)
    return Executed(build.read_references, [folder.name for folder in build.outpaths])


def match(
    job: MatchJob, module: ModuleType, snapshot: Snapshot, code: Code, neighbours: Neighbours
) -> list[str] | None:
    """Return which realizations the matcher of the stage that ``job`` names chooses; None for a new one.

    Raises:
        ChangedError: where this worker makes another derivation than the one planned.
        MatchingError: where the matcher answers what cannot be.
    """
    made = _planned(job, _made(job, module, snapshot, code, neighbours))
    if made.matcher.choose is None:
        raise MatchingError(f"{job.stage} has no matcher of its own")
    offered = [RRef.parse(text) for text in job.rrefs]
    answer: object = made.matcher.choose(Path(job.store), offered)
    if answer is None:
        return None
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise MatchingError(f"the matcher of {job.stage} must return a list of references, or None, not {answer!r:.60}")
    chosen = list(dict.fromkeys(answer))
    strange = [one for one in chosen if one not in offered]
    if strange:
        raise MatchingError(f"the matcher of {job.stage} chose {strange[0]}, which it was not given")
    if not chosen:
        raise MatchingError(f"the matcher of {job.stage} returned no realization; return None to ask for a new one")
    return [str(one) for one in chosen]


#: What this process has made of the snapshots that it runs: one pipeline has many jobs. A planner looks nothing up
#: here, so that what it made and what a worker makes are compared.
_MADE: WeakKeyDictionary[Code, dict[tuple[str, ...], Instances]] = WeakKeyDictionary()


def _made(
    job: RealizeJob | MatchJob, module: ModuleType, snapshot: Snapshot, code: Code, neighbours: Neighbours
) -> Instances:
    made = _MADE.setdefault(code, {})
    key = (job.path, canonical_text(dict(job.sets)), canonical_text(dict(job.stages)))
    if key not in made:
        made[key] = instances_of(module, job.path, snapshot, code, job.sets, neighbours)
    return made[key]


def _planned(job: RealizeJob | MatchJob, instances: Instances) -> Made:
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
