"""One job, in this process: import what it needs from its snapshot, run it, and say what came of it.

Nothing here knows of a connection, so the command line runs jobs by the same functions as a worker.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

from stageloom.artifacts.hashing import hashes_below
from stageloom.derivations.execute import execute as execute_derivation
from stageloom.derivations.execute import match as match_derivation
from stageloom.derivations.plan import plan as plan_derivations
from stageloom.engine.within import making
from stageloom.functions.execute import Load
from stageloom.functions.execute import execute as execute_function
from stageloom.functions.execute import match as match_function
from stageloom.functions.execute import plan as plan_functions
from stageloom.model.values import Json
from stageloom.progress import reporting
from stageloom.rpc.messages import (
    JobDone,
    JobFailed,
    JobOutcome,
    JobStale,
    Matched,
    MatchJob,
    PlanJob,
    Planned,
    PlannedStage,
    Point,
    Realized,
    RealizeJob,
    WrittenFile,
)
from stageloom.rpc.wire import encode
from stageloom.store.trees import scan
from stageloom.tracking.loader import IncompatibleSnapshotError
from stageloom.tracking.reads import SIZE, THERE, TIME, VARIABLE
from stageloom.worker.children import NOTICE
from stageloom.worker.failures import failure_of
from stageloom.worker.leftovers import check_closed, threads_left
from stageloom.worker.listening import observing
from stageloom.worker.neighbours import neighbours, other_names, wanted_in
from stageloom.worker.observed import Observer
from stageloom.worker.project import Loaded, Project
from stageloom.worker.redirect import redirected, speaking
from stageloom.worker.spawning import children_import_from
from stageloom.worker.surroundings import PeakMemory, surroundings

Progress = Callable[[Sequence[Point], float | None, str], None]


class Listener(Protocol):
    """Hears of a job while it runs, from any thread."""

    def log(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """User code printed ``text``."""
        ...

    def progress(self, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """User code reported ``points``."""
        ...


#: What this process has imported: as there is one ``sys.modules``, there is one of it.
PROJECT = Project()


def realize(job: RealizeJob, listener: Listener) -> JobOutcome:
    """Run one stage in this process, which is not a worker's: what Python code prints goes to ``listener`` alone.

    A process that has imported older files imports them anew. Raises KeyboardInterrupt where the user interrupts.
    """

    def progress(points: Sequence[Point], fraction: float | None, message: str) -> None:
        with speaking():
            listener.progress(points, fraction, message)

    with redirected(listener.log):
        outcome = run_realize(job, progress)
        if isinstance(outcome, JobStale):
            PROJECT.forget()
            outcome = run_realize(job, progress)
    if isinstance(outcome, JobFailed) and outcome.failure.kind == "cancelled":
        raise KeyboardInterrupt
    return outcome


def plan(job: PlanJob) -> JobOutcome:
    """Run a pipeline file in this process and say what it declares; what it prints is dropped."""
    with redirected(_drop):
        outcome = run_plan(job)
        if isinstance(outcome, JobStale):
            PROJECT.forget()
            outcome = run_plan(job)
    return outcome


def run_realize(job: RealizeJob, progress: Progress) -> JobOutcome:
    """Run one stage; whatever goes wrong, an interrupt included, is in the outcome."""
    attempt = _Attempt(job.store, job.root, job.snapshot, job.scratch)
    return attempt.run(lambda loaded: _realize(job, progress, attempt.importer(loaded), loaded, attempt.observer))


def run_plan(job: PlanJob) -> JobOutcome:
    """Import a pipeline file and say what it declares; whatever goes wrong is in the outcome.

    A file that was imported does not run again, and may have read what has changed since: that is stale too.
    """
    if PROJECT.planned:
        return JobStale()
    PROJECT.planned = True
    attempt = _Attempt(job.store, job.root, job.snapshot)
    return attempt.run(lambda loaded: _plan(job, attempt.importer(loaded), loaded))


def match(job: MatchJob) -> JobOutcome:
    """Ask a stage's matcher in this process; what it prints is dropped."""
    with redirected(_drop):
        outcome = run_match(job)
        if isinstance(outcome, JobStale):
            PROJECT.forget()
            outcome = run_match(job)
    return outcome


def run_match(job: MatchJob) -> JobOutcome:
    """Ask a stage's matcher; whatever goes wrong is in the outcome."""
    attempt = _Attempt(job.store, job.root, job.snapshot)
    return attempt.run(lambda loaded: _match(job, attempt.importer(loaded), loaded))


def _drop(stream: str, text: str) -> None:
    """What a planner's file prints is for nobody."""


class _Attempt:
    """One job on its way; ``importing`` says whether it is the project's files that run right now."""

    def __init__(self, store: str, root: str, snapshot: str, *apart: str) -> None:
        self._place = (store, root, snapshot)
        self.importing = False
        self.observer = Observer(root, (store, *apart), PROJECT.modules)

    def run(self, work: Callable[[Loaded], Realized | Planned | Matched]) -> JobOutcome:
        try:
            loaded = PROJECT.use(*self._place)
            if loaded is None:
                return JobStale()
            with observing(self.observer):
                try:
                    return JobDone(encode(work(loaded)))
                finally:  # a module stays imported, and what it holds stays held, whatever came of the job
                    PROJECT.note_reads(self.observer.imports(), self.observer.kept())
                    PROJECT.note_kept(self.observer.changed(), self.observer.remembered())
        except IncompatibleSnapshotError:
            return JobStale()
        except KeyboardInterrupt as error:
            PROJECT.note_interrupt(error.__traceback__)
            return JobFailed(failure_of(error, self._place[1]))
        except BaseException as error:  # noqa: BLE001  # nothing that user code raises may end a worker
            return JobFailed(failure_of(error, self._place[1], importing=self.importing))

    def importer(self, loaded: Loaded) -> Load:
        def load(path: str) -> ModuleType:
            self.importing = True
            module = loaded.load(path)
            self.importing = False
            return module

        return load


