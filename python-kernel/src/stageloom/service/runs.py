"""The runs of one engine: each in a thread, told to the host as it goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from stageloom.engine.failures import store_failure
from stageloom.engine.language import CannotPlanError
from stageloom.engine.profiles import with_profile
from stageloom.engine.project import UnknownParameterError, UnknownStageError, blocking_problems
from stageloom.engine.run import Run
from stageloom.engine.schedule import StageState
from stageloom.engine.telling import Entry, realization_of
from stageloom.engine.warm import warm_modules
from stageloom.engine.workspace import Workspace
from stageloom.executors.host import HostExecutor
from stageloom.rpc.endpoint import Endpoint
from stageloom.rpc.messages import (
    Failure,
    Point,
    Problem,
    RunChanged,
    RunLog,
    RunParams,
    RunProgress,
    RunStage,
)
from stageloom.store.errors import StoreError
from stageloom.store.store import new_run

_SHOWN: Mapping[StageState, Literal["waiting", "running", "done", "kept", "failed", "cancelled", "skipped"]] = {
    "waiting": "waiting",
    "looking": "waiting",
    "queued": "waiting",
    "running": "running",
    "placed": "running",
    "done": "done",
    "kept": "kept",
    "failed": "failed",
    "cancelled": "cancelled",
    "skipped": "skipped",
}
_BATCH_SECONDS = 0.03


class Runs:
    """Starts and cancels runs."""

    def __init__(self, workspace: Workspace, endpoint: Endpoint, executor: HostExecutor) -> None:
        self._workspace = workspace
        self._endpoint = endpoint
        self._executor = executor
        self._active: dict[str, _Active] = {}
        self._others = 0
        self._lock = threading.Lock()

    def start(self, params: RunParams) -> str:
        """Start a run in a thread of its own and return its identity."""
        active = _Active(new_run(time.time()), params, self._workspace, self._endpoint, self._executor)
        with self._lock:
            self._active[active.run] = active
        threading.Thread(target=self._carry_out, args=(active,), name=active.run, daemon=True).start()
        return active.run

    def cancel(self, run: str) -> bool:
        """Ask a run to stop; return whether it was under way."""
        with self._lock:
            active = self._active.get(run)
        if active is not None:
            active.cancel()
        return active is not None

    def stop(self, wait: float) -> None:
        """Cancel everything and wait for it, at most ``wait`` seconds."""
        with self._lock:
            active = list(self._active.values())
        for one in active:
            one.cancel()
        deadline = time.monotonic() + wait
        for one in active:
            one.ended.wait(max(0.0, deadline - time.monotonic()))

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Do inside the block what is no run and uses the store as one does: meanwhile nothing is let go."""
        with self._lock:
            self._others += 1
        try:
            yield
        finally:
            with self._lock:
                self._others -= 1
            self.let_go()

    def let_go(self) -> None:
        """Hold nothing of the store any more, unless something still uses it: that lets go at its end."""
        with self._lock:
            if not (self._active or self._others):
                with contextlib.suppress(StoreError):  # then it stays held until the next run has ended
                    self._workspace.store.let_go()

    def _carry_out(self, active: _Active) -> None:
        try:
            active.carry_out()
        finally:
            with self._lock:
                self._active.pop(active.run, None)
            self.let_go()
            active.ended.set()


class _GivenUpError(Exception):
    """The run was cancelled while it was planned."""


