"""A worker's side of its connection: jobs one after another in the main thread, messages read beside them."""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO

from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, Handler
from stageloom.rpc.messages import (
    CallOutcome,
    CallParams,
    Empty,
    Failure,
    InitializeParams,
    InitializeResult,
    JobFailed,
    JobLog,
    JobOutcome,
    JobProgress,
    LogMessage,
    MatchJob,
    PlanJob,
    Point,
    RealizeJob,
    WarmParams,
)
from stageloom.rpc.request import Call
from stageloom.worker.calls import Calls
from stageloom.worker.capture import Capture, Name
from stageloom.worker.interrupt import Interrupter
from stageloom.worker.parent import end_group, end_now
from stageloom.worker.sessions import Sessions
from stageloom.worker.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stageloom.worker.jobs import Progress

_LEVELS = ("debug", "info", "warning", "error")
_GRACE = 0.3


class Server:
    """Runs jobs until its connection ends. Made and run in the main thread."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._interrupter = Interrupter()
        self._endpoint = Endpoint(reader, writer, log=self._log, name="host")
        self._capture = Capture(self._stray)
        handshake.answer(self._endpoint, ("worker", "planner", "operator"), self._begin)
        self._endpoint.on("worker/realize", self._realize, self._tasks.put)
        self._endpoint.on("worker/plan", self._plan, self._tasks.put)
        self._endpoint.on("worker/match", self._match, self._tasks.put)
        self._endpoint.on("worker/warm", self._warm, self._tasks.put)
        self._serve_calls()
        self._endpoint.on("shutdown", self._shutdown, self._tasks.put)
        self._endpoint.on_close(self._closed)

    def run(self) -> None:
        """Take tasks until the connection ends; never returns."""
        self._endpoint.start()
        while True:
            try:
                task = self._tasks.get()
                if task is None:
                    break
                task()
            except BaseException as error:  # noqa: BLE001  # nothing that user code left behind may end a worker
                self._log("error", f"the worker went on after {type(error).__name__}: {error}")
        self._leave()

    def _serve_calls(self) -> None:
        calls = Calls(self._endpoint, self._interrupter, self._capture)
        sessions = Sessions(calls)
        streams = Streams(calls, lambda params: (sessions if params.fence > 0 else calls).find(params))

        def call(params: CallParams, call: Call) -> CallOutcome:
            return sessions.call(params, call) if params.fence > 0 else calls.run(params, call)

        served: dict[str, Handler] = {
            "open": calls.open,
            "call": call,
            "session": sessions.init,
            "checkpoint": sessions.checkpoint,
            "stream": streams.start,
            "next": streams.next,
            "close": streams.close,
        }
        for name, handle in served.items():
            self._endpoint.on(f"worker/{name}", handle, self._tasks.put)

    def _begin(self, params: InitializeParams) -> InitializeResult:
        if params.role != "operator":  # its jobs need it, and it comes before the first of them
            self._tasks.put(_load_jobs)
        return handshake.describe()

    def _leave(self) -> None:
        # what user code started ends with the worker; threads that it left running must not keep it alive
        if os.name != "nt":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end_group(signal.SIGTERM)
        os._exit(0)

    def _shutdown(self, params: Empty, call: Call) -> Empty:
        del call
        self._tasks.put(None)
        return params

    def _closed(self) -> None:
        """The host is gone, or has had enough: an idle worker leaves in order, one at work is ended."""
        self._tasks.put(None)
        timer = threading.Timer(_GRACE, end_now)
        timer.daemon = True
        timer.start()

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _realize(self, job: RealizeJob, call: Call) -> JobOutcome:
        from stageloom.worker.jobs import run_realize

        return self._job(job.job, call, lambda progress: run_realize(job, progress))

    def _plan(self, job: PlanJob, call: Call) -> JobOutcome:
        from stageloom.worker.jobs import run_plan

        return self._job(job.job, call, lambda _: run_plan(job))

    def _match(self, job: MatchJob, call: Call) -> JobOutcome:
        from stageloom.worker.jobs import run_match

        return self._job(job.job, call, lambda _: run_match(job))

    def _job(self, job: str, call: Call, run: Callable[[Progress], JobOutcome]) -> JobOutcome:
        def log(stream: Name, text: str) -> None:
            self._endpoint.notify("job/log", JobLog(job, stream, text))

        def progress(points: Sequence[Point], fraction: float | None, message: str) -> None:
            self._endpoint.notify("job/progress", JobProgress(job, points, fraction, message))

        self._capture.begin(log)
        try:
            with self._interrupter.running(call):
                outcome = run(progress)
        except KeyboardInterrupt:
            outcome = JobFailed(Failure("cancelled", "cancelled"))
        finally:
            self._interrupter.rest()
            self._capture.end()
        return outcome

    def _warm(self, params: WarmParams, call: Call) -> Empty:
        del call
        for module in params.modules:
            try:
                importlib.import_module(module)
            except BaseException as error:  # noqa: BLE001, PERF203  # a stage that needs it will say so
                self._log("debug", f"{module} was not imported ahead: {type(error).__name__}: {error}")
        return Empty()

    # --- its own words -----------------------------------------------------------------------------------------------

    def _log(self, level: str, text: str) -> None:
        known = next((one for one in _LEVELS if one == level), "info")
        self._endpoint.notify("log/message", LogMessage(known, text))  # type: ignore[arg-type]  # one of them

    def _stray(self, stream: Name, text: str) -> None:
        if text.strip():
            self._log("info", f"{stream} between jobs: {text.rstrip()[:10_000]}")


def _load_jobs() -> None:
    importlib.import_module("stageloom.worker.jobs")