def _realize(job: RealizeJob, progress: Progress, load: Load, loaded: Loaded, observer: Observer) -> Realized:
    memory = PeakMemory()
    references, warnings, instances = False, tuple[str, ...](), tuple[str, ...]()
    derivation: Json = None
    threads = threading.enumerate()
    with (
        surroundings(job.root, job.path, job.seed, PROJECT.spoil),
        reporting(progress),
        children_import_from(job.store, job.root, job.snapshot),
        making(job.dref, observer.realizes),
    ):
        start = time.perf_counter()
        if job.language == "function":
            receive = partial(_receive, job, load, loaded)
            warnings = execute_function(job, loaded.functions, loaded.code, load, receive, loaded.code_of)
        elif job.language == "reactor":
            from stageloom.pyplant.execute import execute as execute_reactor  # on use: it is large

            module, content = load(job.path), loaded.snapshot.read(job.path)
            derivation, warnings = execute_reactor(job, module, content, loaded.code_of)
        else:
            module = load(job.path)
            around = neighbours(loaded.functions, load, job.stages)
            executed = execute_derivation(job, module, loaded.snapshot, loaded.code, around)
            references, instances = executed.references, tuple(executed.instances)
        took = time.perf_counter() - start
    check_closed(job.scratch, children=observer.starts_processes)
    found = scan(job.scratch, hashes_below(job.scratch))
    files = tuple(WrittenFile(file.path, file.size, file.sha256) for file in found.files)
    own = observer.reads(job.inputs)
    if observer.starts_processes:
        sys.stderr.write(NOTICE)
    written = loaded.functions.named(job.stage)
    place = (written.path, written.function) if written is not None else (job.path, "")
    imported = {**PROJECT.import_reads, **PROJECT.kept_for(*place), **observer.imports()}
    reads = {**{name: state for name, state in imported.items() if name not in job.inputs}, **own}
    told = (*warnings, *_undeclared(own), *_left(threads))
    return Realized(files, took, memory.read(), told, references, instances, reads, derivation)


def _left(before: Sequence[threading.Thread]) -> Iterator[str]:
    """Yield a sentence about threads that a stage left running: no other stage is to run beside them."""
    threads = threads_left(before, [str(module.__file__) for module in PROJECT.modules()])
    if threads:
        PROJECT.note_threads(threads)
        yield f"It left a thread running ({threads[0].name}); what that writes from now on is not kept: join it."


def _undeclared(reads: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence about what a stage should declare."""
    files = [name for name in reads if not name.startswith((VARIABLE, THERE, SIZE, TIME)) and not name.endswith("/")]
    variables = [name for name in reads if name.startswith(VARIABLE)]
    if files:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        told = f'its content as it was read counts. Declare it to have it looked at beforehand: File("{files[0]}")'
        yield f"It read {files[0]}{more}, which it does not declare; {told}"
    if variables:
        name = variables[0].removeprefix(VARIABLE)
        more = f" and {len(variables) - 1} more" if len(variables) > 1 else ""
        told = f'its value counts. Declare it to have it show as a parameter: Env("{name}")'
        yield f"It read the environment variable {name}{more}, which it does not declare; {told}"


def _match(job: MatchJob, load: Load, loaded: Loaded) -> Matched:
    with surroundings(job.root, job.path, 0, PROJECT.spoil):
        if loaded.functions.named(job.stage) is not None:
            return Matched(match_function(job, loaded.functions, load))
        around = neighbours(loaded.functions, load, job.stages)
        return Matched(match_derivation(job, load(job.path), loaded.snapshot, loaded.code, around))


def _plan(job: PlanJob, load: Load, loaded: Loaded) -> Planned:
    with surroundings(job.root, job.path, 0, PROJECT.spoil):
        others = other_names(loaded.functions, loaded.snapshot, job.path)
        functions = plan_functions(loaded.functions, load, others)
        module = load(job.path)
        around = neighbours(loaded.functions, load, {})
        derivations = plan_derivations(module, job.path, loaded.snapshot, loaded.code, job.sets, around)
        reactors = _plan_reactors(module, loaded, job)
    stages = [*functions.stages, *derivations.stages, *reactors]
    return Planned(stages, [*functions.problems, *derivations.problems])


def _receive(job: RealizeJob, load: Load, loaded: Loaded, folders: Sequence[Path], name: str | None) -> object:
    from stageloom.pyplant.execute import receive_in  # on use: few functions depend on reactors

    return receive_in(load(job.path), loaded.snapshot.read(job.path))(folders, name)


def _plan_reactors(module: ModuleType, loaded: Loaded, job: PlanJob) -> Sequence[PlannedStage]:
    from stageloom.reactors.language import Reactors  # on use: most files have none

    snapshot = loaded.snapshot
    if not Reactors().speaks(snapshot, job.path, wanted_in(loaded.functions)):
        return ()
    from stageloom.pyplant.execute import plan as plan_reactors

    return plan_reactors(module, snapshot.read(job.path), job.root)
