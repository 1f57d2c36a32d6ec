"""Jobs side by side in worker processes of this one: ``realize --jobs N``, and ``stageloom.realize(…, jobs=N)``."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from stageloom.engine.failures import STALE
from stageloom.engine.language import Check, JobListener, never
from stageloom.executors.guard import Guard
from stageloom.executors.inline import InlineExecutor
from stageloom.executors.worker_process import WorkerProcess
from stageloom.rpc.messages import Failure, JobFailed, JobOutcome, JobStale, MatchJob, PlanJob, RealizeJob

_TRIES = 2


class _Task:
    """A job, and how far it is."""

    def __init__(self, job: RealizeJob, listener: JobListener, done: Callable[[JobOutcome], None]) -> None:
        self.job = job
        self.listener = listener
        self.done = done
        self.is_: Literal["waiting", "running", "cancelled", "ended"] = "waiting"
        self.worker: WorkerProcess | None = None


class ProcessExecutor:
    """Runs at most ``size`` jobs at once, each in a process of its own that serves many. Close it.

    A thread stands before each process: it starts it, gives it jobs, and replaces it when it died or has imported other
    sources. Pipeline files are planned in this process.
    """

    blocks = False

    def __init__(self, size: int, root: Path) -> None:
        self._size = size
        self._root = root
        self._inline = InlineExecutor()
        self._waiting: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._lanes: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._guard: Guard | None = None
        self._workers: set[WorkerProcess] = set()

    def __enter__(self) -> ProcessExecutor:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self, job: RealizeJob, pool: str, listener: JobListener, done: Callable[[JobOutcome], None]
    ) -> Callable[[], None]:
        """Have ``job`` run when a process is free; see ``engine.language.Executor``."""
        del pool
        task = _Task(job, listener, done)
        with self._changed:
            self._waiting.append(task)
            if len(self._waiting) > self._idle and len(self._lanes) < self._size:
                self._guard = self._guard or Guard()
                name = f"worker {len(self._lanes) + 1}"
                lane = threading.Thread(target=self._serve, args=(name, self._guard), name=name, daemon=True)
                self._lanes.append(lane)
                lane.start()
            self._changed.notify()
        return lambda: self._cancel(task)

    def plan(self, job: PlanJob | MatchJob, check: Check = never) -> JobOutcome:
        """Run the pipeline file in this process, or ask a matcher of it."""
        return self._inline.plan(job, check)

    def close(self) -> None:
        """End all processes; what still runs is killed."""
        with self._changed:
            self._closed = True
            tasks = list(self._waiting)
            self._waiting.clear()
            workers = list(self._workers)
            self._changed.notify_all()
        for worker in workers:
            worker.kill()
        for task in tasks:
            task.done(JobFailed(Failure("cancelled", "cancelled")))
        for lane in self._lanes:
            lane.join()
        if self._guard is not None:
            self._guard.close()

    def _cancel(self, task: _Task) -> None:
        with self._changed:
            if task.is_ in ("cancelled", "ended"):
                return
            waited, task.is_ = task.is_ == "waiting", "cancelled"
            worker = task.worker
            if waited and task in self._waiting:
                self._waiting.remove(task)
        if worker is not None:
            worker.cancel(task.job)
        elif waited:
            task.done(JobFailed(Failure("cancelled", "cancelled")))

    def _serve(self, name: str, guard: Guard) -> None:
        worker: WorkerProcess | None = None
        while (task := self._next()) is not None:
            try:
                worker, outcome = self._run(task, worker, name, guard)
            except Exception as error:  # noqa: BLE001  # whoever waits for this job must hear of its end
                outcome = JobFailed(Failure("internal", f"The executor failed: {type(error).__name__}: {error}"))
            with self._changed:
                task.is_, task.worker = "ended", None
            task.done(outcome)
        if worker is not None:
            self._end(worker)

    def _next(self) -> _Task | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return None
                task = self._waiting.popleft()
                task.is_ = "running"
                return task
            finally:
                self._idle -= 1

    def _run(
        self, task: _Task, worker: WorkerProcess | None, name: str, guard: Guard
    ) -> tuple[WorkerProcess | None, JobOutcome]:
        """Return what came of a task, and the process if it can be used again."""
        outcome: JobOutcome = JobFailed(STALE)
        for _ in range(_TRIES):
            if worker is None or not worker.alive:
                try:
                    worker = self._start(name, guard)
                except OSError as error:
                    advice = "Close other programs, or realize with fewer --jobs."
                    return None, JobFailed(Failure("internal", f"A worker process cannot be started: {error}", advice))
            with self._changed:
                stopped = task.is_ == "cancelled" or self._closed
                task.worker = worker
            if stopped:
                return worker, JobFailed(Failure("cancelled", "cancelled"))
            task.listener.changed("running")
            outcome = worker.realize(task.job, task.listener)
            if isinstance(outcome, JobStale):
                task.listener.changed("waiting")
                self._end(worker)
                worker = None
                continue
            break
        if isinstance(outcome, JobStale):
            outcome = JobFailed(STALE)
        if worker is not None and not worker.alive:
            self._end(worker)
            worker = None
        return worker, outcome

    def _start(self, name: str, guard: Guard) -> WorkerProcess:
        worker = WorkerProcess(name.capitalize(), self._root, guard)
        with self._changed:
            self._workers.add(worker)
            closed = self._closed
        if closed:
            worker.kill()
        return worker

    def _end(self, worker: WorkerProcess) -> None:
        worker.close()
        with self._changed:
            self._workers.discard(worker)