class _Active:
    """One run. Changes of stages are gathered for some milliseconds, so that 10,000 cached ones are a few messages."""

    def __init__(
        self, run: str, params: RunParams, workspace: Workspace, endpoint: Endpoint, executor: HostExecutor
    ) -> None:
        self.run = run
        self.ended = threading.Event()
        self._params = params
        self._workspace = workspace
        self._endpoint = endpoint
        self._executor = executor
        self._lock = threading.Lock()
        self._changes: dict[str, RunStage] = {}
        self._sent_at = 0.0
        self._due: threading.Timer | None = None
        self._state: Literal["planning", "running", "cancelling"] = "planning"
        self._cancelled = False
        self._told_end = False
        self._run: Run | None = None

    def cancel(self) -> None:
        """Ask the run to stop."""
        with self._lock:
            self._cancelled = True
            self._state = "cancelling"
            run = self._run
        self._send("cancelling")
        if run is not None:
            run.cancel()

    def carry_out(self) -> None:
        """Plan, run, and tell how it ended, whatever happens."""
        self._send("planning")
        try:
            self._plan_and_run()
        except (UnknownStageError, UnknownParameterError, FileNotFoundError) as error:
            self._end_early(Failure("internal", str(error)))
        except _GivenUpError:
            self._send("cancelled")
        except CannotPlanError as error:
            self._end_early(error.failure)
        except StoreError as error:
            self._end_early(store_failure(error))
        except Exception as error:  # a run must always be seen to end
            self._end_early(Failure("internal", f"The engine failed: {type(error).__name__}: {error}"))
            raise

    def _check(self) -> None:
        if self._cancelled:
            raise _GivenUpError

    def _plan_and_run(self) -> None:
        sets = with_profile(self._workspace.root, self._params.profile, self._params.path, self._params.sets)
        pipeline = self._workspace.read(self._params.path, sets=sets, afresh=True, check=self._check)
        # first those of the whole file: one with a syntax error has no stages to name
        if self._refused(blocking_problems(pipeline, ())):
            return
        run = self._workspace.run(pipeline, self._params.targets, self, self.run)
        if self._refused(blocking_problems(pipeline, run.order)):
            return
        with self._lock:
            self._run = run
            cancelled = self._cancelled
            if not cancelled:
                self._state = "running"
            self._changes.update((name, RunStage(name, "waiting")) for name in run.order)
        self._flush()
        self._executor.warm(pipeline.snapshot.id, warm_modules(pipeline, run.order))
        if cancelled:
            run.cancel()
        result = run.execute()
        self._send(result.outcome)

    def _refused(self, wrong: Sequence[Problem]) -> bool:
        if wrong:
            self._end_early(Failure("import-failed", wrong[0].message, "Mend the problem in the source."), wrong)
        return bool(wrong)

    def changed(self, stage: str, state: StageState, entry: Entry) -> None:
        """Gather a stage's change; what is running or has failed is told at once."""
        found = realization_of(entry.found) if entry.found is not None else None
        told = RunStage(stage, _SHOWN[state], entry.started, entry.took, found, entry.failure, entry.awaits)
        with self._lock:
            self._changes[stage] = told
            due = time.monotonic() - self._sent_at > _BATCH_SECONDS or state in ("running", "failed")
            if not due and self._due is None:
                self._due = threading.Timer(_BATCH_SECONDS, self._flush)
                self._due.daemon = True
                self._due.start()
        if due:
            self._flush()

    def log(self, stage: str, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Pass on what a stage printed."""
        self._endpoint.notify("run/log", RunLog(self.run, self._params.path, stage, stream, text))

    def progress(self, stage: str, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """Pass on what a stage reported."""
        told = RunProgress(self.run, self._params.path, stage, points, fraction, message)
        self._endpoint.notify("run/progress", told)

    def _flush(self) -> None:
        self._send(None)

    def _send(
        self,
        state: Literal["planning", "running", "done", "failed", "cancelling", "cancelled"] | None,
        failure: Failure | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        with self._lock:
            if self._told_end or (state is None and not self._changes):
                return
            self._told_end = state in ("done", "failed", "cancelled")
            if self._due is not None:
                self._due.cancel()
                self._due = None
            changes, self._changes = list(self._changes.values()), {}
            self._sent_at = time.monotonic()
            message = RunChanged(
                self.run,
                self._params.path,
                state or self._state,
                list(self._params.targets),
                changes,
                failure,
                problems,
            )
            self._endpoint.notify("run/changed", message)

    def _end_early(self, failure: Failure, problems: Sequence[Problem] = ()) -> None:
        self._send("failed", failure, problems)
