"""What each command does."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

from stageloom.cli import show
from stageloom.cli.place import heeds_pins, no_pins
from stageloom.cli.quick import input_names
from stageloom.cli.target import Place, find_place, parse_sets, store_of, workspace_of
from stageloom.engine import standing
from stageloom.engine.language import Pipeline
from stageloom.engine.profiles import with_profile
from stageloom.engine.project import UnknownStageError, blocking_problems, closest
from stageloom.engine.run import Run, RunResult
from stageloom.engine.schedule import StageState
from stageloom.engine.telling import Entry, realization_of
from stageloom.engine.workspace import Workspace
from stageloom.library import executor_for, open_workspace
from stageloom.model.references import RRef
from stageloom.model.values import Json
from stageloom.rpc.messages import Plan, Point, Problem, StageStatus
from stageloom.rpc.wire import encode
from stageloom.worker.redirect import speaking

_EXIT = {"done": 0, "failed": 1, "cancelled": 130}
_WORDS = {
    "kept": show.KEPT,
    "done": "ran",
    "failed": "failed",
    "skipped": "skipped: what it needs failed",
    "cancelled": "cancelled",
    "running": "running …",
}
#: What ``--quiet`` leaves of a run.
_LOUD = ("done", "failed")


def realize(arguments: argparse.Namespace) -> int:
    """Run what is missing of the named stages."""
    with _opened(arguments) as (workspace, place):
        pipeline = workspace.read(place.path, sets=_sets(arguments, place))
        # first those of the whole file: one with a syntax error has no stages to name
        if blocking_problems(pipeline, ()) and _refuse(pipeline, (), as_json=arguments.json):
            return 2
        listener = _Printer(quiet=arguments.quiet or arguments.json, as_json=arguments.json)
        with executor_for(arguments.jobs, workspace.root) as executor:
            run = workspace.run(pipeline, place.stages, listener, executor=executor)
            if _refuse(pipeline, run.order, as_json=arguments.json):
                return 2
            listener.width = max((len(name) for name in run.order), default=0)
            with _interruptible(run, beside=executor is not None):
                result = run.execute()
        if arguments.json:
            show.say(json.dumps(_result_json(result, run.order)))
        else:
            _say_result(result)
        if result.outcome == "done":
            made = {name: result.entries[name].found for name in run.order}
            chosen = {name: found.rref for name, found in made.items() if found is not None}
            standing.keep(workspace.store, pipeline, _set_words(arguments), chosen, input_names)
        return _EXIT[result.outcome]


def status(arguments: argparse.Namespace) -> int:
    """Say how stages stand."""
    with _opened(arguments) as (workspace, place):
        pipeline = workspace.read(place.path, sets=_sets(arguments, place))
        plan = workspace.describe(pipeline)
        stages = _selected(plan, place)
        made = {stage.name: stage.realization for stage in plan.stages if stage.is_ == "cached"}
        chosen = {name: RRef.parse(found.rref) for name, found in made.items() if found is not None}
        standing.keep(workspace.store, pipeline, _set_words(arguments), chosen, input_names)
        if arguments.json:
            show.say(json.dumps({**_as_dict(encode(plan)), "stages": [encode(stage) for stage in stages]}))
        else:
            width = max((len(stage.name) for stage in stages), default=0)
            for stage in stages:
                show.say(show.stage_line(stage, width))
            if forecast := show.forecast(stages):
                show.say(forecast)
            _complain_of(plan.problems)
        if plan.problems:
            return 2
        return int(arguments.check and any(stage.is_ != "cached" for stage in stages))


def why(arguments: argparse.Namespace) -> int:
    """Say why stages aren't cached."""
    with _opened(arguments) as (workspace, place):
        sets = _sets(arguments, place)
        plan = workspace.plan(place.path, sets=sets)
        stages = _selected(plan, place)
        found = {stage.name: workspace.why(place.path, stage.name, sets=sets) for stage in stages}
        if arguments.json:
            show.say(json.dumps({name: [encode(reason) for reason in told] for name, told in found.items()}))
            return 0
        for stage in stages:
            show.say(show.stage_line(stage, len(stage.name)))
            if stage.last_run is not None:
                show.say("  " + show.last_run_lines(stage.last_run).replace("\n", "\n  "))
            for reason in found[stage.name]:
                show.say("  " + show.reason_lines(reason).replace("\n", "\n  "))
        _complain_of(plan.problems)
        return 2 if plan.problems else 0


def invalidate(arguments: argparse.Namespace) -> int:
    """Hide what is cached of stages."""
    with _opened(arguments) as (workspace, place):
        hidden = workspace.invalidate(
            place.path, place.stages, dependents=arguments.dependents, sets=_sets(arguments, place)
        )
        if arguments.json:
            show.say(json.dumps(encode(hidden)))
        elif not hidden.rrefs:
            show.say("Nothing to invalidate: none of these is cached")
        else:
            show.say(f"Invalidated {', '.join(hidden.stages)} (undo with: stageloom undo {hidden.sequence})")
        return 0


def undo(arguments: argparse.Namespace) -> int:
    """Undo an invalidation."""
    root = Path(arguments.root).resolve() if arguments.root else workspace_of(Path.cwd() / "pipeline.py")
    with open_workspace(root, store_of(root, arguments.store), create=False) as workspace:
        undone = workspace.undo(arguments.sequence)
        if arguments.json:
            show.say(json.dumps(encode(undone)))
        elif not undone.sequence:
            show.say("Nothing to undo")
        else:
            show.say(f"{len(undone.rrefs)} realization{'s' * (len(undone.rrefs) != 1)} visible again")
        return 0


