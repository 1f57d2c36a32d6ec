"""A stage for which no worker is free waits, and its time counts from when one began."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from host import Host

from stageloom.rpc.messages import PoolRunParams, RunRef, RunStage

STAGES = """
import time
from stageloom import stage


@stage
def a():
    time.sleep(0.3)
    return 1


@stage
def b(a):
    return a
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.py").write_text(STAGES, "utf-8")
    return tmp_path


def told(host: Host, name: str) -> list[RunStage]:
    return [stage for changed in host.changes for stage in changed.stages if stage.name == name]


def test_a_stage_waits_until_a_worker_begins(folder: Path) -> None:
    free = threading.Event()
    with Host(folder) as host:
        host.queue = lambda _: free.wait(60)
        run = host.start("p.py", "a")
        host.until(lambda: any(one.awaits == "worker" for one in told(host, "a")))
        time.sleep(0.5)
        assert [(one.is_, one.started) for one in told(host, "a")] == [("waiting", None)] * 2
        free.set()
        begun = time.time()
        a = host.ended(run)["a"]
        ended = time.time()
    assert [one.is_ for one in told(host, "a")][2:] == ["running", "done"]
    assert begun - 0.1 < a.started < ended
    assert 0.3 <= a.took <= ended - begun + 0.1


def test_a_job_that_another_worker_must_take_waits_again_and_counts_from_the_last_that_began(folder: Path) -> None:
    def refused(job: PoolRunParams) -> bool:
        host.change(job, "running")
        time.sleep(0.3)
        host.change(job, "waiting")
        time.sleep(0.3)
        return True

    with Host(folder) as host:
        host.queue = refused
        a = host.ended(host.start("p.py", "a"))["a"]
    states = [(one.is_, one.awaits if one.is_ == "waiting" else "") for one in told(host, "a")]
    assert states[-4:] == [("running", ""), ("waiting", "worker"), ("running", ""), ("done", "")]
    first, waits, second, _ = told(host, "a")[-4:]
    assert waits.started is None
    assert second.started - first.started > 0.5
    assert a.is_ == "done"


def test_a_stage_that_is_cancelled_while_it_waits_never_ran(folder: Path) -> None:
    withdrawn = threading.Event()
    with Host(folder) as host:
        host.queue = lambda _: not withdrawn.wait(60)
        run = host.start("p.py", "b")
        host.until(lambda: any(one.awaits == "worker" for one in told(host, "a")))
        host.ask("run/cancel", RunRef(run))
        withdrawn.set()
        ended = host.ended(run)
    a = ended["a"]
    assert (ended[""].is_, a.is_, a.started, a.took) == ("cancelled", "cancelled", None, None)
    assert not list((folder / ".stageloom" / "store" / "runs").rglob("stage.json"))
