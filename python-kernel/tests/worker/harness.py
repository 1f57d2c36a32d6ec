"""A worker in a process of its own, driven over its real connection, and projects for it to work on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stageloom.functions.inputs import input_hashes
from stageloom.functions.source import read as read_functions
from stageloom.model.values import Json
from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, inline
from stageloom.rpc.messages import (
    InitializeResult,
    JobDone,
    JobFailed,
    JobLog,
    JobOutcome,
    JobProgress,
    LogMessage,
    PlanJob,
    Planned,
    Realized,
    RealizeJob,
)
from stageloom.rpc.request import Request
from stageloom.rpc.wire import decode
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot, take

SOURCE = Path(__file__).resolve().parents[2] / "src"
PROGRAM = SOURCE / "stageloom" / "worker" / "__main__.py"


class FolderOfBlobs:
    """Writes contents where a store keeps them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_source(self, content: bytes) -> str:
        import hashlib

        name = hashlib.sha256(content).hexdigest()
        path = self.folder / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def source(self, sha256: str) -> bytes:
        return (self.folder / sha256[:2] / sha256).read_bytes()


class Project:
    """A project on disk with the part of a store that workers read."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.store = folder / "store"
        self.root.mkdir()
        self._count = 0

    def write(self, text: str, path: str = "pipeline.py") -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")

    def snapshot(self, path: str = "pipeline.py") -> Snapshot:
        snapshot = take(self.root, path, blobs=FolderOfBlobs(self.store / "sources"))
        place = self.store / "snapshots" / snapshot.id[:2] / f"{snapshot.id}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(snapshot.to_json()))
        return snapshot

    def job(self, stage: str, path: str = "pipeline.py", **changes: Any) -> RealizeJob:
        """Return the job that an engine would make of the project as it is now."""
        snapshot = changes.pop("snapshot", None) or self.snapshot(path)
        self._count += 1
        scratch = self.store / "scratch" / str(self._count)
        scratch.mkdir(parents=True)
        declared = read_functions(snapshot, path).named(stage)
        configuration: dict[str, Json] = {}
        code = ""
        if declared is not None:
            code = Code(snapshot).fingerprint(declared.path, declared.function).digest
            configuration = {
                one.name: one.value
                for one in declared.parameters
                if one.role in ("configuration", "input") and not one.auxiliary
            }
        inputs: dict[str, str] = {}
        for one in declared.parameters if declared is not None else ():
            if one.role == "input" and one.name in configuration:
                assert declared is not None
                inputs |= input_hashes(self.root, declared.path, configuration[one.name], one.kind or "file")
        fields: dict[str, Any] = {
            "job": f"job-{self._count}",
            "store": str(self.store),
            "root": str(self.root),
            "snapshot": snapshot.id,
            "language": "function",
            "path": declared.path if declared is not None else path,
            "stage": stage,
            "dref": "",
            "code": code,
            "configuration": configuration | changes.pop("configuration", {}),
            "trees": {},
            "scratch": str(scratch),
            "seed": 7,
            "inputs": inputs,
        }
        return RealizeJob(**(fields | changes))

    def plan_job(self, path: str = "pipeline.py") -> PlanJob:
        return PlanJob("plan", str(self.store), str(self.root), self.snapshot(path).id, path)


class Worker:
    """A running worker, and all it said."""

    def __init__(self, command: list[str] | None = None, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "stageloom.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "0"},
            cwd=cwd,
            start_new_session=True,
        )
        self.logs: list[JobLog] = []
        self.progress: list[JobProgress] = []
        self.words: list[LogMessage] = []
        self.problems: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.host = Endpoint(
            self.process.stdout, self.process.stdin, log=lambda level, text: self.problems.append(text), name="worker"
        )
        self.host.on("job/log", lambda params, _: self.logs.append(params), inline)
        self.host.on("job/progress", lambda params, _: self.progress.append(params), inline)
        self.host.on("log/message", lambda params, _: self.words.append(params), inline)
        self.stderr = ""
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()
        self.host.start()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.stderr = self.process.stderr.read().decode("utf-8", "replace")

    def connect(self) -> InitializeResult:
        return handshake.connect(self.host, "worker", timeout=120)

    def start(self, job: RealizeJob) -> Request:
        return self.host.submit("worker/realize", job)

    def outcome(self, job: RealizeJob, timeout: float = 120) -> JobOutcome:
        outcome: JobOutcome = self.start(job).result(timeout)
        return outcome

    def done(self, job: RealizeJob) -> Realized:
        outcome = self.outcome(job)
        assert isinstance(outcome, JobDone), outcome
        realized: Realized = decode(Realized, outcome.result)
        return realized

    def failed(self, job: RealizeJob) -> JobFailed:
        outcome = self.outcome(job)
        assert isinstance(outcome, JobFailed), outcome
        return outcome

    def planned(self, job: PlanJob) -> Planned:
        outcome = self.host.request("worker/plan", job, 30)
        assert isinstance(outcome, JobDone), outcome
        planned: Planned = decode(Planned, outcome.result)
        return planned

    def printed(self, job: RealizeJob | None = None, stream: str = "stdout") -> str:
        own = [one for one in self.logs if job is None or one.job == job.job]
        return "".join(one.text for one in own if one.stream == stream)

    def wait_dead(self, timeout: float = 60) -> int:
        code = self.process.wait(timeout)
        self._reader.join(60)
        return code

    def close(self) -> None:
        self.host.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(60)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def wait_for(condition: Callable[[], object], timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)