def _sets(arguments: argparse.Namespace, place: Place) -> Mapping[str, Json]:
    return with_profile(place.root, arguments.profile, place.path, parse_sets(arguments.set))


def _set_words(arguments: argparse.Namespace) -> list[str]:
    """Return the words that set parameters; those with a profile are no answer to a command without one."""
    profile = [f"--profile={arguments.profile}"] if arguments.profile else []
    return [*arguments.set, *profile, *no_pins(arguments.pins)]


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[Workspace, Place]]:
    place = find_place(arguments.targets, arguments.root, arguments.store)
    with open_workspace(place.root, place.store, pins=heeds_pins(getattr(arguments, "pins", None))) as workspace:
        yield workspace, place


def _selected(plan: Plan, place: Place) -> list[StageStatus]:
    if not place.stages:
        return list(plan.stages)
    found = [stage for stage in plan.stages if stage.name in place.stages or stage.function in place.stages]
    for name in place.stages:
        if not any(name in (stage.name, stage.function) for stage in found):
            known = {stage.name: None for stage in plan.stages}
            raise UnknownStageError(f"{plan.path} has no stage {name!r}{closest(name, known)}")
    return found


def _refuse(pipeline: Pipeline, stages: Sequence[str], *, as_json: bool) -> bool:
    """Say what is wrong in the source and return whether that keeps ``stages`` from running."""
    wrong = blocking_problems(pipeline, stages)
    if pipeline.targets and not wrong:
        return False
    if as_json:
        show.say(json.dumps({"outcome": "refused", "problems": [encode(problem) for problem in wrong]}))
        return True
    _complain_of(wrong)
    if not wrong:
        # a decorated method is a warning, of a file that has stages
        _complain_of(pipeline.problems)
        show.complain(f"{pipeline.path} has no stages: mark functions at its top level with @stage")
    return True


def _complain_of(problems: Sequence[Problem]) -> None:
    for problem in problems:
        show.complain(show.problem_lines(problem))


def _as_dict(value: Json) -> Mapping[str, Json]:
    assert isinstance(value, dict)
    return value


@contextmanager
def _interruptible(run: Run, *, beside: bool) -> Iterator[None]:
    """Let the first Ctrl+C cancel the run, so that what finished is kept and the outcome is told.

    Where stages run beside this process, nothing here is to be broken off: only the second Ctrl+C is an interrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.getsignal(signal.SIGTERM)

    interrupted = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        interrupted.append(number)
        run.cancel()
        if not beside or len(interrupted) > 1:
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    at_interrupt = signal.signal(signal.SIGINT, stop) if beside else None
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)
        if at_interrupt is not None:
            signal.signal(signal.SIGINT, at_interrupt)


class _Printer:
    """Prints a run as it goes."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.width = 0
        self._quiet = quiet
        self._json = as_json
        self._lock = threading.Lock()
        self._at_line_start = True

    def changed(self, stage: str, state: StageState, entry: Entry) -> None:
        """Print a line when a stage ends."""
        words = _WORDS.get(state)
        if self._json or words is None or (self._quiet and state not in _LOUD):
            return
        if state == "done":
            words += f", took {show.duration(entry.took or 0)}"
        elif entry.failure is not None and state == "failed":
            words += f": {show.failure_words(entry.failure)}"
        self._line(f"{stage:<{self.width}}  {words}")
        for warning in entry.warnings if state == "done" else ():
            self._line(f"{'':<{self.width}}  warning: {warning}")
        if entry.failure is not None:
            self._line(show.failure_lines(entry.failure))

    def log(self, stage: str, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Print what a stage prints, where it printed it."""
        del stage
        if self._quiet:
            return
        with self._lock:
            target = sys.stdout if stream == "stdout" else sys.stderr
            target.write(text)
            target.flush()
            self._at_line_start = text.endswith(("\n", "\r"))

    def progress(self, stage: str, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """Say nothing: a curve is for eyes."""

    def _line(self, text: str) -> None:
        with self._lock, speaking():  # a stage may be printing in another thread
            if not self._at_line_start:
                sys.stdout.write("\n")
            self._at_line_start = True
            show.say(text)


def _say_result(result: RunResult) -> None:
    states = list(result.states.values())
    ran, kept = states.count("done"), states.count("kept")
    if result.outcome == "done" and not ran:
        show.say(show.nothing_to_do(kept))
        return
    counts = [(ran, "ran"), (kept, "cached"), (states.count("failed"), "failed"), (states.count("skipped"), "skipped")]
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    show.say(f"{result.outcome}{': ' + told if told else ''}")


def _result_json(result: RunResult, order: Sequence[str]) -> Json:
    stages: list[Json] = []
    for name in order:
        entry = result.entries[name]
        stages.append(
            {
                "name": name,
                "is": result.states[name],
                "took": entry.took,
                "realization": encode(realization_of(entry.found)) if entry.found is not None else None,
                "failure": encode(entry.failure) if entry.failure is not None else None,
                "warnings": list(entry.warnings),
            }
        )
    return {"run": result.run, "outcome": result.outcome, "stages": stages}
