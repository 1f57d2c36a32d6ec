"""Derivations on real planner and worker processes, with the engine and its store in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from derivation_files import CHAIN

from stageloom.derivations.language import Derivations
from stageloom.engine.workspace import Workspace
from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, inline
from stageloom.rpc.messages import JobStale
from stageloom.store.store import Store

SOURCE = Path(__file__).resolve().parents[2] / "src"

PIPELINE = """
import os
from stageloom import report
from stageloom.derivations import *


def stage_numbers(m):
    def realize(b):
        print("pid", os.getpid())
        report(step=1, value=2.5)
        open(mklens(b).out.syspath, "w").write(str(mklens(b).count.val))

    config = mkconfig({"name": "numbers", "count": 3, "out": [selfref, "n.txt"]})
    return mkdrv(m, config, match_only(), build_wrapper(realize))


def stage_total(m, numbers):
    def realize(b):
        print("pid", os.getpid())
        open(mklens(b).out.syspath, "w").write("total " + mklens(b).numbers.out.contents)

    config = mkconfig({"name": "total", "numbers": numbers, "out": [selfref, "t.txt"]})
    return mkdrv(m, config, match_latest(), build_wrapper(realize))


def stage_all(m):
    return stage_total(m, stage_numbers(m))
"""


class Process:
    """A worker, driven over its real connection."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stageloom.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        self.heard = {}
        self.endpoint = Endpoint(self.process.stdout, self.process.stdin, log=lambda level, text: None, name="worker")
        self.endpoint.on("job/log", lambda one, _: self.heard[one.job].log(one.stream, one.text), inline)
        self.endpoint.on(
            "job/progress",
            lambda one, _: self.heard[one.job].progress(one.points, one.fraction, one.message),
            inline,
        )
        self.endpoint.on("log/message", lambda one, _: None, inline)
        self.endpoint.start()
        handshake.connect(self.endpoint, "worker", timeout=120)

    def close(self):
        self.endpoint.close()
        self.process.wait(60)
        self.process.stdout.close()


class Processes:
    """Runs jobs on a worker until it is stale, and each plan on a planner of its own."""

    blocks = True

    def __init__(self):
        self.worker = None
        self.started = 0

    def submit(self, job, pool, listener, done):
        for _ in range(2):
            if self.worker is None:
                self.worker = Process()
                self.started += 1
            self.worker.heard[job.job] = listener
            outcome = self.worker.endpoint.submit("worker/realize", job).result(60)
            if not isinstance(outcome, JobStale):
                break
            self.close()
        done(outcome)
        return lambda: None

    def plan(self, job, check):
        planner = Process()
        try:
            return planner.endpoint.submit("worker/plan", job).result(60)
        finally:
            planner.close()

    def close(self):
        if self.worker is not None:
            self.worker.close()
            self.worker = None


class Listener:
    def __init__(self):
        self.logs = []
        self.points = []

    def changed(self, stage, state, entry):
        pass

    def log(self, stage, stream, text):
        self.logs.append((stage, text))

    def progress(self, stage, points, fraction, message):
        self.points.extend((stage, dict(point.values)) for point in points)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "project").mkdir()
    executor = Processes()
    with Store.open(tmp_path / "store", create=True) as store:
        yield Workspace(tmp_path / "project", store, [Derivations()], executor), executor
    executor.close()


def realize(workspace, targets=(), sets=None):
    listener = Listener()
    pipeline = workspace.read("stages.py", sets=sets)
    result = workspace.run(pipeline, targets, listener).execute()
    failures = {name: entry.failure for name, entry in result.entries.items() if entry.failure is not None}
    return dict(result.states), listener, failures


def test_one_worker_runs_all_and_a_new_one_what_was_edited(workspace):
    workspace, executor = workspace
    file = workspace.root / "stages.py"
    file.write_text(PIPELINE)
    states, listener, failures = realize(workspace)
    assert not failures
    assert states == {"numbers": "done", "total": "done", "stage_all": "done"}
    assert executor.started == 1
    assert len({text for _, text in listener.logs if text.startswith("pid")}) == 1
    assert listener.points == [("numbers", {"value": 2.5})]
    assert set(realize(workspace)[0].values()) == {"kept"}

    states, _, _ = realize(workspace, sets={"numbers.count": 4})
    assert states == {"numbers": "done", "total": "done", "stage_all": "done"}
    assert executor.started == 1

    file.write_text(PIPELINE.replace('"total "', '"sum "'))
    assert realize(workspace)[0] == {"numbers": "kept", "total": "done", "stage_all": "done"}
    assert executor.started == 2
    made = sorted(one.read_text() for one in (workspace.store.path / "trees").rglob("t.txt"))
    assert made == ["sum 3", "total 3", "total 4"]


def test_what_differs_by_process_is_refused(workspace):
    workspace, _ = workspace
    (workspace.root / "stages.py").write_text(PIPELINE.replace('"count": 3', '"count": os.getpid()'))
    states, _, failures = realize(workspace)
    assert states["numbers"] == "failed"
    assert failures["numbers"].kind == "code-changed"
    assert "must follow from the sources alone" in failures["numbers"].message
    assert states["total"] == "skipped"


def test_a_file_that_cannot_be_imported_says_what_is_missing(workspace):
    workspace, _ = workspace
    (workspace.root / "stages.py").write_text("import not_there_at_all\n" + CHAIN)
    plan = workspace.plan("stages.py")
    [problem] = plan.problems
    assert problem.code == "import-failed"
    assert "not_there_at_all" in problem.message
    assert problem.span.line == 0
    assert {stage.name: stage.is_ for stage in plan.stages} == dict.fromkeys(
        ("params", "anneal", "plot", "stage_all"), "broken"
    )


def test_a_file_of_pylightnixs_current_face(workspace):
    workspace, executor = workspace
    (workspace.root / "stages.py").write_text(
        """
import os
from stageloom.pylightnix import *


def stage_numbers(r: Registry, count=3) -> DRef:
    def make(b: Build):
        print("pid", os.getpid())
        writestr(mklens(b).out.syspath, str(mklens(b).count.val))

    config = mkconfig({"name": "numbers", "count": count, "out": [selfref, "n.txt"]})
    return mkdrv(config, match_only(), build_wrapper(make), r)


@autostage(name="total", out=[selfref, "t.txt"])
def stage_total(build, name, out, numbers):
    writestr(out, f"total {readstr(numbers.out)} of {os.path.basename(rref2path(numbers._rref))[:0]}{numbers.count}")


def stage_all(r: Registry) -> DRef:
    return stage_total(r=r, numbers=stage_numbers(r))
"""
    )
    states, listener, failures = realize(workspace)
    assert not failures
    assert states == {"numbers": "done", "total": "done", "stage_all": "done"}
    assert executor.started == 1
    assert [text.split()[0] for stage, text in listener.logs if stage == "numbers"] == ["pid"]
    assert set(realize(workspace)[0].values()) == {"kept"}
    made = sorted(one.read_text() for one in (workspace.store.path / "trees").rglob("t.txt"))
    assert made == ["total 3 of 3"]
    states, _, failures = realize(workspace, sets={"numbers.count": 4})
    assert not failures
    assert states == {"numbers": "done", "total": "done", "stage_all": "done"}
