"""An extension host in Python: the real engine over its real connection, with a real worker process for each job."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, in_thread, inline
from stageloom.rpc.errors import ConnectionClosedError, RequestCancelledError
from stageloom.rpc.messages import (
    Failure,
    JobChanged,
    JobFailed,
    JobOutcome,
    MatchJob,
    PlanJob,
    PoolRunParams,
    RealizeJob,
    RunChanged,
    RunParams,
    RunStarted,
    StoreProgress,
)
from stageloom.rpc.request import Call
from stageloom.rpc.wire import decode

SOURCES = Path(__file__).resolve().parents[2] / "src"

_JOBS = {"worker/plan": PlanJob, "worker/realize": RealizeJob, "worker/match": MatchJob}


class Kernel:
    """A process of the package at the other end of an endpoint."""

    def __init__(self, module: str, role: str, workspace: str = "", store: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.endpoint = Endpoint(self.process.stdout, self.process.stdin)
        self._role, self._workspace, self._store = role, workspace, store

    def start(self) -> None:
        """Greet it."""
        self.endpoint.start()
        handshake.connect(self.endpoint, self._role, workspace=self._workspace, store=self._store)

    def close(self) -> None:
        """End it."""
        self.endpoint.close()
        self.process.kill()
        self.process.wait(60)


class Host:
    """What an engine sees of the editor."""

    def __init__(self, workspace: Path) -> None:
        self.jobs: list[PoolRunParams] = []
        self.cancelled: list[str] = []
        self.changes: list[RunChanged] = []
        self.logs: list[tuple[str, str]] = []
        self.messages: list[str] = []
        self.progress: list[StoreProgress] = []
        #: What happens to a job before a worker begins with it: returns whether one does.
        self.queue: Callable[[PoolRunParams], bool] = lambda _: True
        self._changed = threading.Condition()
        self.engine = Kernel("stageloom.service", "engine", str(workspace), str(workspace / ".stageloom" / "store"))
        endpoint = self.engine.endpoint
        endpoint.on("pool/run", self._run, in_thread)
        endpoint.on("run/changed", self._hear, inline)
        endpoint.on("run/log", lambda log, _: self.logs.append((log.stage, log.text)), inline)
        endpoint.on("log/message", lambda log, _: self.messages.append(log.text), inline)
        endpoint.on("store/progress", lambda told, _: self.progress.append(told), inline)
        for method in ("run/progress", "store/changed"):
            endpoint.on(method, lambda *_: None, inline)
        self.engine.start()

    def __enter__(self) -> Host:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    def ask(self, method: str, params: object, timeout: float = 120) -> Any:
        """Ask the engine and return its answer."""
        return self.engine.endpoint.request(method, params, timeout=timeout)

    def start(self, path: str, *targets: str) -> str:
        """Start a run."""
        started: RunStarted = self.ask("run/start", RunParams(path, targets))
        return started.run

    def ended(self, run: str, timeout: float = 120) -> dict[str, Any]:
        """Return how the stages of a run ended, its own end under ``""``."""
        self.until(lambda: any(one.run == run and one.is_ in ("done", "failed", "cancelled") for one in self.changes))
        stages: dict[str, Any] = {}
        for one in self.changes:
            if one.run == run:
                stages.update((stage.name, stage) for stage in one.stages)
                stages[""] = one
        return stages

    def until(self, so: Callable[[], bool], timeout: float = 120) -> None:
        """Wait until something is so."""
        end = time.monotonic() + timeout
        with self._changed:
            while not so():
                assert time.monotonic() < end, "it did not come to that"
                self._changed.wait(0.05)

    def _hear(self, changed: RunChanged, call: Call) -> None:
        del call
        with self._changed:
            self.changes.append(changed)
            self._changed.notify_all()

    def _run(self, params: PoolRunParams, call: Call) -> JobOutcome:
        with self._changed:
            self.jobs.append(params)
            self._changed.notify_all()
        if not self.queue(params):
            return JobFailed(Failure("cancelled", "Cancelled before it began."))
        self.change(params, "running")
        worker = Kernel("stageloom.worker", params.role)
        try:
            call.on_cancel(lambda: self._cancel(params.job, worker))
            for method in ("job/log", "job/progress"):
                worker.endpoint.on(
                    method, lambda told, _, method=method: self.engine.endpoint.notify(method, told), inline
                )
            worker.endpoint.on("log/message", lambda *_: None, inline)
            worker.start()
            job = decode(_JOBS[params.method], params.params)
            outcome: JobOutcome = worker.endpoint.request(params.method, job, timeout=120)
        except ConnectionClosedError:
            if params.job in self.cancelled:
                raise RequestCancelledError from None
            signal = -worker.process.wait(60)
            return JobFailed(Failure("killed", f"The worker was killed by signal {signal}"))
        else:
            return outcome
        finally:
            worker.close()

    def change(self, params: PoolRunParams, is_: Literal["waiting", "running"]) -> None:
        """Tell the engine where a job stands."""
        self.engine.endpoint.notify("job/changed", JobChanged(params.job, is_))

    def _cancel(self, job: str, worker: Kernel) -> None:
        with self._changed:
            self.cancelled.append(job)
            self._changed.notify_all()
        worker.process.kill()
