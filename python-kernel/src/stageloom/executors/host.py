"""Jobs on the host's pools: the engine asks, the host finds a worker and passes on what it says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Literal

from stageloom.engine.language import Check, JobListener, never
from stageloom.rpc.endpoint import Endpoint, inline
from stageloom.rpc.errors import RequestCancelledError
from stageloom.rpc.messages import (
    Failure,
    JobChanged,
    JobFailed,
    JobLog,
    JobOutcome,
    JobProgress,
    MatchJob,
    PlanJob,
    PoolRunParams,
    RealizeJob,
)
from stageloom.rpc.request import Call, Request
from stageloom.rpc.wire import encode

_CHECK_SECONDS = 0.05


class HostExecutor:
    """Runs jobs through ``endpoint``, whose other end is the extension host."""

    blocks = False

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._warm: tuple[str, tuple[str, ...]] = ("", ())
        self._listeners: dict[str, JobListener] = {}
        self._lock = threading.Lock()
        endpoint.on("job/changed", self._changed, inline)
        endpoint.on("job/log", self._log, inline)
        endpoint.on("job/progress", self._progress, inline)

    def warm(self, snapshot: str, modules: Sequence[str]) -> None:
        """Have spare workers import ``modules`` ahead, while jobs of this snapshot are run."""
        self._warm = (snapshot, tuple(modules))

    def submit(
        self, job: RealizeJob, pool: str, listener: JobListener, done: Callable[[JobOutcome], None]
    ) -> Callable[[], None]:
        """Ask the host to run ``job``; see ``engine.language.Executor``."""
        with self._lock:
            self._listeners[job.job] = listener
        snapshot, modules = self._warm
        warm = modules if snapshot == job.snapshot else ()
        params = PoolRunParams(job.job, "worker", pool, job.snapshot, "worker/realize", encode(job), warm)
        request = self._endpoint.submit("pool/run", params)

        def settled(request: Request) -> None:
            with self._lock:
                self._listeners.pop(job.job, None)
            done(_outcome(request))

        request.when_done(settled)
        return request.cancel

    def plan(self, job: PlanJob | MatchJob, check: Check = never) -> JobOutcome:
        """Ask the host for a planner and wait; see ``engine.language.Executor``."""
        method: Literal["worker/match", "worker/plan"] = "worker/match" if isinstance(job, MatchJob) else "worker/plan"
        params = PoolRunParams(job.job, "planner", "", job.snapshot, method, encode(job))
        request = self._endpoint.submit("pool/run", params)
        waiting = threading.Event()
        request.when_done(lambda _: waiting.set())
        try:
            while not waiting.wait(_CHECK_SECONDS):
                check()
        except BaseException:
            request.cancel()
            raise
        return _outcome(request)

    def _changed(self, message: JobChanged, call: Call) -> None:
        del call
        listener = self._listeners.get(message.job)
        if listener is not None:
            listener.changed(message.is_)

    def _log(self, message: JobLog, call: Call) -> None:
        del call
        listener = self._listeners.get(message.job)
        if listener is not None:
            listener.log(message.stream, message.text)

    def _progress(self, message: JobProgress, call: Call) -> None:
        del call
        listener = self._listeners.get(message.job)
        if listener is not None:
            listener.progress(message.points, message.fraction, message.message)


def _outcome(request: Request) -> JobOutcome:
    error = request.error
    if error is None:
        outcome: JobOutcome = request.result()
        return outcome
    if isinstance(error, RequestCancelledError):
        return JobFailed(Failure("cancelled", "cancelled"))
    return JobFailed(Failure("internal", f"The host could not run the job: {error}"))
